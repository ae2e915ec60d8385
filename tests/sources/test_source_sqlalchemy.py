"""Databases through SQLAlchemy: SQLite and PostgreSQL stand in for those that can't run here."""

from __future__ import annotations

import sqlite3
import sys
from contextlib import closing
from pathlib import Path

import psycopg
import pytest
import sqlalchemy
from one_engine import empty_database
from sqlalchemy import make_url

from headrace.model.errors import SourceError
from headrace.model.source_settings import SourceSettings
from headrace.sources.databases.sqlalchemy_source import SqlalchemySource
from headrace.sources.registry import open_source
from headrace.testkit.source_suite import SourceSuite, source_suite

ODD = [
    ("7", "BIGINT", 7),
    ("9223372036854775807::int8", "BIGINT", 2**63 - 1),
    ("18446744073709551615::numeric", "VARCHAR", "18446744073709551615"),
    ("12345678901234567890.1234567891::numeric", "VARCHAR", "12345678901234567890.1234567891"),
    ("1.10::numeric(12,2)", "VARCHAR", "1.10"),
    ("'NaN'::numeric", "VARCHAR", "NaN"),
    ("0.1::float8", "DOUBLE", 0.1),
    ("'NaN'::float8", "VARCHAR", "nan"),
    ("true", "BOOLEAN", True),
    ("date '2026-01-31'", "VARCHAR", "2026-01-31"),
    ("timestamptz '2026-01-31 10:00+00'", "VARCHAR", "2026-01-31T10:00:00+00:00"),
    ("interval '100 hours'", "VARCHAR", "4 days, 4:00:00"),
    ("'\\x00ff'::bytea", "VARCHAR", "\\x00ff"),
    ("'{\"a\": 1}'::jsonb", "JSON", '{"a":1}'),
    ("array[1, 2]", "JSON", "[1,2]"),
    ("'é😀'", "VARCHAR", "é😀"),
    ("null::int", "VARCHAR", None),
]


def test_every_odd_value_arrives_exactly(postgres_database: str) -> None:
    columns = ", ".join(f"{value} as c{n}" for n, (value, *_) in enumerate(ODD))
    with psycopg.connect(postgres_database, autocommit=True) as database:
        database.execute(f"create table t as select {columns}".encode())
        database.execute("create table empty (a int, b text)")
    url = postgres_database.replace("postgresql://", "postgresql+psycopg://")
    connection = empty_database()
    source = open_source(SourceSettings(kind="sql", url=url), Path())
    assert source.stage(connection, ["t", "empty"]) == {"t": 1, "empty": 0}
    found = connection.sql("from source.t")
    arrived = zip(map(str, found.types), found.fetchall()[0], strict=True)
    assert list(arrived) == [(kind, value) for _, kind, value in ODD]
    assert connection.sql("from source.empty").columns == ["a", "b"]


def _sqlite(folder: Path) -> str:
    with closing(sqlite3.connect(folder / "b.db")) as database:
        database.execute('create table "Odd Name" (id integer, name text)')
        database.execute("""insert into "Odd Name" values (1, 'é'), (2, null)""")
        database.execute('create view seen as select id + 1 as id from "Odd Name"')
        database.commit()
    return f"sqlite+pysqlite:///{folder / 'b.db'}"


def test_tables_views_and_queries(tmp_path: Path) -> None:
    source = SqlalchemySource(_sqlite(tmp_path), "", {"q": "select id from seen where id = 2;"})
    assert source.tables() == {"odd name", "seen", "q"}
    connection = empty_database()
    assert source.stage(connection, ["odd name", "seen", "q"]) == {"odd name": 2, "seen": 2, "q": 1}
    found = connection.execute('from source."odd name" order by id').fetchall()
    assert found == [(1, "é"), (2, None)]


def test_the_acceptance_suite_holds(tmp_path: Path) -> None:
    settings = SourceSettings(kind="sql", url=_sqlite(tmp_path))
    suite = source_suite(lambda: open_source(settings, Path()))()
    for test in (name for name in dir(SourceSuite) if name.startswith("test_")):
        getattr(suite, test)()


def test_errors_are_one_clear_sentence_without_a_password(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = SqlalchemySource(_sqlite(tmp_path), "", {"q": "select nix from seen"})
    with pytest.raises(SourceError, match=r"table q: no such column: nix\.$"):
        source.stage(empty_database(), ["q"])
    url = "postgresql+psycopg://bob:s3cret-s3cret@127.0.0.1:1/x"
    with pytest.raises(SourceError, match=r"postgresql\+psycopg 127\.0\.0\.1:1/x: ") as caught:
        SqlalchemySource(url, "", {}).tables()
    assert "s3cret" not in str(caught.value)
    with pytest.raises(SourceError, match=r"pip install 'headrace\[sqlalchemy\]'|plugin"):
        SqlalchemySource("nosuch+driver://h/x", "", {}).tables()
    monkeypatch.setitem(sys.modules, "sqlalchemy", None)
    with pytest.raises(SourceError, match=r"mssql needs its driver.*headrace\[mssql\]"):
        SqlalchemySource("mssql+pymssql://sa:x@h/x", "", {}).tables()


@pytest.mark.parametrize(
    ("url", "written"),
    [
        ("mssql+pymssql://h/x", "SELECT * FROM [dbo].[Odd Name]"),
        ("oracle+oracledb://h/x", 'SELECT * FROM "dbo"."Odd Name"'),
    ],
)
def test_names_are_quoted_as_each_database_does(url: str, written: str) -> None:
    dialect = make_url(url).get_dialect()()
    source = SqlalchemySource(url, "dbo", {})
    query = source._select(sqlalchemy, None, "odd name", {"odd name": "Odd Name"})
    assert " ".join(str(query.compile(dialect=dialect)).split()) == written
    source = SqlalchemySource(url, "", {"q": "select a::int, 'x:y', ' :z' from t"})
    query = source._select(sqlalchemy, None, "q", {})
    assert str(query.compile(dialect=dialect)) == "select a::int, 'x:y', ' :z' from t"
