"""Announces troubles: once when they begin, and once when they are over.

What was announced is in the journal, so that a restart, or another process that notices the same
trouble, sends no second message. A message that can't be sent is tried again, and is late rather
than lost: only a process that is killed between sending and recording sends it twice.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from functools import partial

import msgspec

from headrace.alerts.conditions import Trouble, diagnose
from headrace.alerts.facts import Facts
from headrace.alerts.kinds import KINDS
from headrace.alerts.post import Post
from headrace.alerts.stores import (
    UNUSABLE,
    is_begun,
    opened,
    opened_substitute,
    substitute_of,
)
from headrace.alerts.texts import Message, message_of
from headrace.fleet.project import LoadedProject
from headrace.model.clock import Clock
from headrace.sync.journal import Alert, Journal

_PAUSES = (15.0, 30.0, 60.0, 120.0, 300.0, 900.0)
"""Seconds until an address that failed is tried again, by the number of tries; the last repeats."""
_CLAIM = 120.0
"""Seconds after which another process may send a message that one has begun to send."""
_AGAIN = 3600.0
"""Seconds between two messages about new records of the same trouble."""

Known = dict[str, Alert]


class Announcer:
    """Compares troubles with what was announced, and sends what is missing.

    Not thread-safe. An announcer that outlives a look keeps what it knows in memory, so that a
    look at an organisation without news costs no access to its journal.
    """

    def __init__(self, clock: Clock, post: Post) -> None:
        self._clock = clock
        self._post = post
        self._known: dict[str, Known] = {}

    def look(self, loaded: LoadedProject, all_facts: Sequence[Facts]) -> None:
        """Record and announce what began and what is over. Errors of one organisation's journal do
        not affect the others."""
        self.note(loaded, all_facts)
        self._send(loaded, all_facts)

    def note(self, loaded: LoadedProject, all_facts: Sequence[Facts]) -> None:
        """Record what began and what is over, and send nothing yet."""
        for facts in all_facts:
            if facts.organisation not in self._known:
                self._known[facts.organisation] = self._read(loaded, facts)
            self._compare(loaded, facts)

    # what began, and what is over --------------------------------------------------------------

    def _compare(self, loaded: LoadedProject, facts: Facts) -> None:
        now = self._clock.now().timestamp()
        found = diagnose(facts, now)
        known = self._known[facts.organisation]
        for kind, trouble in found.troubles.items():
            before = known.get(kind)
            if before is None:
                self._change(loaded, facts, kind, partial(_raise, trouble, now))
            elif before.recovered_at is not None:
                self._change(loaded, facts, kind, partial(_resume, kind))
            elif _has_news(before, trouble, now):
                self._change(loaded, facts, kind, partial(_renew, before, trouble, now))
        for kind, alert in list(known.items()):
            if kind in found.troubles or kind in found.undecided or alert.recovered_at is not None:
                continue
            self._change(loaded, facts, kind, partial(_recover, kind))

    def _change(
        self, loaded: LoadedProject, facts: Facts, kind: str, change: Callable[[Journal], object]
    ) -> None:
        self._with_journal(loaded, facts, kind, change)
        self._known[facts.organisation] = self._read(loaded, facts)

    def _with_journal(
        self, loaded: LoadedProject, facts: Facts, kind: str, work: Callable[[Journal], object]
    ) -> None:
        """Run `work` on the journal that has alerts of this kind."""
        name = facts.organisation
        place = opened_substitute if kind == "journal" else opened
        try:
            with place(loaded, name, self._clock) as journal:
                work(journal)
        except UNUSABLE:
            return  # seen again at the next look

    def _read(self, loaded: LoadedProject, facts: Facts) -> Known:
        """Return the alerts of both places; of a journal that can't be read, those known before."""
        name = facts.organisation
        found = dict(self._known.get(name, {}))
        for place, mine in ((opened, False), (opened_substitute, True)):
            if not (substitute_of(loaded, name).exists() if mine else is_begun(loaded, name)):
                continue
            try:
                with place(loaded, name, self._clock) as journal:
                    alerts = {one.kind: one for one in journal.alerts() if one.kind in KINDS}
            except UNUSABLE:
                continue
            gone = [kind for kind in found if (kind == "journal") is mine and kind not in alerts]
            for kind in gone:
                del found[kind]
            found |= {kind: one for kind, one in alerts.items() if (kind == "journal") is mine}
        return found

    # sending -----------------------------------------------------------------------------------

    def _send(self, loaded: LoadedProject, all_facts: Sequence[Facts]) -> None:
        """Send what waits; troubles of the same kind that have the same addresses are one
        message."""
        now = self._clock.now().timestamp()
        groups: dict[tuple[str, bool, tuple[str, ...]], list[tuple[Facts, Alert]]]
        groups = defaultdict(list)
        for facts in all_facts:
            for alert in self._known[facts.organisation].values():
                if not alert.waits or alert.next_try_at > now:
                    continue
                to = tuple(one for one in facts.settings.alerts.to if one not in alert.reached)
                groups[alert.kind, alert.recovered_at is not None, to].append((facts, alert))
        for (_, _, to), group in groups.items():
            mine = [(facts, alert) for facts, alert in group if self._claim(loaded, facts, alert)]
            if mine:
                message = message_of([(facts.organisation, one) for facts, one in mine], now)
                self._deliver(loaded, to, message, mine)

    def _claim(self, loaded: LoadedProject, facts: Facts, alert: Alert) -> bool:
        claimed: list[int] = []
        claim = partial(_claim, alert.kind, claimed)
        self._with_journal(loaded, facts, alert.kind, claim)
        if not any(claimed):
            self._known[facts.organisation] = self._read(loaded, facts)
        return any(claimed)

    def _deliver(
        self,
        loaded: LoadedProject,
        to: Sequence[str],
        message: Message,
        group: Sequence[tuple[Facts, Alert]],
    ) -> None:
        failed = {one: said for one in to if (said := self._send_to(loaded, one, message))}
        said = "; ".join(f"{one}: {why}" for one, why in failed.items())
        for facts, alert in group:
            reached = [*alert.reached, *(one for one in to if one not in failed)]
            pause = _PAUSES[min(alert.tries, len(_PAUSES) - 1)]
            note = partial(_note_reached, alert.kind, reached, not failed, pause, said)
            self._change(loaded, facts, alert.kind, note)

    def _send_to(self, loaded: LoadedProject, reference: str, message: Message) -> str:
        return self._post.send(loaded.folder, reference, message)

    def open_alerts(self, name: str) -> list[Alert]:
        """Return the alerts of an organisation as this announcer knows them."""
        return list(self._known.get(name, {}).values())


def _alert(trouble: Trouble, now: float) -> Alert:
    return Alert(
        trouble.kind, trouble.since, now, trouble.count, trouble.clauses, sorted(trouble.marks)
    )


def _raise(trouble: Trouble, now: float, journal: Journal) -> None:
    journal.raise_alert(_alert(trouble, now))


def _resume(kind: str, journal: Journal) -> None:
    journal.resume_alert(kind)


def _recover(kind: str, journal: Journal) -> None:
    journal.recover_alert(kind)


def _claim(kind: str, claimed: list[int], journal: Journal) -> None:
    claimed.append(journal.claim_alert(kind, _CLAIM))


def _note_reached(
    kind: str, reached: list[str], complete: bool, pause: float, said: str, journal: Journal
) -> None:
    journal.note_reached(kind, reached, complete, pause, said)


def _has_news(before: Alert, trouble: Trouble, now: float) -> bool:
    """Whether there are new records, and the last message about them is not too young."""
    if before.announced_at is None or not trouble.marks - set(before.seen):
        return False
    return now - max(before.raised_at, before.announced_at) >= _AGAIN


def _renew(before: Alert, trouble: Trouble, now: float, journal: Journal) -> None:
    new = len(trouble.marks - set(before.seen))
    alert = msgspec.structs.replace(
        _alert(trouble, now),
        seen=sorted(trouble.marks | set(before.seen)),
        clauses=trouble.clauses or [f"{new:,} of them are new since the last message"],
    )
    journal.renew_alert(alert)
