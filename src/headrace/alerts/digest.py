"""The daily summary: one message to each address about all organisations that have it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from msgspec import Struct

from headrace.alerts.facts import Facts
from headrace.alerts.kinds import KINDS
from headrace.alerts.post import Post
from headrace.alerts.stores import UNUSABLE, opened
from headrace.alerts.texts import Message, duration
from headrace.fleet.project import LoadedProject
from headrace.model.clock import Clock
from headrace.sync.journal import Alert, Journal

DIGEST = "digest"
"""The kind under which the journal records when the last summary was due."""
_DAY_S = 86_400.0
_NAMED = 20


class _Line(Struct, frozen=True):
    """What the summary says of one organisation."""

    name: str
    sent: int
    troubles: list[str]
    late: float | None
    """Seconds since when it is behind."""

    @property
    def text(self) -> str:
        """The line; it begins with the troubles."""
        parts = [*self.troubles, f"{self.sent:,} changes sent"]
        if self.late is not None:
            parts.append(f"behind for {duration(self.late)}")
        return f"{self.name}: {'; '.join(parts)}"


class Digest:
    """Sends the summary when its time of the day has come. Not thread-safe."""

    def __init__(self, clock: Clock, post: Post) -> None:
        self._clock = clock
        self._post = post
        self._due: dict[str, float] = {}
        """Time of the next summary by organisation, in seconds since 1970."""

    def look(self, loaded: LoadedProject, all_facts: Sequence[Facts]) -> None:
        """Send what is due. A failing address gets no second try: the next day brings another."""
        now = self._clock.now()
        groups: dict[str, list[_Line]] = defaultdict(list)
        for facts in all_facts:
            if self._take(loaded, facts, now):
                line = self._line(loaded, facts, now.timestamp())
                for reference in facts.settings.alerts.to:
                    groups[reference].append(line)
        for reference, lines in groups.items():
            self._post.send(loaded.folder, reference, _message(lines))

    def _take(self, loaded: LoadedProject, facts: Facts, now: datetime) -> bool:
        """Whether a summary is due that no process has taken; records that this one takes it."""
        name, at = facts.organisation, facts.settings.alerts.digest_time
        if at is None or self._due.get(name, 0.0) > now.timestamp():
            return False
        last = datetime.combine(now.date(), at, UTC)
        if last > now:
            last -= timedelta(days=1)
        self._due[name] = last.timestamp() + _DAY_S
        try:
            with opened(loaded, name, self._clock) as journal:
                return _taken(journal, last.timestamp())
        except UNUSABLE:
            return False

    def _line(self, loaded: LoadedProject, facts: Facts, now: float) -> _Line:
        sent, troubles = 0, []
        try:
            with opened(loaded, facts.organisation, self._clock) as journal:
                runs = journal.runs(1000)
                sent = sum(run.sent for run in runs if run.started_at >= now - _DAY_S)
                troubles = [
                    KINDS[one.kind].title
                    for one in journal.alerts()
                    if one.kind in KINDS and one.recovered_at is None
                ]
        except UNUSABLE:
            troubles = [KINDS["journal"].title]
        behind = facts.round.behind_since if facts.round is not None else None
        late = now - behind if behind is not None else None
        return _Line(facts.organisation, sent, troubles, late)


def _taken(journal: Journal, last: float) -> bool:
    """Record that the summary of `last` is taken; False if it was, or if it is the first: a new
    organisation has nothing to sum up."""
    before = next((one for one in journal.alerts() if one.kind == DIGEST), None)
    if before is not None and before.since >= last:
        return False
    if before is not None:
        journal.drop_alert(DIGEST)
    taken = journal.raise_alert(Alert(DIGEST, last, last, 0, [], []))
    return taken and before is not None


def _message(lines: Sequence[_Line]) -> Message:
    troubled = sorted((one for one in lines if one.troubles), key=lambda one: one.name)
    fine = [one for one in lines if not one.troubles]
    sent = sum(one.sent for one in lines)
    title = f"headrace: daily summary: {len(fine):,} in step, {len(troubled):,} in trouble"
    body = [f"{len(lines):,} organisations, {sent:,} changes sent in 24 hours."]
    body += [one.text for one in (*troubled, *fine)[:_NAMED]]
    if len(lines) > _NAMED:
        body.append(f"and {len(lines) - _NAMED:,} more organisations")
    return Message(title, "\n".join(body), "warning" if troubled else "info")
