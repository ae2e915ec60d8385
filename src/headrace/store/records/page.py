"""Pages of a list, newest first, whose cost does not grow with the offset's distance, and whose
size is bounded in rows and in bytes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Generic, TypeVar

from msgspec import Struct

from headrace.model.errors import BadRequest
from headrace.store.connection import Connection
from headrace.store.records.references import Address

T = TypeVar("T")

PAGE_BYTES = 32 << 20
"""Most that the stored texts of a page may have, if it has several rows; counted in characters.

Without this bound, 500 rows of 10 MB would need 5 GB, for every client that asks at once.
"""
LARGE_BYTES = PAGE_BYTES // 1000
"""Size of a row from which a page of the largest allowed number of rows might be too large."""


class Window(Struct, frozen=True):
    """The part of a list that is requested; `limit` is already clamped."""

    offset: int
    limit: int


class Order(Struct, frozen=True):
    """An order other than that of creation; rows that are equal go by creation."""

    column: str
    descending: bool


class Days(Struct, frozen=True):
    """The days from the first to the last, as ISO dates; by default all."""

    first: str = "0000-00-00"
    last: str = "9999-99-99"

    def contain(self, moment: str) -> bool:
        """Whether a moment's date, as it is written, is one of the days."""
        return self.first <= moment[:10] <= self.last


class Selection(Struct, frozen=True):
    """Which documents a list has, and in which order; by default all, newest first."""

    customer: Address | None = None
    order: Order | None = None
    days: Days | None = None


class Length(Struct, frozen=True):
    """How many rows a list has, and whether any of them may be large."""

    total: int
    large: bool = False


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
    length: Length,
) -> Page[Any]:
    """Return a page through the statement `<name>_newest` or `<name>_oldest`; rows are newest
    first.

    Both statements take `owner`, a limit and an offset, and order by the row's number, descending
    and ascending. Raises BadRequest as `refuse_large` does, if there is a statement `sizes`.
    """
    scan = plan_scan(window, length.total)
    if scan is None:
        return Page([], length.total)
    query = statements[f"{name}_{'newest' if scan.newest_first else 'oldest'}"]
    if length.large and "sizes" in statements:
        sizes = read_sizes(db, statements, query, (*owner, scan.limit, scan.skip))
        refuse_large(sizes if scan.newest_first else sizes[::-1])
    rows = db.execute(query, (*owner, scan.limit, scan.skip)).fetchall()
    return Page(rows if scan.newest_first else rows[::-1], length.total)


def read_sizes(
    db: Connection, statements: Mapping[str, str], query: str, parameters: tuple[Any, ...]
) -> list[int]:
    """Return the sizes of the rows of a query, which begins with the block `columns`, by the block
    `sizes`, which selects them from the same tables."""
    sized = statements["sizes"] + query.removeprefix(statements["columns"])
    return [size for (size,) in db.execute(sized, parameters)]


def refuse_large(sizes: Iterable[int]) -> None:
    """Raise BadRequest with the limit that is possible here, if rows of these sizes exceed
    `PAGE_BYTES`; takes no more sizes than are needed to know.

    A page that ended earlier instead would lose records: clients take a short page for the last.
    """
    taken = 0
    for fitting, size in enumerate(sizes):
        taken += size
        if fitting and taken > PAGE_BYTES:
            problem = f"must be at most {fitting} here, since the records are very large"
            raise BadRequest(f"limit {problem}.", (("limit", problem),))
