"""Tables of which the source can't say what columns they have, for there is not one record yet.

An export of nothing is `[]` or an empty file. Its table then becomes a view without rows that has
the columns which the models name, of the type that fits everything, so that they run and find
nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

import duckdb

from headrace.book.models import Model
from headrace.book.sql_tree import Tree, inside, parse

NO_COLUMNS = "headrace_no_columns"
"""The one column of such a table as the source stages it."""


def give_columns(connection: duckdb.DuckDBPyConnection, models: Iterable[Model]) -> None:
    """Makes views of the staged tables without columns, with those that the models name."""
    columns: dict[str, set[str]] = {}
    for table, column in connection.execute(
        "select lower(table_name), lower(column_name) from duckdb_columns() "
        "where database_name = 'staging' and schema_name = 'source'"
    ).fetchall():
        columns.setdefault(table, set()).add(column)
    for table in sorted(name for name, own in columns.items() if own == {NO_COLUMNS}):
        named: set[str] = set()
        for model in models:
            if table in model.reads:
                named |= _named(parse(model.sql), table, columns)
            if model.origin == f"table {table}":  # taken as it stands
                named |= {column.name for column in model.table.columns}
        listed = ", ".join(f'null as "{name}"' for name in sorted(named or {NO_COLUMNS}))
        connection.execute(
            f'drop table staging.source."{table}"; '
            f'create view staging.source."{table}" as select {listed} where false'
        )


def drop_views(connection: duckdb.DuckDBPyConnection) -> None:
    """Takes the views away, for the source stages tables."""
    for table in views(connection):
        connection.execute(f'drop view staging.source."{table}"')


def views(connection: duckdb.DuckDBPyConnection) -> list[str]:
    """The staged tables that are such views."""
    rows = connection.execute(
        "select view_name from duckdb_views() "
        "where database_name = 'staging' and schema_name = 'source'"
    ).fetchall()
    return [str(row[0]) for row in rows]


def _named(tree: Tree, table: str, columns: Mapping[str, set[str]]) -> set[str]:
    """The columns that the SELECTs which read the table may want of it: those under its name or
    alias, and those under none that no other table beside it has."""
    found = set()
    for select in inside(tree):
        if select.get("type") != "SELECT_NODE":
            continue
        beside = list(_beside(select["from_table"]))
        aliases = {alias for name, alias in beside if name == table}
        if not aliases:
            continue
        elsewhere: set[str] = set().union(
            *(columns.get(name, set()) for name, _ in beside if name != table)
        )
        for part in inside(select):
            if part.get("class") == "COLUMN_REF":
                *owner, column = (name.lower() for name in part["column_names"])
                if owner[-1] in aliases if owner else column not in elsewhere:
                    found.add(column)
    return found


def _beside(source: Tree) -> Iterator[tuple[str, str]]:
    """(table, alias) of what a FROM reads itself, subqueries left out; lower case."""
    if source.get("type") == "BASE_TABLE":
        name = source["table_name"].lower()
        yield name, source["alias"].lower() or name
    elif source.get("type") == "JOIN":
        yield from _beside(source["left"])
        yield from _beside(source["right"])
