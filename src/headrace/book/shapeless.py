"""Tables of which the source can't say what columns they have, for there is not one record yet.

An export of nothing is `[]` or an empty file. Its table then has the columns that the models name,
all text and without rows, so that they run and find nothing.
"""

from __future__ import annotations

from collections.abc import Iterable

import duckdb

from headrace.book.models import Model
from headrace.book.sql_tree import Tree, inside, parse

NO_COLUMNS = "headrace_no_columns"
"""The one column of such a table as the source stages it."""


def give_columns(connection: duckdb.DuckDBPyConnection, models: Iterable[Model]) -> None:
    """Makes the staged tables without columns anew, with those that the models name."""
    columns: dict[str, set[str]] = {}
    for table, column in connection.execute(
        "select lower(table_name), lower(column_name) from duckdb_columns() "
        "where database_name = 'staging' and schema_name = 'source'"
    ).fetchall():
        columns.setdefault(table, set()).add(column)
    given = connection.execute(
        "select lower(table_name) from duckdb_tables() where database_name = 'staging' "
        "and schema_name = 'source' and comment = $1",
        [NO_COLUMNS],
    ).fetchall()
    shapeless = {name for name, own in columns.items() if own == {NO_COLUMNS}}
    for table in sorted(shapeless | {str(row[0]) for row in given}):
        named: set[str] = set()
        for model in models:
            if table in model.reads:
                others = (columns.get(other, ()) for other in model.reads - {table})
                elsewhere = set().union(*others)
                named |= _named(parse(model.sql), table) - elsewhere
            if model.origin == f"table {table}":  # taken as it stands
                named |= {column.name for column in model.table.columns}
        listed = ", ".join(f'"{name}" varchar' for name in sorted(named)) or f"{NO_COLUMNS} varchar"
        connection.execute(
            f'create or replace table staging.source."{table}" ({listed}); '
            # So that it is known again when the models name others.
            f"comment on table staging.source.\"{table}\" is '{NO_COLUMNS}'"
        )


def _named(tree: Tree, table: str) -> set[str]:
    """The columns that may be the table's: under its name or alias, or under none."""
    aliases = {""}
    for part in inside(tree):
        if part.get("type") == "BASE_TABLE" and part["table_name"].lower() == table:
            aliases.add((part["alias"] or table).lower())
    found = set()
    for part in inside(tree):
        if part.get("class") == "COLUMN_REF":
            *owner, column = part["column_names"]
            if (owner[-1].lower() if owner else "") in aliases:
                found.add(column.lower())
    return found
