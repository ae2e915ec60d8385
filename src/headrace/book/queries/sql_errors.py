"""Makes DuckDB's errors about a model's SQL readable: file, line, caret, and the names that
exist."""

from __future__ import annotations

import re

import duckdb

_PLACE = re.compile(r"^LINE (\d+): (.*)\n( *)(\^+)[^\n]*", re.MULTILINE)
_COLUMNS_SHOWN = 40
_VALUES = (
    duckdb.ConversionException,
    duckdb.OutOfRangeException,
    duckdb.InvalidInputException,
    duckdb.TypeMismatchException,
)
_NAMES = (duckdb.BinderException, duckdb.CatalogException)


def explain_sql(error: duckdb.Error, origin: str, first_line: int | None) -> str:
    """Return DuckDB's complete message, with the line counted in the file `origin`.

    `first_line` is the number of the file's line that DuckDB calls 1; None when it was given
    another text than the file's.
    """
    text = str(error).strip()
    found = _PLACE.search(text)
    where, excerpt = origin, ""
    if found:
        before = text[: found.start()].strip()
        if first_line is not None:
            where = f"{origin}, line {int(found[1]) + first_line - 1}"
        # DuckDB counts the caret's position including its own prefix.
        indent = len(found[3]) - len(f"LINE {found[1]}: ")
        excerpt = f"\n    {found[2].rstrip()}\n    {' ' * indent}{found[4]}"
        text = before
    said, *candidates = [line.strip() for line in text.splitlines() if line.strip()]
    lines = "".join(f"\n  {line}" for line in candidates if not line.startswith("LINE "))
    return f"{where}: {said}{lines}{excerpt}"


def explain_run(
    error: duckdb.Error,
    connection: duckdb.DuckDBPyConnection,
    tables: frozenset[str],
    origin: str,
    first_line: int | None,
) -> str:
    """Like `explain_sql`, for a model that was run: lists the tables' columns where a name is
    wrong, and explains how to tolerate a bad value where a value is wrong."""
    said = explain_sql(error, origin, first_line)
    if isinstance(error, _NAMES):
        return said + _what_there_is(connection, tables)
    if isinstance(error, duckdb.PermissionException):
        return (
            f"{said}\n  A model reads what was staged of its source, and files of the folder in "
            "source.path: nothing else on this machine or in the network."
        )
    if isinstance(error, _VALUES):
        return f"{said}\n  minor() and try_cast() keep one bad value from stopping the model."
    return said


def _what_there_is(connection: duckdb.DuckDBPyConnection, tables: frozenset[str]) -> str:
    rows = connection.execute(
        "select table_name, list(column_name order by column_index) from duckdb_columns() "
        "where database_name = 'staging' and schema_name = 'source' group by all order by all"
    ).fetchall()
    lines = []
    for table, columns in rows:
        if table.lower() in tables:
            shown = ", ".join(columns[:_COLUMNS_SHOWN])
            more = f" and {len(columns) - _COLUMNS_SHOWN} more" if columns[_COLUMNS_SHOWN:] else ""
            lines.append(f"\n  {table} has: {shown}{more}")
    return "".join(lines)
