"""Odd values of JSON, CSV, Parquet and SQLite: each arrives exactly, or as it is documented."""

from __future__ import annotations

import gzip
import json
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import duckdb
import pytest
from one_engine import empty_database

from headrace.sources.databases.sqlite import SqliteSource
from headrace.sources.files.folder import FileSource

JSON = [
    ("18446744073709551615", "VARCHAR", "18446744073709551615"),
    ("9223372036854775807", "BIGINT", 2**63 - 1),
    ("1.10", "DOUBLE", 1.1),
    ("0.30000000000000004", "DOUBLE", 0.1 + 0.2),
    ("12345678901234567890.1234567891", "VARCHAR", "12345678901234567890.1234567891"),
    ("123456789.123456789", "VARCHAR", "123456789.123456789"),
    ("1e400", "VARCHAR", "1e400"),
    ("1E5", "BIGINT", 100000),
    ("true", "BOOLEAN", True),
    ('"0000-00-00"', "VARCHAR", "0000-00-00"),
    ('"838:59:59"', "VARCHAR", "838:59:59"),
    ('"2026-01-31T10:00:00+02:00"', "VARCHAR", "2026-01-31T10:00:00+02:00"),
    ('"NaN"', "VARCHAR", "NaN"),
    ('"12345678901234567890.12"', "VARCHAR", "12345678901234567890.12"),
    (r'"\ud83d\ude00 é"', "VARCHAR", "😀 é"),
    (r'"cut \ud83d"', "VARCHAR", "cut \ufffd"),
    (r'"\\ud83d"', "VARCHAR", r"\ud83d"),
    (r'{"a": ["\ude00\ud83d"]}', "JSON", '{"a":["\ufffd\ufffd"]}'),
    (r'"a\u0000b"', "VARCHAR", "a\0b"),
    ('""', "VARCHAR", ""),
    ("null", "VARCHAR", None),
    ("[1, 2]", "JSON", "[1,2]"),
    ('{"a": 12345678901234567890.12}', "JSON", '{"a":"12345678901234567890.12"}'),
]


def _stage(folder: Path, name: str = "t") -> Any:
    connection = empty_database()
    FileSource(folder, {}).stage(connection, [name])
    return connection.sql(f"from source.{name}")


@pytest.mark.parametrize("form", ["line", "array", "gz"])
def test_every_odd_value_of_json_arrives_exactly(tmp_path: Path, form: str) -> None:
    text = "{" + ", ".join(f'"c{n}": {value}' for n, (value, *_) in enumerate(JSON)) + "}"
    if form == "gz":
        (tmp_path / "t.jsonl.gz").write_bytes(gzip.compress(text.encode()))
    else:
        (tmp_path / "t.json").write_text(f"[{text}]" if form == "array" else text, "utf-8")
    found = _stage(tmp_path)
    arrived = zip(map(str, found.types), found.fetchall()[0], strict=True)
    assert list(arrived) == [(kind, value) for _, kind, value in JSON]


def test_csv_keeps_every_text_as_it_is(tmp_path: Path) -> None:
    values = ["0000-00-00", "18446744073709551615", "NaN", "1.10", "0100", "838:59:59", "😀", "é"]
    values += ["12345678901234567890.1234567891", '{"a": 1.10}', "a\0b", "1e5", "-0", " x ", "NULL"]
    header = ",".join(f"c{n}" for n in range(len(values)))
    row = ",".join('"' + value.replace('"', '""') + '"' for value in values)
    (tmp_path / "t.csv").write_text(f"{header}\n{row}\n", "utf-8")
    assert _stage(tmp_path).fetchall() == [tuple(values)]


def test_parquet_keeps_its_types(tmp_path: Path) -> None:
    row = (
        "18446744073709551615::ubigint a, 12345678901234567890.1234567891::decimal(30,10) b,"
        " 'NaN'::double c, timestamptz '2026-01-31 10:00+02' d, [1, 2] e, 'é😀' f, '\\x00'::blob g,"
        " '{\"a\": 1.10}' h, interval '100 hours' i, null::date j, uuid() k"
    )
    path = tmp_path / "t.parquet"
    duckdb.execute(f"copy (select {row}) to '{path}'")
    expected = duckdb.sql(f"select columns(*)::varchar from '{path}'").fetchall()
    assert _stage(tmp_path).select("columns(*)::varchar").fetchall() == expected
    assert "12345678901234567890.1234567891" in expected[0]


def test_an_empty_json_file_keeps_columns_and_types(tmp_path: Path) -> None:
    connection = empty_database()
    source = FileSource(tmp_path, {})
    (tmp_path / "t.json").write_text('[{"id": 1, "tax": 1.5}]')
    source.stage(connection, ["t"])
    for empty in ("[]", ""):
        (tmp_path / "t.json").write_text(empty)
        assert source.stage(connection, ["t"]) == {"t": 0}
        found = connection.sql("from source.t")
        assert list(zip(found.columns, map(str, found.types), strict=True)) == [
            ("id", "BIGINT"),
            ("tax", "DOUBLE"),
        ]


def test_a_column_that_becomes_null_throughout_keeps_its_type(tmp_path: Path) -> None:
    connection = empty_database()
    source = FileSource(tmp_path, {})
    for text in ('{"id": 1, "tax": 5, "paid": true}', '{"id": 2, "tax": null, "paid": null}'):
        (tmp_path / "t.json").write_text(text)
        source.stage(connection, ["t"])
        assert list(map(str, connection.sql("from source.t").types)) == [
            "BIGINT",
            "BIGINT",
            "BOOLEAN",
        ]
    # Another kind of value decides anew.
    (tmp_path / "t.json").write_text('{"id": 2, "tax": "x", "paid": null}')
    source.stage(connection, ["t"])
    assert list(map(str, connection.sql("from source.t").types)) == ["BIGINT", "VARCHAR", "BOOLEAN"]


def test_objects_of_three_hundred_distinct_keys_keep_them(tmp_path: Path) -> None:
    objects = [{f"k{n}": n, "id": n} for n in range(300)]
    (tmp_path / "t.jsonl").write_text("\n".join(map(json.dumps, objects)))
    found = _stage(tmp_path)
    assert set(found.columns) == {"id", *(f"k{n}" for n in range(300))}
    assert found.order("id").fetchall()[299][found.columns.index("k299")] == 299


def test_a_sqlite_table_of_two_thousand_columns_is_read(tmp_path: Path) -> None:
    path = tmp_path / "wide.db"
    with closing(sqlite3.connect(path)) as database:
        names = ", ".join(f"c{n} integer" for n in range(2000))
        database.execute(f"create table t ({names})")
        database.execute(f"insert into t values ({', '.join(str(n) for n in range(2000))})")
        database.execute("insert into t (c0, c1999) values ('odd', 1.5)")
        database.commit()
    connection = empty_database()
    assert SqliteSource(path, {}).stage(connection, ["t"]) == {"t": 2}
    found = connection.sql("select c0, c1, c1999 from source.t order by c0")
    assert found.fetchall() == [("0", 1, 1999.0), ("odd", None, 1.5)]


SQLITE = [
    ("9223372036854775807", "BIGINT", 2**63 - 1),
    ("'18446744073709551615'", "VARCHAR", "18446744073709551615"),
    ("0.1", "DOUBLE", 0.1),
    ("1e999", "DOUBLE", float("inf")),
    ("'NaN'", "VARCHAR", "NaN"),
    ("'0000-00-00'", "VARCHAR", "0000-00-00"),
    ("'838:59:59'", "VARCHAR", "838:59:59"),
    ("'12345678901234567890.1234567891'", "VARCHAR", "12345678901234567890.1234567891"),
    ("'😀 é'", "VARCHAR", "😀 é"),
    ("x'00ff'", "BLOB", b"\x00\xff"),
    ("cast(x'636166e9' as text)", "VARCHAR", "caf\\xE9"),
    ("'{\"a\": 1.10}'", "VARCHAR", '{"a": 1.10}'),
    ("null", "VARCHAR", None),
]


def test_every_odd_value_of_sqlite_arrives_exactly(tmp_path: Path) -> None:
    path = tmp_path / "odd.db"
    with closing(sqlite3.connect(path)) as database:
        columns = ", ".join(f"{value} as c{n}" for n, (value, *_) in enumerate(SQLITE))
        names = ", ".join(f"c{n}" for n in range(len(SQLITE)))
        database.execute(f"create table t ({names})")
        database.execute(f"insert into t select {columns}")
        database.commit()
    connection = empty_database()
    SqliteSource(path, {}).stage(connection, ["t"])
    found = connection.sql("from source.t")
    arrived = zip(map(str, found.types), found.fetchall()[0], strict=True)
    assert list(arrived) == [(kind, value) for _, kind, value in SQLITE]


def test_text_with_a_nul_in_sqlite_arrives_whole(tmp_path: Path) -> None:
    path = tmp_path / "nul.db"
    with closing(sqlite3.connect(path)) as database:
        database.execute("create table t (c text)")
        database.execute("insert into t values (?)", ["a\0b"])
        database.commit()
    connection = empty_database()
    SqliteSource(path, {}).stage(connection, ["t"])
    assert connection.execute("from source.t").fetchall() == [("a\0b",)]
