"""Exported files as a source: what stands in them is what arrives."""

from __future__ import annotations

import gzip
from pathlib import Path

import duckdb
import pytest
from one_engine import empty_database

from headrace.model.errors import SourceError
from headrace.sources.files.folder import FileSource


def _stage(folder: Path, name: str = "t", globs: dict[str, str] | None = None) -> list[object]:
    connection = empty_database()
    counted = FileSource(folder, globs or {}).stage(connection, [name])
    rows = connection.execute(f'from source."{name}"').fetchall()
    assert counted == {name: len(rows)}
    return rows


def _types(folder: Path) -> dict[str, str]:
    connection = empty_database()
    FileSource(folder, {}).stage(connection, ["t"])
    relation = connection.sql("from source.t")
    return dict(zip(relation.columns, map(str, relation.types), strict=True))


def _write(folder: Path, name: str, text: str, encoding: str = "utf-8") -> None:
    (folder / name).write_bytes(text.encode(encoding))


@pytest.mark.parametrize(
    "text",
    [
        "id,amount,name\n007,1.10,é\n008,n/a,\n",
        "id;amount;name\r\n007;1.10;é\r\n008;n/a;\r\n",
        "\ufeffid|amount|name\n007|1.10|é\n008|n/a|\n",
        'id\tamount\tname\n"007"\t"1.10"\t"é"\n008\tn/a\t""',
        '"id","amount","name"\n007,1.10,é\n\n008,n/a,\n',
    ],
)
def test_csv_fields_stay_text(tmp_path: Path, text: str) -> None:
    _write(tmp_path, "T.csv", text)
    assert _stage(tmp_path) == [("007", "1.10", "é"), ("008", "n/a", None)]


def test_csv_quotes_line_ends_and_packed(tmp_path: Path) -> None:
    text = 'id,note\n1,"a ""b"", c\nd"\n'
    (tmp_path / "t.CSV.gz").write_bytes(gzip.compress(text.encode()))
    assert _stage(tmp_path) == [("1", 'a "b", c\nd')]


def test_csv_with_a_header_only_has_no_rows(tmp_path: Path) -> None:
    _write(tmp_path, "t.tsv", "id\tamount\n")
    assert _stage(tmp_path) == []
    assert _types(tmp_path) == {"id": "VARCHAR", "amount": "VARCHAR"}


@pytest.mark.parametrize(
    ("lines", "words"),
    [
        (["1,A,2", "3,C,4,5", "4,D,6"], "line 3 has 4 fields where the header has 3: 3,C,4,5"),
        (["1,A,2"] * 30_000 + ["9,Z"], "line 30002 has 2 fields where the header has 3: 9,Z"),
    ],
)
def test_a_broken_csv_line_is_named(tmp_path: Path, lines: list[str], words: str) -> None:
    _write(tmp_path, "t.csv", "\n".join(["id,name,amount", *lines]) + "\n")
    with pytest.raises(SourceError) as caught:
        _stage(tmp_path)
    assert str(caught.value) == f"{tmp_path / 't.csv'}, {words}"


@pytest.mark.parametrize(
    ("text", "encoding", "words"),
    [
        ("id,name\n1,é\n", "latin-1", "not UTF-8"),
        ("", "utf-8", "needs a line of column names"),
        ("id,ID\n1,2\n", "utf-8", 'two columns are named "ID"'),
    ],
)
def test_csv_that_can_not_be_read(tmp_path: Path, text: str, encoding: str, words: str) -> None:
    _write(tmp_path, "t.csv", text, encoding)
    with pytest.raises(SourceError, match=words) as caught:
        _stage(tmp_path)
    assert "t.csv" in str(caught.value) and "\n" not in str(caught.value)


def test_json_types_follow_from_all_values(tmp_path: Path) -> None:
    first = (
        '{"id":"007","whole":1,"huge":12345678901234567890123,"part":1,"day":"2026-01-01",'
        '"yes":true,"nothing":null,"address":{"city":"Paris"},"tags":["a"],"mixed":1}'
    )
    late = '{"id":"x","late":3,"whole":9223372036854775807,"huge":1,"part":1.25,"mixed":{"a":1}}'
    _write(tmp_path, "t.jsonl", "\n".join([first] * 3000 + [late]))
    assert _types(tmp_path) == {
        "id": "VARCHAR",
        "whole": "BIGINT",
        "huge": "VARCHAR",
        "part": "DOUBLE",
        "day": "VARCHAR",
        "yes": "BOOLEAN",
        "nothing": "VARCHAR",
        "address": "JSON",
        "tags": "JSON",
        "mixed": "VARCHAR",
        "late": "BIGINT",
    }
    connection = empty_database()
    FileSource(tmp_path, {}).stage(connection, ["t"])
    rows = connection.execute(
        "select id, whole, huge, part, address ->> 'city', mixed, late from source.t"
    ).fetchall()
    assert rows[0] == ("007", 1, "12345678901234567890123", 1.0, "Paris", "1", None)
    assert rows[-1] == ("x", 9223372036854775807, "1", 1.25, None, '{"a":1}', 3)


@pytest.mark.parametrize(
    ("values", "kind", "arrived"),
    [
        (["1", "3.0", "12"], "BIGINT", [1, 3, 12]),
        (["1.0", "2.00"], "BIGINT", [1, 2]),
        (["1234567890123456789", "1234567890123456788", "12.0"], "BIGINT",
         [1234567890123456789, 1234567890123456788, 12]),
        (["1234567890123456789", "0.5", "7"], "VARCHAR", ["1234567890123456789", "0.5", "7"]),
        (["1", "2.5"], "DOUBLE", [1.0, 2.5]),
        (["1", "2.0", '"A-3"', '"4.0"'], "VARCHAR", ["1", "2", "A-3", "4.0"]),
        (["9007199254740993.0", "1"], "VARCHAR", ["9007199254740993.0", "1"]),
        (["1e3", "1"], "BIGINT", [1000, 1]),
        (["-9223372036854775808", "1.0"], "BIGINT", [-9223372036854775808, 1]),
    ],
)  # fmt: skip
def test_a_whole_number_of_json_may_be_written_with_decimals(
    tmp_path: Path, values: list[str], kind: str, arrived: list[object]
) -> None:
    _write(tmp_path, "t.jsonl", "\n".join(f'{{"c":{value}}}' for value in values))
    assert _types(tmp_path) == {"c": kind}
    assert [row[0] for row in _stage(tmp_path)] == arrived


def test_an_object_of_a_thousand_keys_keeps_them(tmp_path: Path) -> None:
    keys = ",".join(f'"k{number}":{number}' for number in range(1000))
    _write(tmp_path, "t.jsonl", f'{{"id":1,{keys}}}')
    assert _types(tmp_path)["k999"] == "BIGINT"


@pytest.mark.parametrize(
    "text",
    ["a;b\r\n1;x\n2;y\r\n", "a;b\n1;x\r\n2;y\n", 'a;b\r\n1;"x"\n"2";y\n'],
)
def test_lines_may_end_one_way_and_the_other(tmp_path: Path, text: str) -> None:
    (tmp_path / "t.csv").write_bytes(text.encode())
    assert _stage(tmp_path) == [("1", "x"), ("2", "y")]


def test_a_broken_line_among_mixed_ends_is_named_in_its_own_file(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_bytes(b"a;b\r\n1;x\n2;y;z\n")
    with pytest.raises(SourceError) as caught:
        _stage(tmp_path)
    assert str(caught.value) == (
        f"{tmp_path / 't.csv'}, line 3 has 3 fields where the header has 2: 2;y;z"
    )


@pytest.mark.parametrize("form", ["{}\n{}\n", "[{},\n{}]"])
def test_an_empty_key_of_json_takes_no_other_with_it(tmp_path: Path, form: str) -> None:
    records = ('{"id": "1", "": 7}', '{"id": "2", "a\\"~/b": 3, "Id": 4, "": 8}')
    _write(tmp_path, "t.json", form.format(*records))
    connection = empty_database()
    FileSource(tmp_path, {}).stage(connection, ["t"])
    found = connection.execute("from source.t")
    columns = [column[0] for column in found.description]
    rows = [dict(zip(columns, row, strict=True)) for row in found.fetchall()]
    assert rows == [
        {"id": "1", "Id_1": None, 'a"~/b': None},
        {"id": "2", "Id_1": 4, 'a"~/b': 3},
    ]


def test_a_table_of_json_may_have_the_one_column_json(tmp_path: Path) -> None:
    _write(tmp_path, "t.json", '{"json": 1}\n{"json": 2}\n')
    assert _stage(tmp_path) == [(1,), (2,)]


@pytest.mark.parametrize("value", ["[2]", "5", '"text"', "true"])
def test_a_value_of_json_that_is_no_object_is_named(tmp_path: Path, value: str) -> None:
    for text in (f'{{"id": 1}}\n{value}\n', f'[{{"id": 1}}, {value}]'):
        _write(tmp_path, "t.json", text)
        with pytest.raises(SourceError, match=r"Table t: one of its records is a (list|single)"):
            _stage(tmp_path)


def test_json_as_an_array_and_packed(tmp_path: Path) -> None:
    (tmp_path / "t.json.gz").write_bytes(gzip.compress(b'[{"id": "1"},\n {"id": "2"}]'))
    assert _stage(tmp_path) == [("1",), ("2",)]


def test_broken_json_is_named_by_file_and_line(tmp_path: Path) -> None:
    _write(tmp_path, "t.ndjson", '{"id":1}\n{"id":2\n{"id":3}\n')
    with pytest.raises(SourceError, match=r"t\.ndjson.* line 2:"):
        _stage(tmp_path)
    for line in (1, 2, 3):
        lines = ['{"id": 1}'] * 4
        lines[line - 1] = '{"id": 01}'
        _write(tmp_path, "t.ndjson", "\n".join(lines))
        with pytest.raises(SourceError, match=rf"t\.ndjson.* line {line}:"):
            _stage(tmp_path)


def test_parquet_keeps_its_types(tmp_path: Path) -> None:
    duckdb.execute(f"copy (select 1.10::decimal(9,2) as c) to '{tmp_path / 't.parquet'}'")
    assert _types(tmp_path) == {"c": "DECIMAL(9,2)"}


def test_a_glob_puts_files_together(tmp_path: Path) -> None:
    (tmp_path / "daily").mkdir()
    _write(tmp_path / "daily", "2.csv", "name,id\nB,2\n")
    _write(tmp_path / "daily", "1.csv", "id,name\n1,A\n")
    assert _stage(tmp_path, "t", {"t": "daily/*.csv"}) == [("1", "A"), ("2", "B")]
    _write(tmp_path / "daily", "3.jsonl", "{}")
    with pytest.raises(SourceError, match="one kind"):
        _stage(tmp_path, "t", {"t": "daily/*"})
    with pytest.raises(SourceError, match=r"No file .* matches"):
        _stage(tmp_path, "t", {"t": "weekly/*"})


def test_names_that_clash_or_are_missing(tmp_path: Path) -> None:
    _write(tmp_path, "invoices.csv", "id\n1\n")
    _write(tmp_path, "README.md", "not data")
    assert FileSource(tmp_path, {}).tables() == {"invoices"}
    with pytest.raises(SourceError, match="Did you mean invoices"):
        _stage(tmp_path, "invoice")
    _write(tmp_path, "Invoices.jsonl", "{}")
    with pytest.raises(SourceError, match="would both be the table invoices"):
        _stage(tmp_path, "invoices")
    with pytest.raises(SourceError, match="no folder"):
        _stage(tmp_path / "nowhere")
