"""Notes on a customer."""

from __future__ import annotations

from headrace.model.collection import NoteDraft
from headrace.server.call import Answer, Call, json_answer
from headrace.server.paging import page_answer, window
from headrace.store.records.notes import delete_note, list_notes, make_note


async def post(call: Call) -> Answer:
    """Add one."""
    draft = call.record(NoteDraft)
    call.customer = call.addresses[0].external_id
    row, note = await call.write(make_note, call.addresses[0], draft)
    call.customer = row.external_id
    return json_answer(201, note)


async def list_(call: Call) -> Answer:
    """A page."""
    part = window(call.query, call.entity.page_cap)
    row, page = await call.scan(list_notes, call.addresses[0], part)
    call.customer = row.external_id
    return page_answer(call.entity, part, page)


async def delete(call: Call) -> Answer:
    """Delete one."""
    customer, note = call.addresses
    row = await call.write(delete_note, customer, note)
    call.customer = row.external_id
    return Answer(204)
