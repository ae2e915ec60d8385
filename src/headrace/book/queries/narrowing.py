"""Narrows a query to the records that moved.

DuckDB does not bring a condition into all parts of a query, so a query says itself where one may
stand: `/* narrowed: external_id */` behind a condition becomes a second one, on that column.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

_PLACE = re.compile(r"/\* narrowed: (\w+) \*/")


def listed(ids: Iterable[str]) -> str:
    """Return ids as SQL, for `in (...)` over an expression."""
    return ", ".join("'" + one.replace("'", "''") + "'" for one in sorted(ids)) or "null"


def selected(ids: Iterable[str]) -> str:
    """Return ids as a query of SQL, for `in (...)` over a column: DuckDB looks for those of a query
    while it scans, ten times as fast as for those of a list."""
    return f"select unnest([{listed(ids)}]::varchar[])"


def narrowed(sql: str, wanted: str) -> str:
    """Return a query that looks only at rows whose named columns are in `wanted`, a query of
    SQL."""
    return _PLACE.sub(lambda place: f"and {place[1]} in ({wanted})", sql)
