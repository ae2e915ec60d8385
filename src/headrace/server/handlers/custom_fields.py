"""Definitions of custom fields."""

from __future__ import annotations

from headrace.model.custom_field import CustomField
from headrace.server.call import Answer, Call, json_answer
from headrace.server.paging import page_answer, window
from headrace.store.records.custom_fields import delete_field, list_fields, make_field


async def post(call: Call) -> Answer:
    """Create a definition, or change the label of the one with the same externalId."""
    record = call.record(CustomField)
    if isinstance(record.external_id, str):
        call.external_id = record.external_id
    outcome = await call.write(make_field, record)
    return json_answer(201 if outcome.created else 200, outcome.answer)


async def list_(call: Call) -> Answer:
    """A page."""
    part = window(call.query, call.entity.page_cap)
    page = await call.scan(list_fields, part)
    return page_answer(call.entity, part, page)


async def delete(call: Call) -> Answer:
    """Delete one and all its values."""
    address = call.addresses[0]
    row = await call.write(delete_field, address)
    call.external_id = row.external_id
    return Answer(204)
