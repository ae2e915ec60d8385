"""SQLite as a source: its values have types, its columns have not, and nothing may be lost."""

from __future__ import annotations

import sqlite3
import threading
from contextlib import closing
from pathlib import Path

import duckdb
import pytest
from one_engine import empty_database

from headrace.model.errors import SourceError
from headrace.sources.databases.sqlite import SqliteSource

FAR = 3000
"""More rows than the driver looks at before it fixes a column's type."""


def _file(folder: Path, *statements: str) -> Path:
    path = folder / "a b%20c.db"
    with sqlite3.connect(path) as connection:
        for statement in statements:
            connection.execute(statement)
    connection.close()
    return path


def _stage(path: Path, name: str = "t", query: str = "") -> duckdb.DuckDBPyConnection:
    connection = empty_database()
    queries = {name: query} if query else {}
    SqliteSource(path, queries).stage(connection, [name])
    return connection


def _column(path: Path, column: str = "c", query: str = "") -> tuple[str, list[object]]:
    connection = _stage(path, query=query)
    relation = connection.sql(f"select {column} from source.t order by rowid")
    return str(relation.types[0]), [row[0] for row in relation.fetchall()]


def _late(first: str, late: str) -> tuple[str, ...]:
    """A table whose column changes its type far behind the first rows."""
    return (
        "create table t (c)",
        f"with recursive n(i) as (select 1 union all select i + 1 from n where i < {FAR})"
        f" insert into t select {first} from n",
        f"insert into t values ({late})",
    )


@pytest.mark.parametrize(
    ("first", "late", "kind", "value"),
    [
        ("1", "9007199254740993", "BIGINT", 9007199254740993),
        ("1", "2.5", "DOUBLE", 2.5),
        ("null", "'late'", "VARCHAR", "late"),
        ("null", "12", "BIGINT", 12),
        ("1", "'n/a'", "VARCHAR", "n/a"),
        ("0.1", "'n/a'", "VARCHAR", "n/a"),
        ("'x'", "x'00ff'", "VARCHAR", "\\x00ff"),
        ("x'00ff'", "null", "BLOB", None),
        ("2.5", "9007199254740993", "VARCHAR", "9007199254740993"),
        ("1", "-9223372036854775808", "BIGINT", -(2**63)),
        ("'2026-01-01'", "20260101", "VARCHAR", "20260101"),
    ],
)
def test_a_late_value_of_another_type_arrives_whole(
    tmp_path: Path, first: str, late: str, kind: str, value: object
) -> None:
    found, values = _column(_file(tmp_path, *_late(first, late)))
    assert (found, len(values), values[-1]) == (kind, FAR + 1, value)


@pytest.mark.parametrize(("number", "text"), [("0.1", "0.1"), ("1e-9 + 0.1", "0.100000001")])
def test_a_number_among_text_reads_as_people_write_it(
    tmp_path: Path, number: str, text: str
) -> None:
    _, values = _column(_file(tmp_path, *_late(number, "'n/a'")))
    assert values[0] == text


def test_a_number_that_15_digits_do_not_tell_keeps_17(tmp_path: Path) -> None:
    _, values = _column(_file(tmp_path, *_late("0.1 + 0.2", "'n/a'")))
    assert float(str(values[0])) == 0.1 + 0.2


@pytest.mark.parametrize(
    ("declared", "kind"),
    [
        ("integer", "BIGINT"),
        ("decimal(10,2)", "DOUBLE"),
        ("varchar(9)", "VARCHAR"),
        ("datetime", "VARCHAR"),
        ("blob", "BLOB"),
        ("", "VARCHAR"),
    ],
)
def test_a_column_without_values_has_the_declared_type(
    tmp_path: Path, declared: str, kind: str
) -> None:
    path = _file(tmp_path, f"create table t (c {declared})", "insert into t values (null)")
    assert _column(path) == (kind, [None])


@pytest.mark.parametrize(
    ("declared", "kind"),
    [("integer", "BIGINT"), ("decimal(10,2)", "DOUBLE"), ("datetime", "VARCHAR"), ("", "VARCHAR")],
)
@pytest.mark.parametrize("chosen", ["1 = 1", "1 = 0"])
def test_a_column_of_a_query_without_values_has_the_type_of_its_table(
    tmp_path: Path, declared: str, kind: str, chosen: str
) -> None:
    path = _file(tmp_path, f"create table t (c {declared})", "insert into t values (null)")
    found = _column(path, query=f"select 1 as n, c from t where {chosen}")
    assert found == (kind, [None] if chosen == "1 = 1" else [])


def test_text_that_is_not_utf8_is_shown_with_its_bytes(tmp_path: Path) -> None:
    path = _file(
        tmp_path, "create table t (c text)", "insert into t values ('é'), (cast(x'ff41' as text))"
    )
    assert _column(path) == ("VARCHAR", ["é", "\\xFFA"])


def test_names_that_need_quotes_views_and_generated_columns(tmp_path: Path) -> None:
    path = _file(
        tmp_path,
        'create table "Odd ""Name" (id integer primary key, "group by" text, '
        "twice integer as (id * 2))",
        """insert into "Odd ""Name" (id, "group by") values (1, 'a')""",
        'create view Seen as select * from "Odd ""Name"',
    )
    source = SqliteSource(path, {})
    connection = empty_database()
    assert source.tables() == {'odd "name', "seen"}
    assert source.stage(connection, ['odd "name', "seen"]) == {'odd "name': 1, "seen": 1}
    assert connection.execute("from source.seen").fetchall() == [(1, "a", 2)]


def test_a_query_of_the_project_is_a_table(tmp_path: Path) -> None:
    path = _file(tmp_path, "create table t (c)", "insert into t values (1), (2)")
    connection = _stage(path, "big", "select c as n from t where c > 1 -- why not\n;")
    assert connection.execute("from source.big").fetchall() == [(2,)]


def test_staging_again_replaces(tmp_path: Path) -> None:
    path = _file(tmp_path, "create table t (c)", "insert into t values (1)")
    source, connection = SqliteSource(path, {}), empty_database()
    source.stage(connection, ["t"])
    _file(tmp_path, "update t set c = 'two'", "alter table t add column d")
    assert source.stage(connection, ["t"]) == {"t": 1}
    assert connection.execute("from source.t").fetchall() == [("two", None)]


def test_integers_that_a_double_holds_may_stand_beside_reals(tmp_path: Path) -> None:
    path = _file(tmp_path, *_late(str(2**53), "0.5"))
    assert _column(path)[0] == "DOUBLE"


@pytest.mark.parametrize(
    ("values", "kind", "arrived"),
    [
        ("(1), (3.0), (12)", "BIGINT", [1, 3, 12]),
        ("(1.0), (2.0)", "BIGINT", [1, 2]),
        ("(1234567890123456789), (1234567890123456788), (12.0)", "BIGINT",
         [1234567890123456789, 1234567890123456788, 12]),
        ("(1234567890123456789), (0.5), (7.0)", "VARCHAR", ["1234567890123456789", "0.5", "7"]),
        ("(1), (2.0), ('A-3'), ('4.0')", "VARCHAR", ["1", "2", "A-3", "4.0"]),
        ("(9007199254740994.0), (1)", "DOUBLE", [9007199254740994.0, 1.0]),
        ("(-9223372036854775808), (1.0)", "BIGINT", [-9223372036854775808, 1]),
    ],
)  # fmt: skip
def test_one_whole_number_that_is_a_real_leaves_the_others_whole(
    tmp_path: Path, values: str, kind: str, arrived: list[object]
) -> None:
    path = _file(tmp_path, "create table t (c)", f"insert into t values {values}")
    assert _column(path) == (kind, arrived)


def test_the_file_is_never_written(tmp_path: Path) -> None:
    path = _file(tmp_path, "create table t (c)", "insert into t values (1)")
    before = path.read_bytes()
    with pytest.raises(SourceError, match=r"readonly|syntax error"):
        _stage(path, "t", "delete from t returning c")
    _stage(path)
    assert path.read_bytes() == before
    assert [child.name for child in tmp_path.iterdir()] == [path.name]


def test_all_tables_show_one_moment(tmp_path: Path) -> None:
    """A writer commits between two tables; the reader sees neither half of it."""
    path = _file(
        tmp_path,
        "pragma journal_mode = wal",
        "create table a (c)",
        "create table b (c)",
        "insert into a values (1)",
        "insert into b values (1)",
    )
    writer = sqlite3.connect(path, isolation_level=None)

    class Names(list[str]):
        def __iter__(self):  # type: ignore[no-untyped-def]
            for name in super().__iter__():
                yield name
                writer.execute("insert into a values (2)")
                writer.execute("insert into b values (2)")

    connection = empty_database()
    # Names are walked once before the snapshot begins, so both tables hold what that wrote.
    SqliteSource(path, {}).stage(connection, Names(["a", "b"]))
    writer.close()
    counts = "select (select count(*) from source.a), (select count(*) from source.b)"
    first, second = connection.execute(counts).fetchall()[0]
    assert first == second


@pytest.mark.parametrize(
    ("content", "words"), [(b"junk" * 999, "not a database"), (None, "no SQLite file")]
)
def test_what_is_not_a_database_is_one_clear_sentence(
    tmp_path: Path, content: bytes | None, words: str
) -> None:
    path = tmp_path / "x.db"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(SourceError, match=words) as caught:
        SqliteSource(path, {}).tables()
    assert "\n" not in str(caught.value) and str(path) in str(caught.value)


def test_an_unknown_table_names_the_nearest(tmp_path: Path) -> None:
    path = _file(tmp_path, "create table invoices (c)", "create table customers (c)")
    with pytest.raises(SourceError, match="Did you mean invoices") as caught:
        _stage(path, "invoice")
    assert "There is: customers, invoices." in str(caught.value)


def test_a_file_that_is_locked_is_waited_for(tmp_path: Path) -> None:
    path = tmp_path / "b.db"
    with closing(sqlite3.connect(path, check_same_thread=False)) as writer:
        writer.execute("create table t (c int)")
        writer.commit()
        writer.execute("begin exclusive")
        writer.execute("insert into t values (1)")
        locked = threading.Event()

        def release() -> None:
            locked.wait(0.3)
            writer.commit()

        thread = threading.Thread(target=release)
        thread.start()
        connection = empty_database()
        source = SqliteSource(path, {})
        assert source.tables() == {"t"}
        assert source.stage(connection, ["t"]) == {"t": 1}
        thread.join()
