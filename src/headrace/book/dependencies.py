"""Which tables of the book a query depends on, so that what did not move is not computed again."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from functools import lru_cache
from importlib import resources

_VIEWS = resources.files("headrace.book").joinpath("views.sql").read_text(encoding="utf-8")
_NAMED = re.compile(r"\bbook\.([a-z_]+)")
_VIEW = re.compile(r"create or replace view book\.([a-z_]+) as(.*?);\n", re.DOTALL)


def _named(sql: str) -> frozenset[str]:
    return frozenset(_NAMED.findall(sql))


_READ_BY_VIEW = {name: _named(text) for name, text in _VIEW.findall(f"{_VIEWS}\n")} | {
    "marked_invoices": frozenset({"invoices"})
}


@lru_cache(maxsize=1_000)
def tables_of(sql: str) -> frozenset[str]:
    """Return the tables of the schema `book` that a statement names, views replaced by theirs."""
    return closure(_named(sql))


def closure(names: Iterable[str]) -> frozenset[str]:
    """Return the tables behind these tables and views."""
    found: set[str] = set()
    waiting = list(names)
    while waiting:
        name = waiting.pop()
        if name in _READ_BY_VIEW:
            waiting += _READ_BY_VIEW[name]
        else:
            found.add(name)
    return frozenset(found)


def depends(sql: str, moved: Collection[str] | None) -> bool:
    """Whether a statement reads a table that moved; None for a book that was made anew."""
    return moved is None or not tables_of(sql).isdisjoint(moved)
