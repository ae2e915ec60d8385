"""The collection team's actions, which the API only reads."""

from __future__ import annotations

from headrace.server.call import Answer, Call, json_answer
from headrace.server.paging import customer_filter, days, page_answer, window
from headrace.store.records.actions import list_actions, read_action


async def get(call: Call) -> Answer:
    """One."""
    return json_answer(200, await call.read(read_action, call.addresses[0]))


async def list_(call: Call) -> Answer:
    """A page, of all or of one customer's, of all days and types or of those given."""
    part = window(call.query, call.entity.page_cap)
    owner = customer_filter(call.query)
    if owner is not None:
        call.customer = owner.external_id
    kind = call.query.get("type") or None
    page = await call.scan(list_actions, part, owner, days(call.query), kind)
    return page_answer(call.entity, part, page)
