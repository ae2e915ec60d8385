"""Tables whose columns the source can't state, because they have no records yet.

An empty export is `[]` or an empty file. Its table is replaced by a view without rows that has the
columns the models refer to, of a type that fits everything, so that the models run and find
nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from typing import Any

import duckdb
from msgspec import Struct

from headrace.book.models.models import Model
from headrace.book.queries.sql_tree import Tree, parse
from headrace.model.repeated import run

NO_COLUMNS = "headrace_no_columns"
"""The single column of such a table as the source stages it."""


def give_columns(connection: duckdb.DuckDBPyConnection, models: Iterable[Model]) -> None:
    """Replace staged tables without columns by views with the columns that the models refer to."""
    columns: dict[str, set[str]] = {}
    for table, column in run(
        connection,
        "select lower(table_name), lower(column_name) from duckdb_columns() "
        "where database_name = 'staging' and schema_name = 'source'",
    ).fetchall():
        columns.setdefault(table, set()).add(column)
    for table in sorted(name for name, own in columns.items() if own == {NO_COLUMNS}):
        named: set[str] = set()
        for model in models:
            if table in model.reads:
                named |= _named(model.sql, table, columns)
            if model.origin == f"table {table}":  # used as it is
                named |= {column.name for column in model.table.columns}
        listed = ", ".join(f'null as "{name}"' for name in sorted(named or {NO_COLUMNS}))
        connection.execute(
            f'drop table staging.source."{table}"; '
            f'create view staging.source."{table}" as select {listed} where false'
        )


def drop_views(connection: duckdb.DuckDBPyConnection) -> None:
    """Drop the views, because the source stages tables."""
    for table in views(connection):
        connection.execute(f'drop view staging.source."{table}"')


def views(connection: duckdb.DuckDBPyConnection) -> list[str]:
    """Return the staged tables that are such views."""
    rows = run(
        connection,
        "select view_name from duckdb_views() "
        "where database_name = 'staging' and schema_name = 'source'",
    ).fetchall()
    return [str(row[0]) for row in rows]


class _Select(Struct, frozen=True):
    """What one SELECT of a model refers to, in lower case."""

    beside: tuple[tuple[str, str], ...]
    """(table, alias) of what it reads."""
    referred: frozenset[tuple[str, str]]
    """(table or alias, column); the first is empty when it is not written."""


def _named(sql: str, table: str, columns: Mapping[str, set[str]]) -> set[str]:
    """Return the columns that the SELECTs may expect of the table: those qualified by its name
    or alias, and unqualified ones that no other table in the same FROM has."""
    found = set()
    for select in _selects(sql):
        aliases = {alias for name, alias in select.beside if name == table}
        if not aliases:
            continue
        elsewhere: set[str] = set().union(
            *(columns.get(name, set()) for name, _ in select.beside if name != table)
        )
        for owner, column in select.referred:
            if owner in aliases if owner else column not in elsewhere:
                found.add(column)
    return found


# A model is asked about each of its empty tables, of each organisation, in each round.
@lru_cache(maxsize=500)
def _selects(sql: str) -> tuple[_Select, ...]:
    found: list[_Select] = []
    _collect(parse(sql), found, set())
    return tuple(found)


def _collect(node: Any, found: list[_Select], referred: set[tuple[str, str]]) -> None:
    """Add the SELECTs in a part of a tree, and the columns that it refers to, also in SELECTs
    inside it."""
    if isinstance(node, list):
        for item in node:
            _collect(item, found, referred)
    elif isinstance(node, dict):
        inner = set() if node.get("type") == "SELECT_NODE" else referred
        if node.get("class") == "COLUMN_REF":
            *owner, column = (name.lower() for name in node["column_names"])
            inner.add((owner[-1] if owner else "", column))
        for item in node.values():
            _collect(item, found, inner)
        if inner is not referred:
            found.append(_Select(tuple(_beside(node["from_table"])), frozenset(inner)))
            referred |= inner


def _beside(source: Tree) -> Iterator[tuple[str, str]]:
    """Return (table, alias) of what a FROM reads directly, without subqueries; in lower case."""
    if source.get("type") == "BASE_TABLE":
        name = source["table_name"].lower()
        yield name, source["alias"].lower() or name
    elif source.get("type") == "JOIN":
        yield from _beside(source["left"])
        yield from _beside(source["right"])
