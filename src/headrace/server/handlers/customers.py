"""Customers."""

from __future__ import annotations

from headrace.model.customer import Customer
from headrace.server.call import Answer, Call, json_answer
from headrace.server.paging import conditions, page_answer, window
from headrace.store.records.customers import (
    delete_customer,
    import_customer,
    list_customers,
    put_customer,
    read_customer,
)


async def post(call: Call) -> Answer:
    """Import: create or update, with contacts and parent."""
    record = call.record(Customer)
    if isinstance(record.external_id, str):
        call.external_id = call.customer = record.external_id
    outcome = await call.write(import_customer, record)
    call.external_id = call.customer = outcome.external_id
    return json_answer(201 if outcome.created else 200, outcome.answer)


async def put(call: Call) -> Answer:
    """Change the fields sent."""
    record = call.record(Customer)
    address = call.addresses[0]
    outcome = await call.write(put_customer, address, record)
    call.external_id = call.customer = outcome.external_id
    return json_answer(200, outcome.answer)


async def get(call: Call) -> Answer:
    """One."""
    answer = await call.read(read_customer, call.addresses[0])
    if isinstance(answer.external_id, str):
        call.external_id = call.customer = answer.external_id
    return json_answer(200, answer)


async def list_(call: Call) -> Answer:
    """A page of all customers, or of those with a given name or values of custom fields."""
    part = window(call.query, call.entity.page_cap)
    wanted = conditions(call.query)
    page = await call.scan(list_customers, part, wanted, call.query.get("name") or None)
    return page_answer(call.entity, part, page)


async def delete(call: Call) -> Answer:
    """Delete one that has no documents or children."""
    address = call.addresses[0]
    row = await call.write(delete_customer, address)
    call.external_id = call.customer = row.external_id
    return Answer(204)
