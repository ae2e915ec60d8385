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
        lasts = now - facts.unusable_since >= facts.settings.alerts.seconds("unreachable")
        trouble = Trouble("journal", facts.unusable_since, 1)
        found = [trouble] if facts.damaged or lasts else []
        return Diagnosis({one.kind: one for one in found}, _ALL)
    found = list(_of_process(facts, now))
    round = facts.round
    failed = round is not None and bool(round.error)
    if failed:
        assert round is not None
        found += _of_error(facts, round, now)
        # Only a success shows that what was announced before is over.
        undecided |= {*ERROR_KINDS, "rejected", "withheld", "lag", "silent"}
    else:
        found += [*_of_records(facts), *_of_time(facts, now, bool(found))]
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


def _of_process(facts: Facts, now: float) -> Iterator[Trouble]:
    if facts.dead_since is not None:
        yield Trouble("dead", facts.dead_since, 1)
    elif facts.moved_at is not None:
        still = now - facts.moved_at
        if still >= facts.settings.alerts.seconds("stuck"):
            yield Trouble("stuck", facts.moved_at, _hours(still))


def _of_error(facts: Facts, round: LoggedRound, now: float) -> Iterator[Trouble]:
    alerts = facts.settings.alerts
    kind = OF_ERRORS.get(round.error, "failing")
    since = round.error_since or round.first_at
    if kind == "unsafe_plan" and any(end in one for one in round.clauses for end in _SHRANK):
        kind = "source_shrank"
    if kind in PATIENT and now - since < alerts.seconds("unreachable"):
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


def _of_time(facts: Facts, now: float, explained: bool) -> Iterator[Trouble]:
    """Yield silence, or else lag; neither if the process explains it."""
    if explained:
        return
    alerts, round = facts.settings.alerts, facts.round
    every = facts.settings.interval.total_seconds()
    last = max(round.at if round is not None else 0.0, facts.watched_since)
    if not last:
        return
    silence = now - max(last, facts.moved_at or 0.0)
    if silence >= max(alerts.seconds("silent"), _ROUNDS_MISSED * every):
        yield Trouble("silent", last, _hours(silence))
        return
    behind = facts.waiting_since
    if behind is not None and facts.imported and now - behind >= alerts.seconds("lag"):
        yield Trouble("lag", behind, (round.pending if round else None) or 1)


def _hours(seconds: float) -> int:
    return max(1, round(seconds / 3600))
