"""Which troubles follow from what is known of an organisation."""

from __future__ import annotations

import dataclasses
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from headrace.alerts.conditions import diagnose
from headrace.alerts.facts import Facts, marks
from headrace.alerts.kinds import ERROR_KINDS, KINDS, OF_ERRORS
from headrace.alerts.texts import duration, message_of
from headrace.model.alert_settings import AlertSettings
from headrace.model.project import OrganisationSettings, TargetSettings
from headrace.model.source_settings import SourceSettings
from headrace.sync.journal import Alert, LoggedRound, Proof

NOW = 1_000_000.0
SETTINGS = OrganisationSettings(
    target=TargetSettings(key="env:K", secret="env:S"),
    source=SourceSettings(kind="sql", url="sqlite:///x.db"),
    alerts=AlertSettings(to=["env:A"]),
)


def round_of(**changed: Any) -> LoggedRound:
    """A round that ended ten seconds ago and left nothing."""
    fine = LoggedRound(
        *(1, "run", "", "nothing to send", [], NOW - 12, NOW - 10, 1, 2.0, 0, 0, 0, 0),
        *(0, None, None, None, NOW - 12, NOW - 10),
    )
    return msgspec.structs.replace(fine, **changed)


def failed(error: str, since: float, failures: int = 1, **changed: Any) -> LoggedRound:
    return round_of(
        error=error,
        failures=failures,
        failing_since=NOW - since,
        error_since=NOW - since,
        **changed,
    )


def facts(round: LoggedRound | None, **changed: Any) -> Facts:
    known = {"live": True, "imported": True, "watched_since": NOW - 99999, **changed}
    rounds = (round,) if round is not None else ()
    return Facts(organisation="acme", settings=SETTINGS, rounds=rounds, **known)


def kinds(given: Facts) -> list[str]:
    return list(diagnose(given, NOW).troubles)


@dataclasses.dataclass(frozen=True)
class Edge:
    """Facts just before and just at the moment of a trouble."""

    kind: str
    before: Facts
    at: Facts


PAYMENT = marks([("payment", "P1")])
EDGES = [
    Edge(
        "source_unreachable",
        facts(failed("SourceError", 899)),
        facts(failed("SourceError", 900)),
    ),
    Edge("api_unreachable", facts(failed("Unreachable", 899)), facts(failed("Unreachable", 900))),
    Edge("failing", facts(failed("ModelError", 50, 2)), facts(failed("ModelError", 50, 3))),
    Edge(
        "lag",
        facts(round_of(behind_since=NOW - 3599, pending=2)),
        facts(round_of(behind_since=NOW - 3600, pending=2)),
    ),
    Edge(
        "silent",
        facts(round_of(at=NOW - 3599)),
        facts(round_of(at=NOW - 3600)),
    ),
    Edge("stuck", facts(round_of(), moved_at=NOW - 1799), facts(round_of(), moved_at=NOW - 1800)),
    Edge("rejected", facts(round_of()), facts(round_of(), rejects=PAYMENT)),
    Edge("withheld", facts(round_of()), facts(round_of(withheld=1), withheld=PAYMENT)),
    Edge(
        "differs",
        facts(round_of(), proof=Proof(NOW, True, 0)),
        facts(round_of(), proof=Proof(NOW, False, 2)),
    ),
    Edge("dead", facts(round_of()), facts(round_of(), dead_since=NOW - 60)),
    Edge(
        "journal",
        facts(round_of(), unusable_since=NOW - 899),
        facts(round_of(), unusable_since=NOW - 900),
    ),
    Edge("key_refused", facts(round_of()), facts(failed("Unauthorised", 1))),
    Edge("another_target", facts(round_of()), facts(failed("AnotherTarget", 1))),
    Edge(
        "unsafe_plan",
        facts(round_of()),
        facts(failed("UnsafePlan", 1, clauses=["it deletes 4 of 20 invoices"])),
    ),
    Edge(
        "source_shrank",
        facts(round_of()),
        facts(
            failed("UnsafePlan", 1, clauses=["t has 5 rows, while it had 30 (more than 10% fewer)"])
        ),
    ),
    Edge("approval", facts(round_of()), facts(failed("ApprovalNeeded", 1, clauses=["plan 1: x"]))),
]


@pytest.mark.parametrize("edge", EDGES, ids=lambda edge: edge.kind)
def test_a_trouble_begins_at_its_edge_and_not_before(edge: Edge) -> None:
    assert (kinds(edge.before), kinds(edge.at)) == ([], [edge.kind])


def test_every_kind_has_an_edge() -> None:
    assert {edge.kind for edge in EDGES} == set(KINDS)
    assert set(OF_ERRORS.values()) <= set(KINDS)


def test_from_outside_only_the_number_of_withheld_records_is_known() -> None:
    outside = facts(round_of(withheld=3), live=False, watched_since=0.0)
    found = diagnose(outside, NOW)
    assert [(one.kind, one.count) for one in found.troubles.values()] == [("withheld", 3)]
    assert "stuck" in found.undecided
    inside = facts(round_of(withheld=3))
    assert "withheld" in diagnose(inside, NOW).undecided


def test_silence_waits_for_three_intervals_and_lag_for_the_first_import() -> None:
    slow = msgspec.structs.replace(SETTINGS, every="1d")
    late = msgspec.structs.replace(facts(round_of(at=NOW - 86_400)), settings=slow)
    assert kinds(late) == []
    first = facts(round_of(behind_since=NOW - 86_400, pending=2), imported=False)
    assert kinds(first) == []
    assert kinds(facts(None, watched_since=NOW - 10)) == []


ASLEEP = [edge for edge in EDGES if edge.kind in {
    "source_unreachable", "api_unreachable", "lag", "silent", "stuck", "journal",
}]  # fmt: skip


@pytest.mark.parametrize("edge", ASLEEP, ids=lambda edge: edge.kind)
def test_time_in_which_the_process_was_suspended_makes_no_trouble_and_ends_none(edge: Edge) -> None:
    found = diagnose(msgspec.structs.replace(edge.at, woke_at=NOW - 10), NOW)
    assert not found.troubles and edge.kind in found.undecided
    long_awake = msgspec.structs.replace(edge.at, woke_at=NOW - 3600)
    assert kinds(long_awake) == [edge.kind]


def test_what_began_after_the_process_went_on_is_decided_as_ever() -> None:
    fresh = facts(round_of(behind_since=NOW - 5, pending=1), moved_at=NOW - 5, woke_at=NOW - 10)
    found = diagnose(fresh, NOW)
    assert not found.troubles and not {"lag", "silent", "stuck"} & found.undecided


@given(
    st.sampled_from(sorted({*OF_ERRORS, "ModelError", "Defect"})),
    st.floats(0, 10**6),
    st.integers(1, 50),
    st.booleans(),
    st.booleans(),
)
def test_while_rounds_fail_there_is_at_most_one_trouble_and_none_is_over(
    error: str, since: float, failures: int, rejects: bool, behind: bool
) -> None:
    given = facts(
        failed(error, since, failures, behind_since=NOW - 10**6 if behind else None),
        rejects=PAYMENT if rejects else frozenset(),
    )
    found = diagnose(given, NOW)
    assert len(found.troubles) <= 1
    announced = {*ERROR_KINDS, "rejected", "withheld", "lag", "silent"}
    assert announced <= found.undecided | set(found.troubles)


@pytest.mark.parametrize("kind", KINDS)
def test_every_message_says_what_since_when_what_it_means_and_what_to_do(kind: str) -> None:
    began = message_of([("acme", Alert(kind, NOW - 7200, NOW, 2, ["a clause"], []))], NOW)
    assert began.title == f"headrace: acme: {KINDS[kind].title}"
    what, line, clause, finance, todo = began.body.splitlines()
    assert what == f"What: {KINDS[kind].title}."
    counts = KINDS[kind].counts
    assert line == "acme: since 1970-01-12 11:46 UTC (2 h)" + (f"; 2 {counts}s" if counts else "")
    assert clause == "  - a clause"
    assert finance.startswith("For finance: ") and todo.startswith("What to do: ")
    assert "{" not in began.body
    over = Alert(kind, NOW - 7200, NOW, 2, [], [], NOW, NOW)
    ended = message_of([("acme", over)], NOW)
    assert ended.title == f"headrace: acme: over: {KINDS[kind].title}"
    assert "from 1970-01-12 11:46 UTC to 1970-01-12 13:46 UTC (2 h)" in ended.body
    assert ended.importance == "success"


def test_durations_are_short() -> None:
    texts = [duration(seconds) for seconds in (59, 60, 3600, 12_000, 172_799, 190_000)]
    assert texts == ["0 min", "1 min", "1 h", "3 h 20 min", "47 h 59 min", "2 d 4 h"]
