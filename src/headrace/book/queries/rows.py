"""Loads rows from Python into DuckDB, column by column, in one call."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import duckdb

from headrace.model.repeated import run

KEY_COLUMNS = ("entity varchar", "external_id varchar")


def make_table(
    connection: duckdb.DuckDBPyConnection,
    table: str,
    columns: Sequence[str],
    rows: Iterable[Sequence[Any]],
) -> None:
    """Create `table`, also `temp table …`, from rows; `columns` are names with their types."""
    values, parts = _columns(columns, rows)
    if values[0]:
        run(connection, f"create or replace {table} as select {parts}", values)
    else:
        run(connection, f"create or replace {table} ({', '.join(columns)})")


def make_empty(connection: duckdb.DuckDBPyConnection, tables: Mapping[str, Sequence[str]]) -> None:
    """Create or replace tables without rows, by their names with the schema and their columns.

    DuckDB needs as long to prepare a query for no rows as for a thousand. Where it is known that a
    table stays empty, this costs a tenth of its query.
    """
    if not tables:
        return
    run(
        connection,
        "; ".join(
            f"create or replace table {name} ({', '.join(columns)})"
            for name, columns in tables.items()
        ),
    )


def add_rows(
    connection: duckdb.DuckDBPyConnection,
    table: str,
    columns: Sequence[str],
    rows: Iterable[Sequence[Any]],
    unless: str = "",
) -> None:
    """Append rows to a table; `unless` is SQL appended to the statement, such as an anti join."""
    values, parts = _columns(columns, rows)
    run(connection, f"insert into {table} from (select {parts}) as new {unless}", values)


def _columns(columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> tuple[list[Any], str]:
    values = [list(column) for column in zip(*rows, strict=True)] or [[] for _ in columns]
    named = (column.split(" ") for column in columns)
    parts = (f"unnest(${n + 1}::{kind}[]) as {name}" for n, (name, kind) in enumerate(named))
    return values, ", ".join(parts)
