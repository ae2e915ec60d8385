"""What identifies the rows of a table, however they are ordered."""

from __future__ import annotations

from collections.abc import Iterator

import duckdb
import pytest

from headrace.model.table_contents import changed_contents, contents_of


@pytest.fixture
def connection() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect(config={"threads": 1}) as opened:
        yield opened


def contents(connection: duckdb.DuckDBPyConnection, rows: str, columns: str = "a, b") -> str:
    """The contents of a table with these rows."""
    connection.execute(f"create or replace table t as from (values {rows}) as v({columns})")
    return contents_of(connection, "t")[0]


def test_rows_count_and_their_order_does_not(connection: duckdb.DuckDBPyConnection) -> None:
    one = contents(connection, "(1, 'x'), (2, 'y'), (3, null)")
    assert contents(connection, "(3, null), (1, 'x'), (2, 'y')") == one
    for other in (
        "(1, 'x'), (2, 'y')",
        "(1, 'x'), (2, 'y'), (3, '')",
        "(1, 'x'), (2, 'y'), (3, null), (3, null)",
        "(1, 'y'), (2, 'x'), (3, null)",
    ):
        assert contents(connection, other) != one
    assert contents_of(connection, "t") == (contents_of(connection, "t")[0], 3)


def test_pairs_of_equal_rows_count(connection: duckdb.DuckDBPyConnection) -> None:
    """An exclusive or alone would lose them."""
    one = contents(connection, "(1, 'x'), (2, 'y'), (2, 'y')")
    assert contents(connection, "(1, 'x'), (3, 'y'), (3, 'y')") != one


def test_names_and_types_of_columns_count(connection: duckdb.DuckDBPyConnection) -> None:
    one = contents(connection, "(1, 'x')")
    assert contents(connection, "(1, 'x')", "a, c") != one
    assert contents(connection, "('1', 'x')") != one
    assert contents(connection, "(1, 'x')", '"a ""b""", b') != one


def test_an_empty_table_has_contents(connection: duckdb.DuckDBPyConnection) -> None:
    connection.execute("create table e (a integer)")
    assert contents_of(connection, "e") == ("[('a', 'INTEGER')] 0 0 0", 0)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("(2, 'y')", "(2, 'z')"),
        ("(2, 'y')", "(2, 'z'), (4, 'w')"),
        ("(1, 'x'), (2, 'y')", "(5, null)"),
    ],
)
def test_replaced_rows_give_the_contents_of_the_new_table(
    connection: duckdb.DuckDBPyConnection, old: str, new: str
) -> None:
    before = contents(connection, f"(3, 'k'), {old}")
    connection.execute(f"create table old as from (values {old}) as v(a, b)")
    connection.execute(f"create table new as from (values {new}) as v(a, b)")
    found = changed_contents(connection, before, "old", "new")
    after = contents(connection, f"{new}, (3, 'k')")
    assert found == (after, contents_of(connection, "t")[1])
