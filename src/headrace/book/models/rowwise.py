"""Decides whether each row of a model follows from single rows of a source table.

For such a model, the rows that may be affected by changed rows of the table are those that the
model makes of the changed rows alone. That holds for selections, inner joins, and unions of them.
It does not hold for aggregates, windows, DISTINCT, LIMIT, subqueries in expressions, a table that
is joined with itself, and the optional side of an outer join.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection
from functools import cache, lru_cache

import duckdb

from headrace.book.queries.sql_tree import Tree, inside, parse, write

_PLAIN_JOINS = {"INNER", "LEFT"}
_PLAIN_KINDS = {"REGULAR", "CROSS"}


class _NotRowwise(Exception):
    """The model has something that is not allowed."""


@cache
def _aggregates() -> frozenset[str]:
    with duckdb.connect() as engine:
        rows = engine.execute(
            "select distinct function_name from duckdb_functions() "
            "where function_type = 'aggregate'"
        ).fetchall()
    return frozenset(str(name).lower() for (name,) in rows)


def is_rowwise(sql: str, tables: Collection[str]) -> bool:
    """Whether the rows of a SELECT follow from single rows of each of these tables."""
    found = _occurrences(sql)
    if found is None:
        return False
    counts, optional = found
    return all(counts.get(name, 0) <= 1 and name not in optional for name in tables)


def of_rows_of(sql: str, table: str) -> str:
    """Return a row by row SELECT without the parts of unions that do not read the table."""
    tree = parse(sql)
    for part in inside(tree):
        if part.get("type") == "SET_OPERATION_NODE":
            for child in part.get("children") or [part["left"], part["right"]]:
                if child["type"] == "SELECT_NODE" and not _reads(child, tree, table):
                    child["where_clause"] = _nothing()
    return write(tree)


def _reads(part: Tree, tree: Tree, table: str) -> bool:
    """Whether a part of a SELECT reads a table, itself or by a common table expression."""
    queries = {
        entry["key"].lower(): entry["value"]
        for node in inside(tree)
        for entry in (node.get("cte_map") or {}).get("map", ())
    }
    names = {
        node["table_name"].lower() for node in inside(part) if node.get("type") == "BASE_TABLE"
    }
    return table in names or any(
        _reads(queries[name], tree, table) for name in names & queries.keys()
    )


@cache
def _nothing() -> Tree:
    select: Tree = parse("select 1 where false")["statements"][0]["node"]
    clause: Tree = select["where_clause"]
    return clause


# Organisations of a project usually share their models.
@lru_cache(maxsize=1_000)
def _occurrences(sql: str) -> tuple[dict[str, int], frozenset[str]] | None:
    """Return how often a row of the result looks at each table, and the tables on the optional side
    of a join; None if the SELECT is not row by row at all."""
    statements = parse(sql).get("statements", ())
    if len(statements) != 1:
        return None
    optional: set[str] = set()
    try:
        counts = _of_query(statements[0]["node"], {}, optional)
    except (_NotRowwise, KeyError, TypeError):
        return None
    return dict(counts), frozenset(optional)


Counts = Counter[str]


def _of_query(node: Tree, named: dict[str, Counts], optional: set[str]) -> Counts:
    named = dict(named)
    for entry in (node.get("cte_map") or {}).get("map", ()):
        value = entry["value"]
        query = value.get("query_node") or value["query"]["node"]
        named[entry["key"].lower()] = _of_query(query, named, optional)
    if node.get("modifiers"):
        raise _NotRowwise
    if node["type"] == "SELECT_NODE":
        return _of_select(node, named, optional)
    if node["type"] == "SET_OPERATION_NODE" and node["setop_type"] == "UNION" and node["setop_all"]:
        counts: Counts = Counter()
        for child in node.get("children") or [node["left"], node["right"]]:
            counts |= _of_query(child, named, optional)  # the larger of both
        return counts
    raise _NotRowwise


def _of_select(node: Tree, named: dict[str, Counts], optional: set[str]) -> Counts:
    if any(node.get(part) for part in ("group_expressions", "having", "qualify", "sample")):
        raise _NotRowwise
    if node.get("aggregate_handling") != "STANDARD_HANDLING":
        raise _NotRowwise
    for part in inside([node["select_list"], node.get("where_clause")]):
        _refuse(part)
    return _of_from(node["from_table"], named, optional)


def _refuse(part: Tree) -> None:
    kind = part.get("class")
    if kind in ("WINDOW", "SUBQUERY"):
        raise _NotRowwise
    if kind == "FUNCTION" and part["function_name"].lower() in _aggregates():
        raise _NotRowwise
    if kind == "COLUMN_REF" and part["column_names"][-1].lower() == "rowid":
        raise _NotRowwise


def _of_from(source: Tree, named: dict[str, Counts], optional: set[str]) -> Counts:
    if source.get("sample"):
        raise _NotRowwise
    match source["type"]:
        case "EMPTY":
            return Counter()
        case "BASE_TABLE":
            name = source["table_name"].lower()
            if source.get("schema_name") or source.get("catalog_name"):
                raise _NotRowwise
            return Counter(named[name]) if name in named else Counter([name])
        case "SUBQUERY":
            return _of_query(source["subquery"]["node"], named, optional)
        case "JOIN" if source["join_type"] in _PLAIN_JOINS and source["ref_type"] in _PLAIN_KINDS:
            for part in inside(source.get("condition")):
                _refuse(part)
            left = _of_from(source["left"], named, optional)
            right = _of_from(source["right"], named, optional)
            if source["join_type"] == "LEFT":
                optional.update(right)
            return left + right
    raise _NotRowwise
