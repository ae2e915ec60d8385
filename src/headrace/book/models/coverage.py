"""Coverage: finds rows of the source's main tables that no model selects.

A join that matches nothing loses rows silently. Example: if a table of allocations spells the ids
differently, the model's result is empty, and every paid invoice would be sent as open.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

import duckdb
from msgspec import Struct

from headrace.book.models.models import Model
from headrace.book.queries.sql_tree import Tree, as_text, parse, selects
from headrace.model.entity import ENTITIES
from headrace.model.repeated import run

_COUNTED = (*(entity.plural for entity in ENTITIES), "allocations")


class Uncovered(Struct, frozen=True):
    """Rows of a source table that no model selects, although a model has it as its main table."""

    table: str
    rows: int
    missing: int
    models: list[str]


class _Part(Struct, frozen=True):
    """One SELECT over a main table; `condition` is the part of its WHERE that refers to that
    table alone."""

    model: str
    table: str
    alias: str
    condition: str


def note_lost_allocations(connection: duckdb.DuckDBPyConnection, models: Iterable[Model]) -> None:
    """Create `book.lost_allocations` (source, selected): where the model of allocations returns
    no rows, the rows of its main table that it selects nevertheless."""
    run(
        connection,
        "create or replace table memory.book.lost_allocations (source varchar, selected bigint)",
    )
    for model in models:
        if model.table.name != "allocations" or _count(
            connection, "select count(*) from (from memory.book.allocations limit 1)"
        ):
            continue
        for part in _parts(connection, model) or ():
            connection.execute(
                "insert into memory.book.lost_allocations values ($1, $2)",
                [part.table, _selected(connection, part)],
            )


def uncovered(connection: duckdb.DuckDBPyConnection, models: Iterable[Model]) -> list[Uncovered]:
    """Return the models' main tables with rows that none of them selects."""
    by_table: dict[str, list[_Part]] = defaultdict(list)
    for model in models:
        for part in _parts(connection, model) or ():
            by_table[part.table].append(part)
    found = []
    for table, parts in sorted(by_table.items()):
        if all(part.model == "allocations.sql" for part in parts):
            continue
        chosen = " and ".join(
            f'not exists (select 1 from (select one.*) as "{part.alias}" '
            f"where coalesce({part.condition}, false))"
            for part in parts
        )
        missing = _count(connection, f'select count(*) from "{table}" as one where {chosen}')
        if missing:
            rows = _count(connection, f'select count(*) from "{table}"')
            models_of = sorted({part.model for part in parts})
            found.append(Uncovered(table, rows, missing, models_of))
    return found


def _parts(connection: duckdb.DuckDBPyConnection, model: Model) -> list[_Part] | None:
    """Return the SELECTs of a model; None when one of them groups or does not start with a
    source table."""
    if model.table.name not in _COUNTED:
        return None
    tree = parse(model.sql)
    parts = []
    for select in selects(tree):
        if select.get("group_expressions") or select.get("qualify") or select.get("modifiers"):
            return None
        first = select["from_table"]
        while first.get("type") == "JOIN":
            if first.get("join_type") not in ("INNER", "LEFT"):
                return None
            first = first["left"]
        local = {entry["key"].lower() for entry in _expressions(tree)}
        table = str(first.get("table_name", "")).lower()
        if first.get("type") != "BASE_TABLE" or table in local:
            return None
        alias = first.get("alias") or first["table_name"]
        parts.append(_Part(model.origin, table, alias, _own(connection, select, table, alias)))
    return parts


def _expressions(tree: Tree) -> list[Tree]:
    return [
        entry
        for statement in tree.get("statements", ())
        for entry in (statement["node"].get("cte_map") or {}).get("map", ())
    ]


def _own(connection: duckdb.DuckDBPyConnection, select: Tree, table: str, alias: str) -> str:
    """Return the conditions of a SELECT that can be evaluated on the table alone."""
    where = select.get("where_clause")
    if not where:
        return "true"
    conditions = where["children"] if where.get("type") == "CONJUNCTION_AND" else [where]
    own = []
    for condition in conditions:
        text = as_text(condition)
        try:
            connection.execute(f'explain select 1 from "{table}" as "{alias}" where {text}')
        except duckdb.Error:
            continue
        own.append(f"({text})")
    return " and ".join(own) or "true"


def _selected(connection: duckdb.DuckDBPyConnection, part: _Part) -> int:
    return _count(
        connection, f'select count(*) from "{part.table}" as "{part.alias}" where {part.condition}'
    )


def _count(connection: duckdb.DuckDBPyConnection, sql: str) -> int:
    return int(connection.execute(sql).fetchall()[0][0])
