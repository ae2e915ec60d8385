"""What a model's SELECT says, read off the tree that the engine parses it into."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import duckdb
from msgspec import Struct

Tree = dict[str, Any]


class Reading(Struct, frozen=True):
    """A SELECT, and the source's tables that it names, lower case."""

    sql: str
    tables: frozenset[str]


_local = threading.local()
"""The engine that this thread parses with: two organisations never share one."""


@contextmanager
def parsing_with(connection: duckdb.DuckDBPyConnection) -> Iterator[None]:
    """Texts are parsed by this connection's own engine, in this thread, for the length of a `with`.

    Elsewhere each thread has an engine of its own, which takes longer to make than most texts to
    parse.
    """
    before = getattr(_local, "cursor", None)
    # A cursor of its own: what the connection is asked meanwhile keeps its result.
    _local.cursor = connection.cursor()
    try:
        yield
    finally:
        _local.cursor.close()
        _local.cursor = before


def _engine() -> duckdb.DuckDBPyConnection:
    cursor: duckdb.DuckDBPyConnection | None = getattr(_local, "cursor", None)
    if cursor is not None:
        return cursor
    own: duckdb.DuckDBPyConnection | None = getattr(_local, "own", None)
    if own is None:
        own = _local.own = duckdb.connect()
    return own


def statements(text: str) -> list[duckdb.Statement]:
    """The statements of a text. duckdb.Error when it is not SQL."""
    return list(_engine().extract_statements(text))


def parse(sql: str) -> Tree:
    """The statement's tree. duckdb.Error when it is no SELECT."""
    tree: Tree = json.loads(_ask("select json_serialize_sql($1)", sql))
    return tree


def _ask(question: str, text: str) -> str:
    row = _engine().execute(question, [text]).fetchone()
    assert row is not None
    return str(row[0])


def write(tree: Tree) -> str:
    """SQL of a tree, perhaps one that was changed."""
    return _ask("select json_deserialize_sql($1)", json.dumps(tree))


def read_select(sql: str) -> Reading:
    """The tables of a SELECT, and how it must be written to run.

    A common table expression may have the name of the table that it reads, as in `with bills as
    (select * from bills)`: the engine takes that for a circle, so the table is written as
    `source.bills`. Any other text stays as it is, for messages show it.
    """
    tree = parse(sql)
    named: set[str] = set()
    circular: list[Tree] = []
    for statement in tree.get("statements", ()):
        _walk(statement["node"], frozenset(), frozenset(), named, circular)
    return Reading(_qualified(sql, circular), frozenset(named))


def _qualified(sql: str, tables: list[Tree]) -> str:
    """The text with `source.` before the tables, so that errors still point to its lines."""
    text = sql.encode()
    for place in sorted((table["query_location"] for table in tables), reverse=True):
        text = text[:place] + b"source." + text[place:]
    return text.decode()


def _walk(
    node: Any,
    local: frozenset[str],
    defining: frozenset[str],
    named: set[str],
    circular: list[Tree],
) -> None:
    """`local` are the common table expressions in sight, `defining` those that this is part of."""
    if isinstance(node, list):
        for item in node:
            _walk(item, local, defining, named, circular)
        return
    if not isinstance(node, dict):
        return
    if node.get("type") == "BASE_TABLE":
        name = node["table_name"].lower()
        if node.get("schema_name"):
            named.add(name)
        elif name not in local:
            named.add(name)
            if name in defining:
                circular.append(node)
        return
    entries = (node.get("cte_map") or {}).get("map", ())
    for entry in entries:
        name, value = entry["key"].lower(), entry["value"]
        recursive = _is_recursive(value)
        inner = local | {name} if recursive else local
        _walk(value, inner, defining if recursive else defining | {name}, named, circular)
        local = local | {name}
    for key, item in node.items():
        if key != "cte_map":
            _walk(item, local, defining, named, circular)


def _is_recursive(value: Tree) -> bool:
    query = value.get("query_node") or (value.get("query") or {}).get("node") or {}
    return str(query.get("type", "")).startswith("RECURSIVE")


def selects(tree: Tree) -> Iterator[Tree]:
    """The SELECTs that make up the result, one, or those of a UNION."""
    for statement in tree.get("statements", ()):
        yield from _selects(statement["node"])


def _selects(node: Tree) -> Iterator[Tree]:
    if node.get("type") == "SELECT_NODE":
        yield node
    elif node.get("type") == "SET_OPERATION_NODE":
        for child in node.get("children") or [node.get("left"), node.get("right")]:
            if child:
                yield from _selects(child)


def item_place(select: Tree, name: str) -> int | None:
    """Which item of a SELECT's list has that name; None when none has, or a star may have it."""
    for place, item in enumerate(select["select_list"]):
        own = item.get("alias") or (
            item["column_names"][-1] if item.get("class") == "COLUMN_REF" else ""
        )
        if own.lower() == name:
            return place
    return None


def inside(node: Any) -> Iterator[Tree]:
    """Every part of an expression, outer ones first."""
    if isinstance(node, list):
        for item in node:
            yield from inside(item)
    elif isinstance(node, dict):
        yield node
        for item in node.values():
            yield from inside(item)


def as_text(expression: Tree) -> str:
    """An expression as SQL."""
    select = parse("select 1")
    select["statements"][0]["node"]["select_list"] = [expression | {"alias": ""}]
    return write(select).removeprefix("SELECT ")
