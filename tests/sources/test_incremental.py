"""Tables read by a cursor: what changed arrives, with an overlap, and a sweep finds deletions."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import duckdb
import fsspec
import psycopg
import pytest

from headrace.model.errors import SourceError
from headrace.model.source_settings import Incremental, SourceSettings
from headrace.sources.registry import open_source
from headrace.testkit.source_suite import SourceSuite, source_suite
from mariadb import run_mariadb
from virtual_time import VirtualClock


class _Watched:
    """A source's readings: how many rows each took."""

    def __init__(self, url: str, **settings: Any) -> None:
        cursor = Incremental(cursor="changed", overlap="10m")
        self.settings = SourceSettings(kind="sql", url=url, incremental={"T": cursor}, **settings)
        self.engine = duckdb.connect()
        self.clock = VirtualClock()

    def read(self) -> list[tuple[Any, ...]]:
        source = open_source(self.settings, Path())
        source._clock = self.clock  # type: ignore[attr-defined]
        count = source.stage(self.engine, ["t"])["t"]
        rows = self.engine.execute("select id, name from source.t order by id").fetchall()
        assert count == len(rows)
        found = self.engine.execute(
            "select table_name from duckdb_tables() where schema_name = 'source'"
        ).fetchall()
        assert found == [("t",)]
        return rows


@pytest.fixture
def billing(postgres_database: str) -> Iterator[psycopg.Connection]:
    with psycopg.connect(postgres_database, autocommit=True) as connection:
        connection.execute("create table t (id int, name text, changed timestamptz)")
        connection.execute(
            "insert into t values (1, 'a', '2026-01-01 10:00+02'), (2, 'b', '2026-01-01 12:00+02')"
        )
        yield connection


def test_only_changed_rows_are_read_with_an_overlap_until_the_sweep(
    billing: psycopg.Connection, postgres_database: str
) -> None:
    watched = _Watched(postgres_database)
    assert watched.read() == [(1, "a"), (2, "b")]
    billing.execute("update t set name = 'B', changed = '2026-01-01 13:00+02' where id = 2")
    billing.execute("insert into t values (3, 'c', '2026-01-01 14:00+02')")
    billing.execute("insert into t values (4, 'without a time', null)")
    # Neither of these is seen by the cursor: the sweep is behind it.
    billing.execute("update t set name = 'unseen' where id = 1")
    assert watched.read() == [(1, "a"), (2, "B"), (3, "c"), (4, "without a time")]
    # Committed late, within the overlap of ten minutes.
    billing.execute("insert into t values (5, 'late', '2026-01-01 13:51+02')")
    billing.execute("insert into t values (6, 'too late', '2026-01-01 13:49+02')")
    billing.execute("delete from t where id = 3")
    assert [row[0] for row in watched.read()] == [1, 2, 3, 4, 5]
    watched.clock.seconds += 86_401
    assert watched.read() == [
        (1, "unseen"),
        (2, "B"),
        (4, "without a time"),
        (5, "late"),
        (6, "too late"),
    ]


@pytest.mark.parametrize(
    ("kind", "last"),
    [("timestamptz", ""), ("timestamp", ""), ("date", "::date"), ("text", "::date")],
)
def test_a_row_from_the_future_keeps_no_other_from_being_read(
    billing: psycopg.Connection, postgres_database: str, kind: str, last: str
) -> None:
    billing.execute(f"alter table t alter changed type {kind} using changed{last}")
    billing.execute("update t set changed = '2025-12-01' where id = 1")
    billing.execute("insert into t values (3, 'far away', '9999-12-31')")
    watched = _Watched(postgres_database)
    assert [row[0] for row in watched.read()] == [1, 2, 3]
    billing.execute("update t set name = 'B', changed = '2026-01-02' where id = 2")
    billing.execute("update t set name = 'read by its cursor only' where id = 1")
    assert [name for _, name in watched.read()][1:] == ["B", "far away"]
    billing.execute("update t set name = 'C', changed = '2026-01-03' where id = 2")
    found = watched.read()
    assert [name for _, name in found][1:] == ["C", "far away"]
    assert found[0] == (1, "a")


def test_a_cursor_or_key_that_is_no_column_is_named(tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "b.db")) as database:
        database.execute("create table t (ID integer, name text, Changed integer)")
        database.execute("insert into t values (1, 'a', 10)")
        database.commit()

    def read(table: str, **cursor: str) -> int:
        settings = SourceSettings(
            kind="sql",
            url=f"sqlite:///{tmp_path / 'b.db'}",
            incremental={table: Incremental(**{"cursor": "changed", **cursor})},
        )
        with closing(open_source(settings, Path())) as source:
            assert "t" in source.tables()
            return source.stage(duckdb.connect(), ["t"])["t"]

    assert read("T") == 1
    with pytest.raises(SourceError, match=r"no column nope: check cursor in \[source.inc.*t\]"):
        read("t", cursor="nope")
    with pytest.raises(SourceError, match=r"Table t has no column nope: check key in"):
        read("t", key="nope")
    with pytest.raises(SourceError, match=r"has no table tt\. Did you mean t\?"):
        read("tt")


def test_rows_without_a_key_are_all_there_and_not_twice(
    billing: psycopg.Connection, postgres_database: str
) -> None:
    watched = _Watched(postgres_database)
    billing.execute("insert into t values (null, 'x', now()), (null, 'y', now())")
    without = [(None, "x"), (None, "y")]
    for _ in range(3):
        found = watched.read()
        assert found[:2] == [(1, "a"), (2, "b")]
        assert sorted(found[2:], key=str) == without
    billing.execute("update t set id = 3 where name = 'x'")
    billing.execute("insert into t values (null, 'y', now())")
    assert [row[0] for row in watched.read()].count(3) == 1
    watched.clock.seconds += 86_401
    found = watched.read()
    assert found[:3] == [(1, "a"), (2, "b"), (3, "x")]
    assert found[3:] == [(None, "y"), (None, "y")]


def test_a_new_column_is_read_for_all_rows(
    billing: psycopg.Connection, postgres_database: str
) -> None:
    watched = _Watched(postgres_database)
    watched.read()
    billing.execute("alter table t add column tax int default 7")
    watched.read()
    assert watched.engine.execute("select distinct tax from source.t").fetchall() == [(7,)]


def test_amounts_keep_their_type_and_more_decimals_are_read_for_all_rows(
    billing: psycopg.Connection, postgres_database: str
) -> None:
    billing.execute("alter table t add column total numeric(12, 2) default 1.10")
    watched = _Watched(postgres_database)
    watched.read()
    billing.execute("insert into t values (3, 'c', now(), 2.50)")
    billing.execute("update t set total = 9 where id = 1")
    watched.read()
    found = watched.engine.sql("select total from source.t order by id")
    assert str(found.types[0]) == "DECIMAL(12,2)"
    assert list(map(str, (row[0] for row in found.fetchall()))) == ["1.10", "1.10", "2.50"]
    billing.execute("alter table t alter total type numeric(12, 4)")
    billing.execute("insert into t values (4, 'd', now(), 2.1234)")
    watched.read()
    found = watched.engine.sql("select total from source.t order by id")
    assert list(map(str, (row[0] for row in found.fetchall()))) == [
        "9.0000",
        "1.1000",
        "2.5000",
        "2.1234",
    ]


def test_a_query_of_the_project_can_have_a_cursor(
    billing: psycopg.Connection, postgres_database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    watched = _Watched(postgres_database, tables={"t": "select * from t where id < 9;"})
    watched.read()
    billing.execute("insert into t values (8, 'x', now()), (9, 'y', now())")
    assert [row[0] for row in watched.read()] == [1, 2, 8]


def test_numbers_can_be_cursors_and_sqlite_has_them(tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "b.db")) as database:
        database.execute("create table t (id integer, name text, changed integer)")
        database.execute("insert into t values (1, 'a', 10), (2, 'b', 11)")
        database.commit()
        watched = _Watched(f"sqlite:///{tmp_path / 'b.db'}")
        assert watched.read() == [(1, "a"), (2, "b")]
        database.execute("update t set name = 'B', changed = 12 where id = 2")
        database.execute("update t set name = 'unseen' where id = 1")
        database.commit()
        assert watched.read() == [(1, "a"), (2, "B")]


def test_text_with_dates_of_sqlite_can_be_a_cursor(tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "b.db")) as database:
        database.execute("create table t (id integer, name text, changed text)")
        database.execute("insert into t values (1, 'a', '2026-01-01T10:00:00')")
        database.commit()
        watched = _Watched(f"sqlite:///{tmp_path / 'b.db'}")
        watched.read()
        database.execute("insert into t values (2, 'b', '2026-01-01T09:55:00')")
        database.commit()
        assert watched.read() == [(1, "a"), (2, "b")]


def test_mariadb_has_cursors_too(mariadb_database: str) -> None:
    run_mariadb(
        mariadb_database,
        "create table t (id int, name text, changed timestamp(6) null)",
        "insert into t values (1, 'a', '2026-01-01 10:00:00')",
    )
    watched = _Watched(mariadb_database)
    assert watched.read() == [(1, "a")]
    run_mariadb(
        mariadb_database,
        "insert into t values (2, 'b', '2026-01-01 09:51:00'), (3, 'c', '2026-01-01 09:49:00')",
    )
    assert watched.read() == [(1, "a"), (2, "b")]


def test_the_acceptance_suite_holds(billing: psycopg.Connection, postgres_database: str) -> None:
    settings = SourceSettings(
        kind="sql", url=postgres_database, incremental={"t": Incremental(cursor="changed")}
    )
    suite = source_suite(lambda: open_source(settings, Path()))()
    for test in (name for name in dir(SourceSuite) if name.startswith("test_")):
        getattr(suite, test)()


def test_files_at_an_address_that_did_not_change_are_not_read() -> None:
    system = fsspec.filesystem("memory")
    system.pipe("/marked/t.csv", b"id\n1\n")
    settings = SourceSettings(kind="files", path="memory://marked")
    mark = open_source(settings, Path()).mark(0.0)
    assert mark is not None
    assert open_source(settings, Path()).mark(0.0) == mark
    system.pipe("/marked/t.csv", b"id\n2\n")
    assert open_source(settings, Path()).mark(0.0) != mark
