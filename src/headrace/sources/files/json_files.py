"""Loads JSON lines, or a JSON array of objects, into DuckDB.

A column's type follows from all its values, not from a sample: only strings give text; only whole
numbers BIGINT; only numbers DOUBLE; only booleans BOOLEAN; only objects or lists JSON (`address ->>
'city'`); any mixture text. Strings are never interpreted as dates or numbers. Whole numbers may be
written 3 or 3.0, which are the same in JSON. If a column has decimals and also numbers that a
DOUBLE would round, it becomes text. Files without objects (`[]`, or empty) give a table without
rows. A number that a DOUBLE would round is text, with all its digits; see `json_numbers.py`.
"""

from __future__ import annotations

import json
import re
from collections import deque
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory

import duckdb

from headrace.model.errors import SourceError
from headrace.model.repeated import run
from headrace.sources.files.json_numbers import exact_copies
from headrace.sources.source import literal, quoted, scratch_folder, staged

_RAW = "headrace_raw_json"
NO_COLUMNS = "headrace_no_columns"
"""The only column of a table whose files show no columns; the book gives it the real ones."""
_MALFORMED = re.compile(
    r'(Malformed JSON in file "(.+)", at byte \d+ in )(?:line|record/value) (\d+)(.*)'
)
_EXACT = 2**53 - 1
"""Up to this number, every whole number has a DOUBLE of its own."""
_WHOLE = r"-?[0-9]+\.0+"
_TYPES = ("VARCHAR", "BOOLEAN", "OBJECT", "ARRAY", "NUMBER")
_TYPE = """case json_type({0})
    when 'VARCHAR' then {VARCHAR} when 'BOOLEAN' then {BOOLEAN} when 'OBJECT' then {OBJECT}
    when 'ARRAY' then {ARRAY} when 'NULL' then 0 else if({0} is null, 0, {NUMBER}) end"""
_NUMBERS = ("BIGINT", "LARGE", "HUGE", "WHOLE", "DOUBLE")
_NUMBER = f"""case
    when {{0}} is null or json_type({{0}}) in ('NULL', 'VARCHAR', 'BOOLEAN', 'OBJECT', 'ARRAY')
        then 0
    when regexp_full_match({{0}} ->> '$', '-?[0-9]+') then case
        when try_cast({{0}} ->> '$' as bigint) between -{_EXACT} and {_EXACT} then {{BIGINT}}
        when try_cast({{0}} ->> '$' as bigint) is null then {{HUGE}} else {{LARGE}} end
    when regexp_full_match({{0}} ->> '$', '{_WHOLE}')
        and try_cast({{0}} ->> '$' as double) between -{_EXACT} and {_EXACT} then {{WHOLE}}
    else {{DOUBLE}} end"""


def stage_json(connection: duckdb.DuckDBPyConnection, name: str, paths: list[Path]) -> None:
    """Load files of objects, combined by key; a key that an object lacks is NULL.

    Raises duckdb.Error that names the file and line of malformed JSON, and SourceError for values
    that are no objects.
    """
    with TemporaryDirectory(prefix="headrace-json-", dir=scratch_folder(connection)) as folder:
        copies = exact_copies(connection, paths, Path(folder))
        _stage(connection, name, [copies.get(path, path) for path in paths])


def with_the_right_line(words: str) -> str:
    """Return what DuckDB says of malformed JSON with the line that it means: version 2.0 names the
    next one."""
    found = _MALFORMED.match(words)
    if found is None:
        return words
    start, path, number, rest = found.groups()
    try:
        with Path(path).open("rb") as file:
            line = deque(islice(file, int(number) - 1), maxlen=1)[0]
        json.loads(line)
    except ValueError:
        if line.startswith(b"{"):  # an array has a value in any line
            return f"{start}line {int(number) - 1}{rest}"
    except (OSError, IndexError):
        pass
    return words


def _stage(connection: duckdb.DuckDBPyConnection, name: str, paths: list[Path]) -> None:
    listed = ", ".join(literal(str(path)) for path in paths)
    connection.execute(
        f"create or replace temp table {_RAW} as select * from read_json([{listed}], "
        # Depth 1: each key of the object becomes a column, and nested values stay JSON.
        "maximum_depth = 1, sample_size = -1, union_by_name = true, "
        # Prevents DuckDB from reading an object of many keys, or many objects of few, as a map.
        "map_inference_threshold = -1, field_appearance_threshold = 0, "
        "maximum_object_size = 67108864)"
    )
    described = connection.execute(f"describe {_RAW}").fetchall()
    columns = [str(row[0]) for row in described]
    if [tuple(row[:2]) for row in described] == [("json", "JSON")]:
        columns = _unpacked(connection, name, listed)
    if not columns:
        _stage_nothing(connection, name)
        return
    before = _columns_before(connection, name)
    keeps = [
        f"{_keep(quoted(column), kinds, before.get(column, 'VARCHAR'))} as {quoted(column)}"
        for column, kinds in zip(columns, _kinds(connection, columns), strict=True)
    ]
    lower = {column.lower() for column in columns}
    keeps += [
        f"null::{kind} as {quoted(column)}"
        for column, kind in before.items()
        if column.lower() not in lower and column != NO_COLUMNS
    ]
    connection.execute(
        f"create or replace table {staged(name)} as select {', '.join(keeps)} from {_RAW}"
    )
    connection.execute(f"drop table {_RAW}")


def _columns_before(connection: duckdb.DuckDBPyConnection, name: str) -> dict[str, str]:
    """Return the columns and types of the previous load: a key without any value keeps both."""
    try:
        described = connection.execute(f"describe {staged(name)}").fetchall()
    except duckdb.CatalogException:
        return {}
    return {str(row[0]): str(row[1]) for row in described}


def _unpacked(connection: duckdb.DuckDBPyConnection, name: str, listed: str) -> list[str]:
    """Make columns of objects that DuckDB leaves whole, since one has an empty key, and return
    them; none without objects. The empty key is left out.

    Raises SourceError for what is no object.
    """
    connection.execute(
        f"create or replace temp table {_RAW} as "
        f"select json from read_json_objects([{listed}], maximum_object_size = 67108864)"
    )
    kinds = connection.execute(f"select distinct json_type(json) from {_RAW}").fetchall()
    if other := {kind for (kind,) in kinds} - {None, "NULL", "OBJECT"}:
        what = "a list" if "ARRAY" in other else "a single value"
        raise SourceError(
            f"Table {name}: one of its records is {what}: each line, or each value of one array, "
            "must be an object."
        )
    found = connection.execute(
        f"select name from (select unnest(json_keys(json)) as name from {_RAW}) "
        "group by name order by count(*) desc, name"
    ).fetchall()
    keys: dict[str, str] = {}
    for (key,) in found:
        if key:
            # As DuckDB names a key that differs by its case only from another one, here from one
            # that more objects have.
            keys[key] = key + "_1" * sum(key.lower() == other.lower() for other in keys)
    taken = [f"json -> {literal(_pointer(key))} as {quoted(keys[key])}" for key in keys]
    if taken:
        connection.execute(
            f"create or replace temp table {_RAW} as select {', '.join(taken)} from {_RAW}"
        )
    return list(keys.values())


def _pointer(key: str) -> str:
    return "/" + key.replace("~", "~0").replace("/", "~1")


def _stage_nothing(connection: duckdb.DuckDBPyConnection, name: str) -> None:
    """Create a table without rows, with the columns of the previous load if there was one."""
    try:
        connection.execute(f"truncate {staged(name)}")
    except duckdb.CatalogException:
        connection.execute(f"create table {staged(name)} ({NO_COLUMNS} varchar)")
    connection.execute(f"drop table {_RAW}")


_AT_ONCE = 50
"""Columns that are looked at by one statement: planning it for a thousand takes three times as long
as for fifty at a time."""


def _kinds(connection: duckdb.DuckDBPyConnection, columns: list[str]) -> list[set[str]]:
    """Return which kinds each column's values have.

    The kinds are JSON's types; numbers are BIGINT, LARGE or HUGE (whole: exact as a DOUBLE, within
    64 bits, or neither), WHOLE (written 3.0), or DOUBLE.
    """
    # To look at how numbers are written takes long to plan, and most columns have none.
    found = _seen(connection, columns, _TYPES, _TYPE)
    numbers = [column for column, kinds in zip(columns, found, strict=True) if "NUMBER" in kinds]
    of_numbers = iter(_seen(connection, numbers, _NUMBERS, _NUMBER))
    return [
        kinds - {"NUMBER"} | next(of_numbers) if "NUMBER" in kinds else kinds for kinds in found
    ]


def _seen(
    connection: duckdb.DuckDBPyConnection, columns: list[str], kinds: tuple[str, ...], look: str
) -> list[set[str]]:
    """Return which of the kinds each column has; `look` is SQL for one value's, with the column and
    the kinds in braces."""
    # One bit per kind: lists of distinct values would take some megabytes per column.
    bits = {kind: 1 << place for place, kind in enumerate(kinds)}
    looks = [f"bit_or({look.format(quoted(c), **bits)})" for c in columns]
    found: list[int | None] = []
    for start in range(0, len(looks), _AT_ONCE):
        some = ", ".join(looks[start : start + _AT_ONCE])
        found += run(connection, f"select {some} from {_RAW}").fetchall()[0]
    return [{kind for kind, bit in bits.items() if (seen or 0) & bit} for seen in found]


def _keep(column: str, kinds: set[str], before: str) -> str:
    text = f"{column} ->> '$'"
    # Convert 3.0 like 3, also in a text column, where it is more often an id than an amount.
    plain = (
        f"case when json_type({column}) = 'DOUBLE' and regexp_full_match({text}, '{_WHOLE}') "
        f"then split_part({text}, '.', 1) else {text} end"
        if "WHOLE" in kinds
        else f"({text})"
    )
    if not kinds:
        return f"({text})::{before}"
    if kinds <= {"BIGINT", "LARGE", "WHOLE"}:
        return f"({plain})::bigint"
    if kinds <= {"BIGINT", "WHOLE", "DOUBLE"}:
        return f"({text})::double"
    if kinds == {"BOOLEAN"}:
        return f"({text})::boolean"
    if kinds <= {"OBJECT", "ARRAY"}:
        return f"{column}::json"
    return f"({plain})::varchar"
