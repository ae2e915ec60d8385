"""A customer's open items."""

from __future__ import annotations

from headrace.server.call import Answer, Call, json_answer
from headrace.store.records.open_items import read_statement


async def post(call: Call) -> Answer:
    """List the open items as they are now; a body is ignored."""
    row, statement = await call.scan(read_statement, call.addresses[0])
    call.customer = row.external_id
    return json_answer(200, statement)
