"""The journal's rounds, alerts, approvals and audit log, on both engines."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
import pytest

from headrace.model.clock import SystemClock
from headrace.sync.journal import Alert, Journal, Place, PostgresPlace, RoundFigures


class Moved(SystemClock):
    """Stands still until it is moved."""

    moment = datetime(2026, 11, 27, 12, 0, tzinfo=UTC)

    def now(self) -> datetime:
        return self.moment

    def move(self, seconds: float) -> None:
        self.moment += timedelta(seconds=seconds)


@pytest.fixture
def clock() -> Moved:
    return Moved()


@pytest.fixture(params=["sqlite", "postgres"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Place:
    if request.param == "sqlite":
        return tmp_path / "journal.db"
    return PostgresPlace(request.getfixturevalue("postgres_database"), "rounds")


@pytest.fixture
def journal(place: Place, clock: Moved) -> Iterator[Journal]:
    made = Journal(place, clock)
    yield made
    made.close()


def log(journal: Journal, clock: Moved, **figures: object) -> None:
    """A round of a minute."""
    started = clock.now().timestamp()
    clock.move(60)
    values = {"command": "run", "started_at": started, "seconds": 60.0, "withheld": 0, **figures}
    journal.log_round(msgspec.convert(values, RoundFigures))


def test_uneventful_rounds_are_one_row_and_failures_are_counted_through(
    journal: Journal, clock: Moved
) -> None:
    began = clock.now().timestamp()
    for _ in range(3):
        log(journal, clock, said="nothing to send", pending=0)
    (row,) = journal.logged_rounds()
    assert (row.times, row.failures, row.behind_since) == (3, 0, None)
    assert (row.first_at, row.at, row.in_step_at) == (began, began + 180, began + 120)
    log(journal, clock, said="away", error="SourceError")
    log(journal, clock, said="still away", error="SourceError")
    log(journal, clock, said="wrong", error="Unauthorised", pending=5)
    last, away, fine = journal.logged_rounds()
    assert (away.times, away.failures, away.said) == (2, 2, "still away")
    assert (last.failures, last.failing_since, last.error_since) == (3, began + 180, began + 300)
    assert (last.behind_since, last.in_step_at) == (began + 300, began + 120)
    assert (last.succeeded_at, fine.succeeded_at) == (began + 180, began + 180)
    log(journal, clock, said="5 sent", sent=5, pending=0)
    (newest,) = journal.logged_rounds(1)
    assert (newest.failures, newest.failing_since, newest.behind_since) == (0, None, None)


def test_what_waits_keeps_its_age_until_nothing_is_left(journal: Journal, clock: Moved) -> None:
    began = clock.now().timestamp()
    log(journal, clock, said="3 sent, 2 left", sent=3, pending=2)
    log(journal, clock, said="away", error="SourceError")
    log(journal, clock, said="1 sent, 4 left", sent=1, pending=4)
    assert journal.logged_rounds(1)[0].behind_since == began
    for number in range(150):
        log(journal, clock, said=f"{number}", sent=1, pending=4)
    rows = journal.logged_rounds(1000)
    assert len(rows) == 100, "older rows are dropped"
    assert rows[0].behind_since == began


def alert(clock: Moved, seen: list[str] | None = None) -> Alert:
    now = clock.now().timestamp()
    return Alert("rejected", now, now, len(seen or []), ["a clause"], seen or [])


def test_an_alert_is_raised_once_sent_by_one_and_gone_when_its_end_is_announced(
    journal: Journal, place: Place, clock: Moved
) -> None:
    other = Journal(place, clock)
    assert journal.raise_alert(alert(clock, ["a"]))
    assert not other.raise_alert(alert(clock, ["b"])), "it is known"
    assert (journal.claim_alert("rejected", 30), other.claim_alert("rejected", 30)) == (1, 0)
    clock.move(31)
    assert other.claim_alert("rejected", 30) == 2, "the first may have died"
    other.note_reached("rejected", ["env:A"], False, 15, "env:B: no answer")
    (found,) = journal.alerts()
    assert (found.reached, found.waits, found.said) == (["env:A"], True, "env:B: no answer")
    assert journal.claim_alert("rejected", 30) == 0, "too early"
    clock.move(16)
    assert journal.claim_alert("rejected", 30) == 3
    journal.note_reached("rejected", ["env:A", "env:B"], True, 0, "")
    (found,) = other.alerts()
    assert (found.waits, found.clauses, found.seen) == (False, ["a clause"], ["a"])
    assert found.reached == ["env:A", "env:B"]
    assert journal.renew_alert(alert(clock, ["a", "c"]))
    assert not journal.renew_alert(alert(clock, ["a", "d"])), "the last news is not announced yet"
    assert journal.recover_alert("rejected") and not other.recover_alert("rejected")
    assert journal.claim_alert("rejected", 30) == 1
    journal.note_reached("rejected", ["env:A", "env:B"], True, 0, "")
    assert other.alerts() == []
    other.close()


def test_a_proof_replaces_the_earlier_one(journal: Journal, clock: Moved) -> None:
    assert journal.proof() is None
    journal.note_proof(False, 3)
    clock.move(60)
    journal.note_proof(True, 0)
    found = journal.proof()
    assert found is not None
    assert (found.at, found.balanced, found.differences) == (clock.now().timestamp(), True, 0)


def test_an_approval_is_decided_once_and_every_step_is_in_the_chain(
    journal: Journal, place: Place
) -> None:
    journal.request_approval("p1", "d1", "anna", "3 requests")
    journal.request_approval("p1", "d1", "carl", "3 requests")
    (waiting,) = journal.approvals("waiting")
    assert waiting.requested_by == "anna"
    journal.approve(waiting, "ben")
    journal.approve(waiting, "carl")
    approved = journal.approval("p1")
    assert approved is not None
    assert (approved.state, approved.decided_by) == ("approved", "ben")
    journal.note_applied(approved, "ben", "3 sent")
    journal.request_approval("p2", "d2", "anna", "1 request")
    journal.lapse_approvals("", "anna")
    steps = [(one.number, one.action, one.who, one.subject) for one in journal.audit_entries()]
    assert steps == [
        (1, "requested", "anna", "p1"),
        (2, "approved", "ben", "p1"),
        (3, "applied", "ben", "p1"),
        (4, "requested", "anna", "p2"),
        (5, "lapsed", "anna", "p2"),
    ]
    assert journal.verify_audit(journal.audit_head()) == []
    assert journal.verify_audit("0" * 64) != []
