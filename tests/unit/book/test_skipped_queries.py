"""A query that is skipped would have found nothing: each says rightly over which rows it goes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import pytest
from wrong_rows import WRONG

from books import fill
from headrace.book.book import Book
from headrace.book.checks.checks import CHECKS, SUMMARIES, Rule
from headrace.book.derivation.derived import DERIVED, Derived
from headrace.book.derivation.links import LINK_MARKS
from headrace.book.payloads.directory import Directory, Field
from headrace.book.queries.filled import filled

RULES = [rule for rule in (*CHECKS, *SUMMARIES) if rule.over]


@pytest.fixture(scope="module")
def wrong(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Book]:
    """A book with something to find for every rule that may be skipped, in each of its sources."""
    folder = tmp_path_factory.mktemp("wrong")
    with Book(folder / "cache.duckdb", readable=[folder]) as book:
        fields = [Field("Kind", "SELECT", "f1"), Field("Size", "NUMBER", "f2")]
        book.set_directory(Directory(fields=fields))
        book.leave_positions_out({"CEO": "no such position"})
        fill(book, folder, **WRONG)
        book.check()
        book.connection.execute("insert into book.lost_allocations values ('payments', 20)")
        yield book


@pytest.fixture
def book(wrong: Book) -> Iterator[Book]:
    """The same; what a test changes is taken back."""
    wrong.connection.execute("begin")
    yield wrong
    wrong.connection.execute("rollback")


def _empty(book: Book, sources: Iterable[str]) -> None:
    """Take away the rows of these sources; a view becomes a table without rows."""
    for source in sources:
        name, _, condition = source.partition(" where ")
        ((kind,),) = book.connection.execute(
            "select table_type from information_schema.tables "
            "where table_schema = 'book' and table_name = $1",
            [name],
        ).fetchall()
        if kind == "VIEW":
            book.connection.execute(f"create temp table shape as from book.{name} limit 0")
            book.connection.execute(f"drop view book.{name}")
            book.connection.execute(f"create table book.{name} as from shape; drop table shape")
        else:
            book.connection.execute(f"delete from book.{name} where {condition or 'true'}")


def _found(book: Book, rule: Rule) -> int:
    return len(book.connection.execute(rule.sql).fetchall())


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.name)
def test_a_rule_finds_nothing_without_the_rows_that_it_names(book: Book, rule: Rule) -> None:
    assert _found(book, rule)
    assert filled(book.connection, *rule.over) == {*rule.over}
    for place, source in enumerate(rule.over, start=1):
        _empty(book, [source])
        assert bool(_found(book, rule)) == (place < len(rule.over))


def _shapes(book: Book, derived: Derived) -> dict[str, tuple[str, ...]]:
    return {
        name: tuple(
            f"{column} {kind.lower()}"
            for column, kind, *_ in book.connection.execute(f"describe {name}").fetchall()
        )
        for name in derived.tables
    }


@pytest.mark.parametrize("derived", (*DERIVED, LINK_MARKS), ids=lambda one: next(iter(one.tables)))
def test_a_derived_table_has_its_columns_and_is_empty_without_the_rows_that_lead_to_it(
    book: Book, derived: Derived
) -> None:
    assert filled(book.connection, *derived.over)
    book.connection.execute(derived.sql)
    assert _shapes(book, derived) == derived.tables
    counts = [len(book.connection.execute(f"from {name}").fetchall()) for name in derived.tables]
    assert all(counts)
    _empty(book, derived.over)
    book.connection.execute(derived.sql)
    left = {
        name
        for name in derived.tables
        if book.connection.execute(f"from {name} limit 1").fetchall()
    }
    # What documents are there matters to nothing but links.
    assert left <= {"book.document_marks"}


def test_fingerprints_are_computed_again_only_where_a_table_changed(book: Book) -> None:
    book.mark()
    book.connection.execute("update book.fingerprints set fingerprint = 0")
    marks = "select distinct fingerprint from book.fingerprints"
    book.mark()
    assert book.connection.execute(marks).fetchall() == [(0,)]
    book.leave_positions_out({})
    book.mark()
    assert len(book.connection.execute(marks).fetchall()) > 1
