"""Users, bank accounts and dunning plans, which the API only reads. The route says which kind."""

from __future__ import annotations

from headrace.server.call import Answer, Call
from headrace.server.paging import page_answer, window
from headrace.store.records.directory import list_entries


async def list_(call: Call) -> Answer:
    """A page."""
    part = window(call.query, call.entity.page_cap)
    page = await call.scan(list_entries, call.entity, part)
    return page_answer(call.entity, part, page)
