"""Shared views: SELECTs in `models/shared/` that models read by the names of their files.

They become common table expressions of each model that reads them. Each is written on one line, so
that line numbers in messages about the model stay correct.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import lru_cache
from pathlib import Path

import duckdb

from headrace.book.queries.sql_errors import explain_sql
from headrace.book.queries.sql_tree import only_select, parse, read_select, write
from headrace.model.errors import ModelError

FOLDER = "shared"
_START = re.compile(r"(?:\s+|--[^\n]*\n|/\*.*?\*/)*", re.DOTALL)
_WITH = re.compile(r"with\s+(?:recursive\s+)?", re.IGNORECASE)


def load_shared(folders: Sequence[Path]) -> dict[str, str]:
    """Return the shared views of model folders, as SQL of one line by lower-case name; those of
    later folders take precedence. Raises ModelError that names the file."""
    found: dict[str, str] = {}
    for folder in folders:
        for path in sorted((folder / FOLDER).glob("*.sql")):
            found[path.stem.lower()] = _read(path)
    return found


def _read(path: Path) -> str:
    shown = f"{FOLDER}/{path.name}"
    try:
        text = path.read_text(encoding="utf-8-sig")
        sql = only_select(text)
    except (OSError, UnicodeDecodeError) as error:
        raise ModelError(f"{shown} can't be read: {error}.") from None
    except duckdb.Error as error:
        raise ModelError(f"{explain_sql(error, shown, 1)}") from None
    if sql is None:
        raise ModelError(f"{shown} must be one SELECT statement and nothing else.")
    return _one_line(sql)


@lru_cache(maxsize=500)
def _one_line(sql: str) -> str:
    # What it reads is resolved here: its own name means the source's table.
    return " ".join(write(parse(read_select(sql).sql)).split("\n"))


def with_shared(sql: str, shared: Mapping[str, str]) -> str:
    """Return a model's SELECT with the shared views that it reads, also through others.

    Raises ModelError for views that read each other in a circle.
    """
    needed: dict[str, str] = {}
    _need(sql, shared, needed, ())
    if needed:
        own_names = _own_names(sql)
        needed = {name: text for name, text in needed.items() if name not in own_names}
    if not needed:
        return sql
    views = ", ".join(f'"{name}" as ({text})' for name, text in needed.items())
    start = _START.match(sql)
    place = start.end() if start else 0
    if own := _WITH.match(sql, place):
        return f"{sql[: own.end()]}{views}, {sql[own.end() :]}"
    return f"{sql[:place]}with {views} {sql[place:]}"


def _need(
    sql: str, shared: Mapping[str, str], needed: dict[str, str], path: tuple[str, ...]
) -> None:
    for name in sorted(read_select(sql).tables & shared.keys()):
        if path[-1:] == (name,) or name in needed:
            continue
        if name in path:
            circle = ", ".join((*path[path.index(name) :], name))
            raise ModelError(f"Shared views read each other in a circle: {circle}.")
        _need(shared[name], shared, needed, (*path, name))
        needed[name] = shared[name]


@lru_cache(maxsize=500)
def _own_names(sql: str) -> frozenset[str]:
    """Return the common table expressions of the outermost SELECT."""
    found: set[str] = set()
    for statement in parse(sql).get("statements", ()):
        entries = (statement["node"].get("cte_map") or {}).get("map", ())
        found |= {entry["key"].lower() for entry in entries}
    return frozenset(found)
