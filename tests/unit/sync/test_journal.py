"""The journal: what was acknowledged is there, and the book learns just what is new."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from headrace.book.book import Book
from headrace.model.clock import SYSTEM_CLOCK
from headrace.model.errors import ConfigurationError
from headrace.sync.journal import Acknowledged, Journal, Reject


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    opened = Journal(tmp_path / "journal.db", SYSTEM_CLOCK)
    yield opened
    opened.close()


def taken(external_id: str, fingerprint: int = 1, payload: bytes = b"{}") -> Acknowledged:
    return Acknowledged("invoice", external_id, "c1", fingerprint, b"h" * 16, payload)


def forgotten(external_id: str) -> Acknowledged:
    return Acknowledged("invoice", external_id, "c1", None, None, None)


def told(journal: Journal, book: Book) -> list[tuple[str, int]]:
    journal.load_into(book.connection)
    rows = book.connection.execute(
        "select external_id, fingerprint from staging.told order by external_id"
    ).fetchall()
    return [(external_id, fingerprint) for external_id, fingerprint in rows]


def test_the_book_follows_the_journal_step_by_step(tmp_path: Path, journal: Journal) -> None:
    with Book(tmp_path / "cache.duckdb") as book:
        assert told(journal, book) == []
        journal.acknowledge([taken("i1", 1), taken("i2", 2)])
        assert told(journal, book) == [("i1", 1), ("i2", 2)]
        journal.acknowledge([taken("i2", 20), forgotten("i1"), taken("i3", 3)])
        assert told(journal, book) == [("i2", 20), ("i3", 3)]
        journal.refresh([(30, "invoice", "i3")])
        assert told(journal, book) == [("i2", 20), ("i3", 30)]
        journal.acknowledge([forgotten("i3"), taken("i3", 4)])
        assert told(journal, book) == [("i2", 20), ("i3", 4)]


def test_the_book_starts_over_with_another_journal(tmp_path: Path, journal: Journal) -> None:
    other = Journal(tmp_path / "other.db", SYSTEM_CLOCK)
    journal.acknowledge([taken("i1")])
    other.acknowledge([taken("i9")])
    with Book(tmp_path / "cache.duckdb") as book:
        assert told(journal, book) == [("i1", 1)]
        assert told(other, book) == [("i9", 1)]
    other.close()


def test_the_book_learns_after_it_was_reopened(tmp_path: Path, journal: Journal) -> None:
    journal.acknowledge([taken("i1")])
    with Book(tmp_path / "cache.duckdb") as book:
        assert told(journal, book) == [("i1", 1)]
    journal.acknowledge([taken("i2", 2)])
    with Book(tmp_path / "cache.duckdb") as book:
        assert told(journal, book) == [("i1", 1), ("i2", 2)]


def test_what_was_told_is_found_by_key(journal: Journal) -> None:
    journal.acknowledge([taken("i1", payload=b'{"a":1}'), taken('o\'r "x"/é%', 2)])
    found = journal.told([("invoice", "i1"), ("invoice", 'o\'r "x"/é%'), ("payment", "i1")])
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


def test_a_newer_journal_is_refused_with_a_sentence(tmp_path: Path, journal: Journal) -> None:
    journal._db.execute("pragma user_version = 99")
    with pytest.raises(ConfigurationError, match="newer headrace"):
        Journal(tmp_path / "journal.db", SYSTEM_CLOCK)
