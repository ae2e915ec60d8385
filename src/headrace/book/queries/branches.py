"""Leaves out of a query what reads only tables that no model makes.

DuckDB needs as long to prepare a query over empty tables as over full ones, and most organisations
have half of the tables. So a query names the branches of a union that it can do without:
`union all /* with: refunds, adjustments */` begins one that has rows only if one of these tables
has. A branch ends before a line that is empty or indented less, and before the next `union all` at
its own depth; a semicolon at its end is that of the whole query.
"""

from __future__ import annotations

import re
from collections.abc import Collection

_BEGINS = re.compile(r"( *)union all(?: by name)? /\* with: ([a-z_, ]+) \*/$")
_UNION = re.compile(r" *union all\b")


def without_absent(sql: str, present: Collection[str]) -> str:
    """Return the query without the branches of tables of which none is in `present`."""
    kept: list[str] = []
    inside: int | None = None
    """Indentation of the branch that is left out."""
    for line in sql.split("\n"):
        indent = len(line) - len(line.lstrip(" "))
        if inside is not None and _goes_on(line, indent, inside):
            if line.endswith(";"):
                kept[-1] += ";"
                inside = None
            continue
        begins = _BEGINS.match(line)
        absent = begins is not None and set(begins[2].split(", ")).isdisjoint(present)
        inside = indent if absent else None
        if not absent:
            kept.append(line)
    return "\n".join(kept)


def _goes_on(line: str, indent: int, inside: int) -> bool:
    """Whether the line belongs to the branch whose first is indented by `inside`."""
    if not line or indent < inside:
        return False
    return indent > inside or not _UNION.match(line)
