"""Everything of an organisation that has a name: by id, number, or a part of a customer's name."""

from __future__ import annotations

from typing import Any

from starlette.responses import Response

from headrace.console.records.kinds import CUSTOMERS, KINDS, Kind, row_of
from headrace.console.records.lists import customer_cells
from headrace.console.records.wanted import TEXT_MAX
from headrace.console.session import Pages, Seat
from headrace.store.connection import Connection
from headrace.store.context import Context
from headrace.store.records.record_search import (
    SearchQuery,
    named_documents,
    search_customers,
)

_SHOWN = 10


async def find(seat: Seat) -> Response:
    """What is found, kind by kind; the lists find more."""
    text = seat.request.query_params.get("q", "").replace("\0", "").strip()[:TEXT_MAX]
    found = await seat.read(_found, text) if text else []
    return seat.render("find.html", text=text, found=found, trail=(("Find", ""),))


FINDER_PAGES: Pages = {"/find": ("GET", find)}
"""Pages by their paths below an organisation's."""


def _found(db: Connection, context: Context, text: str) -> list[tuple[Kind, list[Any], bool]]:
    """Return the first rows of each kind that has any, and whether there are more."""
    found: list[tuple[Kind, list[Any], bool]] = []
    customers = search_customers(db, context, SearchQuery(text=text, limit=_SHOWN))
    rows = [customer_cells(db, context, one) for one in customers.rows[:_SHOWN]]
    if rows:
        found.append((CUSTOMERS, rows, customers.next is not None))
    for kind in KINDS.values():
        if kind is CUSTOMERS:
            continue
        named = named_documents(db, context, kind.entity, text)
        if named:
            shown = [row_of(one, context.today) for one in named[:_SHOWN]]
            found.append((kind, shown, len(named) > _SHOWN))
    return found
