"""Analyses a model's SELECT by the syntax tree that DuckDB parses it into."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from typing import Any

import duckdb
from msgspec import Struct

Tree = dict[str, Any]

_OWN_SCHEMAS = frozenset(
    {"source", "book", "plan", "main", "memory", "staging", "information_schema", "pg_catalog"}
)
"""Schemas and databases of the engine itself; any other is one of the source."""
_NAME = rb'(?:"(?:[^"]|"")*"|[^\s".(),;]+)'
_DOTTED = re.compile(_NAME + rb"\s*\.\s*" + _NAME)


class Reading(Struct, frozen=True):
    """A SELECT, and the source's tables that it reads, in lower case."""

    sql: str
    tables: frozenset[str]


_local = threading.local()
"""The engine that this thread parses with; organisations never share one."""


@contextmanager
def parsing_with(connection: duckdb.DuckDBPyConnection) -> Iterator[None]:
    """Parse with this connection's engine, in this thread, for the length of a `with`.

    Elsewhere each thread creates an engine of its own, which takes longer than parsing most texts.
    """
    before = getattr(_local, "cursor", None)
    # A separate cursor, so that results of other queries on the connection are kept.
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


# Organisations of a project usually share their models, and each round loads them again.
@lru_cache(maxsize=500)
def only_select(text: str) -> str | None:
    """Return the text's only statement, a SELECT, without its semicolon; None when it has others.

    Raises duckdb.Error when it is not SQL.
    """
    found = _engine().extract_statements(text)
    if len(found) != 1 or found[0].type != duckdb.StatementType.SELECT:
        return None
    return str(found[0].query.strip().rstrip(";"))


def parse(sql: str) -> Tree:
    """Return the statement's tree. Raises duckdb.Error when it is not a SELECT."""
    tree: Tree = json.loads(_ask("select json_serialize_sql($1)", sql))
    return tree


def _ask(question: str, text: str) -> str:
    row = _engine().execute(question, [text]).fetchone()
    assert row is not None
    return str(row[0])


def write(tree: Tree) -> str:
    """Return the SQL of a tree, which may have been changed."""
    return _ask("select json_deserialize_sql($1)", json.dumps(tree))


@lru_cache(maxsize=500)
def read_select(sql: str) -> Reading:
    """Return the tables of a SELECT, and the text to run.

    A common table expression may have the name of the table it reads, as in `with bills as (select
    * from bills)`. DuckDB rejects that as circular, so the table is written as `source.bills`. A
    table of another source or schema, `bank.payments`, is staged under that name and written as
    one quoted name. All other text stays as it is, because messages quote it.
    """
    tree = parse(sql)
    named: set[str] = set()
    rewritten: list[Tree] = []
    for statement in tree.get("statements", ()):
        _walk(statement["node"], frozenset(), frozenset(), named, rewritten)
    return Reading(_qualified(sql, rewritten), frozenset(named))


def _qualified(sql: str, tables: list[Tree]) -> str:
    """Return the text with `source.` before circular tables, and `bank.payments` in quotes; line
    numbers of errors stay correct."""
    text = sql.encode()
    for table in sorted(tables, key=lambda table: table["query_location"], reverse=True):
        place = table["query_location"]
        before, behind = text[:place], text[place:]
        if not table.get("schema_name"):
            text = before + b"source." + behind
        elif found := _DOTTED.match(behind):
            name = table["table_name"].replace('"', '""')
            whole = f'"{table["schema_name"]}.{table["table_name"]}"'.lower()
            # Its columns may be named payments.id, as everywhere.
            alias = "" if table["alias"] else f' as "{name}"'
            text = before + (whole + alias).encode() + behind[found.end() :]
    return text.decode()


def _walk(
    node: Any,
    local: frozenset[str],
    defining: frozenset[str],
    named: set[str],
    rewritten: list[Tree],
) -> None:
    """Visit the tree; `local` are the visible common table expressions, `defining` those being
    defined."""
    if isinstance(node, list):
        for item in node:
            _walk(item, local, defining, named, rewritten)
        return
    if not isinstance(node, dict):
        return
    if node.get("type") == "BASE_TABLE":
        name, schema = node["table_name"].lower(), node.get("schema_name", "").lower()
        if schema and not node.get("catalog_name") and schema not in _OWN_SCHEMAS:
            named.add(f"{schema}.{name}")
            rewritten.append(node)
        elif schema:
            named.add(name)
        elif name not in local:
            named.add(name)
            if name in defining:
                rewritten.append(node)
        return
    entries = (node.get("cte_map") or {}).get("map", ())
    for entry in entries:
        name, value = entry["key"].lower(), entry["value"]
        recursive = _is_recursive(value)
        inner = local | {name} if recursive else local
        _walk(value, inner, defining if recursive else defining | {name}, named, rewritten)
        local = local | {name}
    for key, item in node.items():
        if key != "cte_map":
            _walk(item, local, defining, named, rewritten)


def _is_recursive(value: Tree) -> bool:
    query = value.get("query_node") or (value.get("query") or {}).get("node") or {}
    return str(query.get("type", "")).startswith("RECURSIVE")


def selects(tree: Tree) -> Iterator[Tree]:
    """Return the SELECTs that make up the result: one, or those of a UNION."""
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
    """Return the index of the item with that name in a SELECT's list; None when there is none,
    or a star may include it."""
    for place, item in enumerate(select["select_list"]):
        own = item.get("alias") or (
            item["column_names"][-1] if item.get("class") == "COLUMN_REF" else ""
        )
        if own.lower() == name:
            return place
    return None


def inside(node: Any) -> Iterator[Tree]:
    """Return every part of an expression, outer ones first."""
    waiting = [node]
    while waiting:
        part = waiting.pop()
        if isinstance(part, dict):
            yield part
            waiting.extend(reversed(part.values()))
        elif isinstance(part, list):
            waiting.extend(reversed(part))


def as_text(expression: Tree) -> str:
    """Return an expression as SQL."""
    select = parse("select 1")
    select["statements"][0]["node"]["select_list"] = [expression | {"alias": ""}]
    return write(select).removeprefix("SELECT ")
