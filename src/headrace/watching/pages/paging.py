"""Long lists in pages."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from msgspec import Struct

from headrace.watching.pages.visit import Visit


class Part(Struct, frozen=True, kw_only=True):
    """One page of a list."""

    rows: Sequence[Any]
    total: int
    first: int
    """Place of the first row in the list, from 1."""
    number: int
    """Of the page, from 1."""
    last: int
    """Number of the last page."""

    @property
    def end(self) -> int:
        """Place of the last row."""
        return self.first + len(self.rows) - 1


class Span(Struct, frozen=True):
    """Which rows of a list a page shows."""

    total: int
    size: int
    number: int

    @property
    def offset(self) -> int:
        """Number of rows before the page."""
        return (self.number - 1) * self.size

    def part(self, rows: Sequence[Any]) -> Part:
        """Return the page with its rows."""
        return Part(
            rows=rows,
            total=self.total,
            first=self.offset + 1 if rows else 0,
            number=self.number,
            last=max(1, -(-self.total // self.size)),
        )


def span_of(visit: Visit, total: int, size: int) -> Span:
    """Return the rows of the page that the address names, or of the last page."""
    last = max(1, -(-total // size))
    return Span(total, size, min(visit.number("page"), last))


def part_of(visit: Visit, rows: Sequence[Any], size: int) -> Part:
    """Return the page that the address names of a list that is complete."""
    span = span_of(visit, len(rows), size)
    return span.part(rows[span.offset : span.offset + size])
