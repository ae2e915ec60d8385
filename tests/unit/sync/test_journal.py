"""The journal: what was acknowledged is there, and the book learns just what is new."""

import os
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import resources
from pathlib import Path

import msgspec
import psycopg
import pytest

from headrace.book.book import Book
from headrace.model.clock import SYSTEM_CLOCK
from headrace.model.errors import Busy, ConfigurationError
from headrace.sync.journal import (
    Acknowledgement,
    Adopted,
    Decision,
    Drift,
    Journal,
    ListState,
    Place,
    PostgresPlace,
    Reject,
    State,
)


@pytest.fixture(params=["sqlite", "postgres"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Place:
    if request.param == "sqlite":
        return tmp_path / "journal.db"
    return PostgresPlace(request.getfixturevalue("postgres_database"), "Acme-1.x")


@contextmanager
def opened(place: Place) -> Iterator[Journal]:
    journal = Journal(place, SYSTEM_CLOCK)
    try:
        yield journal
    finally:
        journal.close()


@pytest.fixture
def journal(place: Place) -> Iterator[Journal]:
    with opened(place) as journal:
        yield journal


def taken(external_id: str, fingerprint: int = 1, payload: bytes = b"{}") -> Acknowledgement:
    return Acknowledgement("invoice", external_id, "c1", fingerprint, b"h" * 16, payload)


def forgotten(external_id: str) -> Acknowledgement:
    return Acknowledgement("invoice", external_id, "c1", None, None, None)


def acknowledged(journal: Journal, book: Book) -> list[tuple[str, int]]:
    journal.load_into(book.connection)
    rows = book.connection.execute(
        "select external_id, fingerprint from staging.acknowledged order by external_id"
    ).fetchall()
    return [(external_id, fingerprint) for external_id, fingerprint in rows]


def test_the_book_follows_the_journal_step_by_step(tmp_path: Path, journal: Journal) -> None:
    with Book(tmp_path / "cache.duckdb") as book:
        assert acknowledged(journal, book) == []
        journal.acknowledge([taken("i1", 1), taken("i2", 2)])
        assert acknowledged(journal, book) == [("i1", 1), ("i2", 2)]
        journal.acknowledge([taken("i2", 20), forgotten("i1"), taken("i3", 3)])
        assert acknowledged(journal, book) == [("i2", 20), ("i3", 3)]
        journal.refresh([(30, "invoice", "i3")])
        assert acknowledged(journal, book) == [("i2", 20), ("i3", 30)]
        journal.acknowledge([forgotten("i3"), taken("i3", 4)])
        assert acknowledged(journal, book) == [("i2", 20), ("i3", 4)]


def test_the_book_starts_over_with_another_journal(tmp_path: Path, journal: Journal) -> None:
    other = Journal(tmp_path / "other.db", SYSTEM_CLOCK)
    journal.acknowledge([taken("i1")])
    other.acknowledge([taken("i9")])
    with Book(tmp_path / "cache.duckdb") as book:
        assert acknowledged(journal, book) == [("i1", 1)]
        assert acknowledged(other, book) == [("i9", 1)]
    other.close()


def test_the_book_learns_after_it_was_reopened(tmp_path: Path, journal: Journal) -> None:
    journal.acknowledge([taken("i1")])
    with Book(tmp_path / "cache.duckdb") as book:
        assert acknowledged(journal, book) == [("i1", 1)]
    journal.acknowledge([taken("i2", 2)])
    with Book(tmp_path / "cache.duckdb") as book:
        assert acknowledged(journal, book) == [("i1", 1), ("i2", 2)]


def test_what_was_told_is_found_by_key(journal: Journal) -> None:
    journal.acknowledge([taken("i1", payload=b'{"a":1}'), taken('o\'r "x"/é%', 2)])
    found = journal.acknowledged([("invoice", "i1"), ("invoice", 'o\'r "x"/é%'), ("payment", "i1")])
    assert set(found) == {("invoice", "i1"), ("invoice", 'o\'r "x"/é%')}
    assert found["invoice", "i1"].payload == b'{"a":1}'
    assert found["invoice", "i1"].customer == "c1"


def test_payloads_are_not_kept_when_they_must_not(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "journal.db", SYSTEM_CLOCK, keep_payloads=False)
    journal.acknowledge([taken("i1", payload=b"secret")])
    journal.reject(Reject("invoice", "i2", 1, 400, "no", b"secret"))
    journal.close()
    content = b"".join(path.read_bytes() for path in tmp_path.iterdir())
    assert b"secret" not in content


def test_an_acknowledgement_clears_the_refusal(journal: Journal) -> None:
    journal.reject(Reject("invoice", "i1", 1, 400, "due date missing"))
    assert [(r.external_id, r.message) for r in journal.rejects()] == [("i1", "due date missing")]
    journal.acknowledge([taken("i1")])
    assert journal.rejects() == []


def test_runs_are_counted_as_they_go(journal: Journal) -> None:
    journal.begin_run("apply", 3, 1)
    journal.acknowledge([taken("i1")])
    journal.reject(Reject("invoice", "i2", 1, 400, "no"))
    run = journal.runs()[0]
    assert (run.planned, run.sent, run.rejected, run.ended_at) == (3, 1, 1, None)
    journal.end_run("done", 0.25)
    assert journal.runs()[0].outcome == "done"
    assert journal.latency() == 0.25


def test_answers_of_the_last_minute_still_count(journal: Journal) -> None:
    journal.acknowledge([taken("i1")])
    journal.answered()
    ages = journal.recent_answers(60.0)
    assert len(ages) == 2
    assert all(0 <= age < 60 for age in ages)
    assert journal.recent_answers(0.0) == []


def test_what_a_killed_process_had_on_its_way_counts_from_when_the_next_begins(
    journal: Journal,
) -> None:
    journal.expect_answers(3)
    assert journal.recent_answers(60.0) == []
    # Nobody came to `expect_none`; the next one is killed as well, the third is not.
    journal.expect_answers(2)
    assert len(journal.recent_answers(60.0)) == 3
    journal.expect_answers(2)
    journal.answered()
    journal.expect_none()
    ages = journal.recent_answers(60.0)
    assert len(ages) == 3 + 2 + 1
    assert all(0 <= age < 60 for age in ages)


def test_a_newer_journal_is_refused_with_a_sentence(place: Place) -> None:
    with opened(place) as journal:
        journal._db._database.set_version(99)  # type: ignore[attr-defined]
    with pytest.raises(ConfigurationError, match="newer headrace"):
        Journal(place, SYSTEM_CLOCK)


def test_a_journal_of_the_first_version_is_brought_up_to_date(tmp_path: Path) -> None:
    first = resources.files("headrace.sync.journal.migrations").joinpath("0001_initial", "up.sql")
    db = sqlite3.connect(tmp_path / "journal.db")
    db.executescript(first.read_text("utf-8"))
    db.executescript(
        "insert into identity values ('abc'); pragma user_version = 1;"
        "insert into applied values ('invoice', 'i1', 7, x'68', 'c1', 1.0, 1, 3);"
        "insert into runs (command, started_at, ended_at, outcome, planned, sent) "
        "values ('apply', 1.0, 2.0, 'done', 5, 5);"
    )
    db.close()
    with opened(tmp_path / "journal.db") as journal:
        assert journal.position() == ("abc", 3)
        assert [(run.planned, run.sent) for run in journal.runs()] == [(5, 5)]
        journal.begin_run("apply", 1, 0)
        journal.acknowledge([taken("i2")])
        assert journal.sent_counts(2) == [("invoice", "create", 1)]
    with opened(tmp_path / "journal.db") as journal:
        assert journal.position() == ("abc", 4)


def test_a_run_knows_what_it_sent_and_what_was_refused(journal: Journal) -> None:
    journal.acknowledge([taken("before")])
    number = journal.begin_run("apply", 3, 1)
    journal.acknowledge([taken("i1")])
    journal.acknowledge([msgspec.structs.replace(taken("i2"), action="update")])
    journal.acknowledge([forgotten("i3")])
    journal.reject(Reject("invoice", "i4", 1, 400, "no\0 way"), "update")
    journal.end_run("done", 0.1)
    journal.begin_run("apply", 1, 1)
    journal.acknowledge([taken("i4")])
    assert journal.sent_counts(number) == [
        ("invoice", "create", 1),
        ("invoice", "delete", 1),
        ("invoice", "update", 1),
    ]
    assert [(one.external_id, one.action, one.refused) for one in journal.sent(number)] == [
        ("i1", "create", None),
        ("i2", "update", None),
        ("i3", "delete", None),
        ("i4", "update", "no way"),
    ]
    assert [one.external_id for one in journal.sent(number, refused_only=True)] == ["i4"]
    run = journal.run(number)
    assert run is not None and (run.sent, run.rejected) == (3, 1)
    assert journal.run(99) is None


def test_a_run_that_goes_on_says_how_far_it_is(journal: Journal, place: Place) -> None:
    number = journal.begin_run("apply", 3, 1)
    state = State(
        noted_at=1.5,
        done=1,
        left=2,
        rejected=0,
        per_minute=4,
        rate=600,
        open_left=1,
        open_complete_in=2.5,
        complete_in=3.5,
        note="",
    )
    journal.note_state(msgspec.structs.replace(state, done=0))
    journal.note_state(state)
    journal.flush()
    with opened(place) as other:
        assert other.state(number) == state
        journal.end_run("done", None)
        assert other.state(number) is None


def test_what_was_adopted_is_known_as_told(tmp_path: Path, journal: Journal) -> None:
    same = Adopted("invoice", "i1", "c1", 5, b"h" * 16, b"{}")
    journal.adopt([same, Adopted("customer", "c1", "c1")])
    with Book(tmp_path / "cache.duckdb") as book:
        assert set(acknowledged(journal, book)) == {("i1", 5), ("c1", None)}
    found = journal.acknowledged([("invoice", "i1"), ("customer", "c1")])
    assert found["invoice", "i1"].payload == b"{}"
    assert found["customer", "c1"].payload is None
    assert journal.sent(0) == []


def test_organisations_share_a_database_and_nothing_else(postgres_database: str) -> None:
    with (
        opened(PostgresPlace(postgres_database, "a")) as one,
        opened(PostgresPlace(postgres_database, "A")) as other,
    ):
        one.lock()
        other.lock()
        one.acknowledge([taken("i1")])
        assert (one.count(), other.count()) == ({"invoice": 1}, {})
        assert one.position()[0] != other.position()[0]


def test_the_second_at_work_on_an_organisation_learns_who_is_the_first(
    postgres_database: str,
) -> None:
    place = PostgresPlace(postgres_database, "acme")
    with opened(place) as first, opened(place) as second:
        first.lock()
        with pytest.raises(Busy, match=rf"acme \(headrace on .*, process {os.getpid()}, since"):
            second.lock()
        second.ignore_rejects([("invoice", "i1")])
    with opened(place) as second:
        second.lock()


def test_what_upflow_collected_is_kept_with_where_its_list_stood(journal: Journal) -> None:
    assert journal.list_state("payment") is None
    state = ListState(["x", "w"], 41)
    journal.keep_collected("payment", [("x", b"1"), ("w", b"2")], [], state)
    journal.keep_collected("refund", [("r", b"3")], [])
    journal.keep_collected("payment", [("x", b"4")], ["w"])
    assert journal.collected("payment") == [b"4"]
    assert journal.list_state("payment") == state
    journal.keep_collected("payment", [("y", b"5")], [], ListState([], 1), whole=True)
    assert journal.collected("payment") == [b"5"] and journal.collected("refund") == [b"3"]


def test_the_last_decision_on_a_pair_counts(journal: Journal) -> None:
    journal.decide(Decision("payment", "P", id, "rejected") for id in ("x", "y"))
    journal.decide([Decision("payment", "P", "x", "accepted")])
    found = {(one.id, one.verdict) for one in journal.decisions()}
    assert found == {("x", "accepted"), ("y", "rejected")}
    journal.drop_decisions([("payment", "P")])
    assert journal.decisions() == []


def test_a_database_that_goes_away_is_told_without_its_password(postgres_database: str) -> None:
    place = PostgresPlace(postgres_database.replace("postgres@", "postgres:hush@"), "acme")
    with opened(place) as journal:
        with psycopg.connect(postgres_database, autocommit=True) as admin:
            admin.execute(
                "select pg_terminate_backend(pid) from pg_stat_activity "
                "where application_name like 'headrace on%' and datname = current_database()"
            )
        for _ in range(2):
            with pytest.raises(ConfigurationError, match="sent once more") as acknowledged:
                journal.acknowledge([taken("i1")])
            assert "hush" not in str(acknowledged.value)
    with opened(place) as journal:
        assert journal.count() == {}
    with pytest.raises(ConfigurationError, match="can't be opened") as acknowledged:
        Journal(PostgresPlace("postgresql://u:hush@127.0.0.1:1/none", "acme"), SYSTEM_CLOCK)
    assert "hush" not in str(acknowledged.value)


def test_a_name_that_the_database_would_cut_is_refused(postgres_database: str) -> None:
    with pytest.raises(ConfigurationError, match="too long"):
        Journal(PostgresPlace(postgres_database, "n" * 60), SYSTEM_CLOCK)


def test_the_last_success_and_the_last_failure_are_kept(place: Place) -> None:
    with opened(place) as journal:
        assert journal.last_rounds() == []
        journal.note_round("success", "run", "3 sent", 0)
        journal.note_round("failure", "run", "The source\0 is away.", None)
    with opened(place) as journal:
        failure, success = journal.last_rounds()
        assert (failure.kind, failure.message, failure.pending) == (
            "failure",
            "The source is away.",
            None,
        )
        assert (success.kind, success.message, success.pending) == ("success", "3 sent", 0)
        assert success.at <= failure.at
        journal.note_round("success", "apply", "nothing to send", 2)
        (newest, _) = journal.last_rounds()
        assert (newest.kind, newest.command, newest.pending) == ("success", "apply", 2)


def test_the_mark_of_rest_changes_with_all_that_may_change_a_plan(journal: Journal) -> None:
    reject = Reject("invoice", "R", 1, 400, "no", b"{}")
    steps = [
        lambda: journal.begin_run("apply", 1, 1),
        lambda: journal.acknowledge([taken("i1")]),
        lambda: journal.acknowledge([forgotten("i1")]),
        lambda: journal.reject(reject),
        lambda: journal.ignore_rejects([reject.key]),
        lambda: journal.drop_rejects([reject.key]),
        lambda: journal.mark_drifted([Drift("invoice", "i2", [("name", "a", "b")])]),
        lambda: journal.decide([Decision("payment", "p", "id", "rejected")]),
        lambda: journal.drop_decisions([("payment", "p")]),
        lambda: journal.refuse_position("boss", "no"),
        lambda: journal.note_imported(),
        lambda: journal.send_again([("invoice", "i2")]) or journal.acknowledge([taken("i2")]),
    ]
    marks = [journal.rest_mark()]
    for step in steps:
        assert journal.rest_mark() == marks[-1], "looking changes nothing"
        step()
        assert journal.rest_mark() != marks[-1]
        marks.append(journal.rest_mark())
    journal.note_round("success", "run", "nothing to send", 0)
    journal.note_latency(0.1)
    journal.answered()
    assert journal.rest_mark() == marks[-1], "these change no plan"


@pytest.mark.parametrize("few", [0, 5000])
def test_an_open_journal_survives_others_that_open_and_close_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, few: int
) -> None:
    monkeypatch.setattr("headrace.sync.journal.sqlite._FEW", few)
    path = tmp_path / "journal.db"
    look = (
        f"import sqlite3; db = sqlite3.connect({str(path)!r}); "
        "db.execute('pragma journal_mode = wal'); db.execute('select * from runs').fetchall()"
    )
    with opened(path) as journal, Book(tmp_path / "cache.duckdb") as book:
        for number in range(3):
            journal.acknowledge([taken(f"i{number}", 2**62 + number), forgotten("i9")])
            assert len(acknowledged(journal, book)) == number + 1
            subprocess.run([sys.executable, "-c", look], check=True)
        assert acknowledged(journal, book)[2] == ("i2", 2**62 + 2)
    with opened(path) as again:
        assert again.count() == {"invoice": 3}
