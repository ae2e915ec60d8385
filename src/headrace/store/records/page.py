"""Pages of a list, newest first, whose cost does not grow with the offset's distance."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Generic, TypeVar

from msgspec import Struct

from headrace.store.connection import Connection

T = TypeVar("T")


class Window(Struct, frozen=True):
    """Which part of a list is asked for; `limit` is clamped already."""

    offset: int
    limit: int


class Page(Struct, Generic[T]):
    """A part of a list, and how long the whole list is."""

    items: list[T]
    total: int


class Scan(Struct, frozen=True):
    """How to read a window: from the newest end or from the oldest, whichever is nearer."""

    newest_first: bool
    limit: int
    skip: int


def plan_scan(window: Window, total: int) -> Scan | None:
    """The cheaper way to the window; None when it lies behind the list's end."""
    count = min(window.limit, total - window.offset)
    if count <= 0:
        return None
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
    """Rows of the statements `<name>_newest` or `<name>_oldest`, newest first.

    Both take `owner`, a limit and an offset; they order by the row's number, down and up.
    """
    scan = plan_scan(window, total)
    if scan is None:
        return Page([], total)
    query = statements[f"{name}_{'newest' if scan.newest_first else 'oldest'}"]
    rows = db.execute(query, (*owner, scan.limit, scan.skip)).fetchall()
    return Page(rows if scan.newest_first else rows[::-1], total)
