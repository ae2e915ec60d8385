"""The hub's request journal."""

from __future__ import annotations

import asyncio

from headrace.control.desk import Desk, Order
from headrace.control.records import Requests
from headrace.model.errors import ConfigurationError, NotFound
from headrace.server.observing.request_journal import JOURNAL
from headrace.server.observing.request_search import Entry, Query, search


async def search_(order: Order) -> Requests:
    """Return the newest requests that match."""
    return Requests(requests=await _found(order.desk, order.query))


async def read(order: Order) -> Entry:
    """Return the request with an X-Request-Id."""
    id = order.names["id"]
    found = await _found(order.desk, Query(id=id))
    if not found:
        raise NotFound(f"The journal has no request {id}: it keeps the newest.")
    return found[0]


async def _found(desk: Desk, query: Query) -> list[Entry]:
    if desk.place.folder is None:
        raise NotFound("This hub keeps no journal of requests: start it with --data.")
    try:
        # On a thread: a search may read the whole file.
        return await asyncio.to_thread(search, desk.place.folder / JOURNAL, query)
    except ConfigurationError as error:
        raise NotFound(str(error)) from None
