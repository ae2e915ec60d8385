"""DuckDB files as a source: every type arrives, nothing is written."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import duckdb
import pytest
from one_engine import empty_database

from headrace.model.errors import SourceError
from headrace.model.source_settings import SourceSettings
from headrace.sources.databases.duckdb_file import DuckdbSource
from headrace.sources.registry import open_source
from headrace.testkit.source_suite import SourceSuite, source_suite

ODD = [
    ("170141183460469231731687303715884105727::hugeint", "HUGEINT"),
    ("18446744073709551615::ubigint", "UBIGINT"),
    ("12345678901234567890.1234567891::decimal(30,10)", "DECIMAL(30,10)"),
    ("'NaN'::double", "DOUBLE"),
    ("'infinity'::date", "DATE"),
    ("'2026-01-31 10:00:00+02'::timestamptz", "TIMESTAMP"),
    ("'10:00:00+02'::timetz", "VARCHAR"),
    ("'0101'::bit", "VARCHAR"),
    ("'0b6ccb7e-7a5b-4a37-8a0e-2f9d3b1c5e11'::uuid", "VARCHAR"),
    ("[1, 2]", "INTEGER[]"),
    ("{'a': 170141183460469231731687303715884105727::hugeint}", "VARCHAR"),
    ("'{\"a\": 1.10}'::json", "JSON"),
    ("interval '100 hours'", "INTERVAL"),
    ("'a' || chr(0) || 'b'", "VARCHAR"),
    ("'é😀'", "VARCHAR"),
    ("'\\x00\\xFF'::blob", "BLOB"),
    ("null::date", "DATE"),
]
"""Value, and the type that models see."""


def _file(folder: Path, *statements: str) -> Path:
    path = folder / "b.duckdb"
    with duckdb.connect(str(path)) as database:
        for statement in statements:
            database.execute(statement)
    return path


def _stage(path: Path, name: str = "t", **queries: str) -> Any:
    connection = empty_database()
    DuckdbSource(path, "", queries).stage(connection, [name])
    return connection.sql(f'from source."{name}"')


def test_every_odd_value_arrives_exactly(tmp_path: Path) -> None:
    columns = ", ".join(f"{value} as c{place}" for place, (value, _) in enumerate(ODD))
    path = _file(tmp_path, f"set timezone = 'UTC'; create table t as select {columns}")
    found = _stage(path)
    assert list(map(str, found.types)) == [kind for _, kind in ODD]
    with duckdb.connect(str(path)) as database:
        database.execute("set timezone = 'UTC'")
        shown = [
            f"c{place} at time zone 'UTC'" if "timestamptz" in value else f"c{place}"
            for place, (value, _) in enumerate(ODD)
        ]
        nested = {place for place, (value, _) in enumerate(ODD) if value.startswith("{")}
        texts = [
            f"to_json({c})::varchar" if place in nested else f"({c})::varchar"
            for place, c in enumerate(shown)
        ]
        expected = database.execute(f"select {', '.join(texts)} from t").fetchall()
    assert found.select("columns(*)::varchar").fetchall() == expected


def test_views_queries_and_schemas(tmp_path: Path) -> None:
    path = _file(
        tmp_path,
        "create table T (c int)",
        "insert into t values (1)",
        "create view seen as select c + 1 as c from t",
        "create schema sales; create table sales.bills as select 7 as c",
    )
    assert DuckdbSource(path, "", {}).tables() == {"t", "seen", "sales.bills"}
    assert _stage(path, "seen").fetchall() == [(2,)]
    assert _stage(path, "sales.bills").fetchall() == [(7,)]
    assert _stage(path, "q", q="select c from t;").fetchall() == [(1,)]
    with pytest.raises(SourceError, match=r"Did you mean sales\.bills"):
        _stage(path, "bills")


def test_a_file_that_another_program_writes_is_explained(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="There is no DuckDB file"):
        DuckdbSource(tmp_path / "nothing.duckdb", "", {}).tables()
    (tmp_path / "odd.duckdb").write_text("no database")
    with pytest.raises(SourceError, match=r"odd\.duckdb: ") as caught:
        DuckdbSource(tmp_path / "odd.duckdb", "", {}).tables()
    assert "\n" not in str(caught.value)


def test_the_acceptance_suite_holds(tmp_path: Path) -> None:
    path = _file(tmp_path, "create table t as select 1 as id, 'é' as name")
    settings = SourceSettings(kind="sql", url=f"duckdb:///{path}")
    suite = source_suite(lambda: open_source(settings, Path()))()
    for test in (name for name in dir(SourceSuite) if name.startswith("test_")):
        getattr(suite, test)()
