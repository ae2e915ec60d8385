"""Decides which troubles an organisation has, by its facts and settings. Pure functions."""

from __future__ import annotations

from collections.abc import Iterator

from msgspec import Struct

from headrace.alerts.facts import Facts
from headrace.alerts.kinds import ERROR_KINDS, OF_ERRORS, PATIENT
from headrace.sync.journal import LoggedRound

_ROUNDS_MISSED = 3
"""Number of intervals without a round that count as silence, however short the setting."""
_SHRANK = ("fewer)", "came back empty")


class Trouble(Struct, frozen=True):
    """Something to announce; `since` is in seconds since 1970."""

    kind: str
    since: float
    count: int
    clauses: list[str] = []
    marks: frozenset[str] = frozenset()
    """Marks of the records that it is about; new ones are announced again."""


class Diagnosis(Struct, frozen=True):
    """The troubles of one organisation, by kind."""

    troubles: dict[str, Trouble]
    undecided: frozenset[str]
    """Kinds of which is unknown whether they are over."""


def diagnose(facts: Facts, now: float) -> Diagnosis:
    """Return the troubles at `now`, in seconds since 1970.

    A trouble that explains others is the only one: while rounds fail, nobody hears about lag.
    """
    undecided: set[str] = set() if facts.live else {"stuck"}
    if facts.unusable_since is not None:
        lasts = _lasts(facts, facts.unusable_since, "unreachable", now)
        trouble = Trouble("journal", facts.unusable_since, 1)
        found = [trouble] if facts.damaged or lasts else []
        return Diagnosis({one.kind: one for one in found}, _ALL)
    found = list(_of_process(facts, now, undecided))
    round = facts.round
    failed = round is not None and bool(round.error)
    if failed:
        assert round is not None
        found += _of_error(facts, round, now)
        # Only a success shows that what was announced before is over.
        undecided |= {*ERROR_KINDS, "rejected", "withheld", "lag", "silent"}
    else:
        of_time = _of_time(facts, now, undecided) if not found else ()  # it explains these
        found += [*_of_records(facts), *of_time]
        if facts.withheld is None and (round is None or round.withheld):
            undecided.add("withheld")
        if round is None:
            undecided |= ERROR_KINDS
        if any(one.kind in ("dead", "stuck") for one in found):
            undecided |= {"silent", "lag"}
    if failed or facts.rejects or (round and round.withheld):
        undecided.add("differs")  # what is missing explains a difference
    elif facts.proof is not None and not facts.proof.balanced:
        found.append(Trouble("differs", facts.proof.at, facts.proof.differences))
    return Diagnosis({one.kind: one for one in found}, frozenset(undecided))


_ALL = frozenset(
    {*ERROR_KINDS, "rejected", "withheld", "differs", "lag", "silent", "stuck", "dead"}
)


def _lasts(facts: Facts, since: float, setting: str, now: float, least: float = 0.0) -> bool | None:
    """Return whether something has lasted as long as a setting says, and at least `least` seconds.

    None if only because the process was suspended meanwhile: a laptop that was closed overnight
    has no trouble in the morning, and one that it had before may be over or not.
    """
    limit = max(facts.settings.alerts.seconds(setting), least)
    if now - since < limit:
        return False
    return True if now - max(since, facts.woke_at) >= limit else None


def _of_process(facts: Facts, now: float, undecided: set[str]) -> Iterator[Trouble]:
    if facts.dead_since is not None:
        yield Trouble("dead", facts.dead_since, 1)
    elif facts.moved_at is not None:
        lasts = _lasts(facts, facts.moved_at, "stuck", now)
        if lasts:
            yield Trouble("stuck", facts.moved_at, 1)
        elif lasts is None:
            undecided.add("stuck")


def _of_error(facts: Facts, round: LoggedRound, now: float) -> Iterator[Trouble]:
    alerts = facts.settings.alerts
    kind = OF_ERRORS.get(round.error, "failing")
    since = round.error_since or round.first_at
    if kind == "unsafe_plan" and any(end in one for one in round.clauses for end in _SHRANK):
        kind = "source_shrank"
    if kind in PATIENT and not _lasts(facts, since, "unreachable", now):
        return
    if kind == "failing":
        if round.failures < alerts.failures:
            return
        since = round.failing_since or since
    if kind == "approval":  # another plan is news
        yield Trouble(kind, since, 1, round.clauses, frozenset(round.clauses[:1]))
        return
    count = len(round.clauses) if round.clauses else round.failures
    yield Trouble(kind, since, count, round.clauses)


def _of_records(facts: Facts) -> Iterator[Trouble]:
    at = facts.round.at if facts.round is not None else facts.watched_since
    if facts.rejects:
        yield Trouble("rejected", at, len(facts.rejects), marks=facts.rejects)
    if facts.withheld:
        yield Trouble("withheld", at, len(facts.withheld), marks=facts.withheld)
    elif facts.withheld is None and not facts.live and facts.round and facts.round.withheld:
        # From outside only their number is known, so news about them is left to the process itself.
        yield Trouble("withheld", at, facts.round.withheld)


def _of_time(facts: Facts, now: float, undecided: set[str]) -> Iterator[Trouble]:
    """Yield silence, or else lag."""
    round = facts.round
    last = max(round.at if round is not None else 0.0, facts.watched_since)
    if not last:
        return
    missed = _ROUNDS_MISSED * facts.settings.interval.total_seconds()
    silent = _lasts(facts, max(last, facts.moved_at or 0.0), "silent", now, missed)
    if silent:
        yield Trouble("silent", last, 1)
        return
    behind = facts.waiting_since
    late = behind is not None and facts.imported and _lasts(facts, behind, "lag", now)
    if late and behind is not None:
        yield Trouble("lag", behind, (round.pending if round else None) or 1)
    undecided |= {kind for kind, lasts in (("silent", silent), ("lag", late)) if lasts is None}
