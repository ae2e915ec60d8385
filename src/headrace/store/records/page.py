"""Pages of a list, newest first, whose cost does not grow with the offset's distance."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Generic, TypeVar

from msgspec import Struct

from headrace.store.connection import Connection

T = TypeVar("T")


class Window(Struct, frozen=True):
    """The part of a list that is requested; `limit` is already clamped."""

    offset: int
    limit: int


class Order(Struct, frozen=True):
    """An order other than that of creation; rows that are equal go by creation."""

    column: str
    descending: bool


class Page(Struct, Generic[T]):
    """A part of a list, and the length of the whole list."""

    items: list[T]
    total: int


class Scan(Struct, frozen=True):
    """How to read a window: from the newest end or from the oldest, whichever is nearer."""

    newest_first: bool
    limit: int
    skip: int


def plan_scan(window: Window, total: int) -> Scan | None:
    """Return the cheaper scan for the window; None when it lies behind the end of the list."""
    count = min(window.limit, total - window.offset)
    if count <= 0:
        return None
    # A database reads and discards the rows that OFFSET skips, so a large offset is slow. Scanning
    # from the nearer end halves the worst case and makes the last page as cheap as the first.
    # Example: of 10,000 rows, offset 9,900 with limit 100 is read oldest first with nothing
    # skipped, and then reversed. This needs the total beforehand; counting would read the whole
    # list, therefore totals are maintained by every write (see `counters`).
    behind = total - window.offset - count
    if behind < window.offset:
        return Scan(False, count, behind)
    return Scan(True, count, window.offset)


def page_of_rows(
    db: Connection,
    statements: Mapping[str, str],
    name: str,
    owner: tuple[Any, ...],
    window: Window,
    total: int,
) -> Page[Any]:
    """Return a page through the statement `<name>_newest` or `<name>_oldest`; rows are newest
    first.

    Both statements take `owner`, a limit and an offset, and order by the row's number, descending
    and ascending.
    """
    scan = plan_scan(window, total)
    if scan is None:
        return Page([], total)
    query = statements[f"{name}_{'newest' if scan.newest_first else 'oldest'}"]
    rows = db.execute(query, (*owner, scan.limit, scan.skip)).fetchall()
    return Page(rows if scan.newest_first else rows[::-1], total)
