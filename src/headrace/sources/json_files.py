"""JSON lines, or one JSON array of objects, into DuckDB.

A column's type follows from all of its values, not from the first ones: only strings, text; only
whole numbers, BIGINT; only numbers, DOUBLE; only booleans, BOOLEAN; only objects or lists, JSON
(`address ->> 'city'`); any mixture, text. Strings are never taken for dates or numbers.
"""

from __future__ import annotations

from pathlib import Path

import duckdb

from headrace.sources.source import literal, quoted, staged

_RAW = "headrace_raw_json"


def stage_json(connection: duckdb.DuckDBPyConnection, name: str, paths: list[Path]) -> None:
    """Files of objects, put together by key; a key that an object lacks is NULL.

    duckdb.Error names the file and line of broken JSON.
    """
    listed = ", ".join(literal(str(path)) for path in paths)
    connection.execute(
        f"create or replace temp table {_RAW} as select * from read_json([{listed}], "
        # Depth 1: each key of the object is a column, and what it holds stays JSON.
        "maximum_depth = 1, sample_size = -1, union_by_name = true, "
        "maximum_object_size = 67108864)"
    )
    columns = [str(row[0]) for row in connection.execute(f"describe {_RAW}").fetchall()]
    keeps = [
        f"{_keep(quoted(column), kinds)} as {quoted(column)}"
        for column, kinds in zip(columns, _kinds(connection, columns), strict=True)
    ]
    connection.execute(
        f"create or replace table {staged(name)} as select {', '.join(keeps)} from {_RAW}"
    )
    connection.execute(f"drop table {_RAW}")


def _kinds(connection: duckdb.DuckDBPyConnection, columns: list[str]) -> list[set[str]]:
    """For each column, which JSON types its values have; HUGE for integers beyond 64 bits."""
    looks = ", ".join(
        f"list(distinct case when json_type({c}) in ('UBIGINT', 'BIGINT', 'DOUBLE')"
        f" and regexp_full_match({c} ->> '$', '-?[0-9]+')"
        f" and try_cast({c} ->> '$' as bigint) is null then 'HUGE' else json_type({c}) end)"
        for c in map(quoted, columns)
    )
    found = connection.execute(f"select {looks} from {_RAW}").fetchall()
    return [set(kinds or ()) - {"NULL", None} for kinds in found[0]]


def _keep(column: str, kinds: set[str]) -> str:
    text = f"{column} ->> '$'"
    if not kinds:
        return f"({text})::varchar"
    if kinds <= {"UBIGINT", "BIGINT"}:
        return f"({text})::bigint"
    if kinds <= {"UBIGINT", "BIGINT", "DOUBLE"}:
        return f"({text})::double"
    if kinds == {"BOOLEAN"}:
        return f"({text})::boolean"
    if kinds <= {"OBJECT", "ARRAY"}:
        return f"{column}::json"
    return f"({text})::varchar"
