"""A customer's contacts, one by one."""

from __future__ import annotations

from headrace.model.contact import Contact, ContactChange
from headrace.server.call import Answer, Call, json_answer
from headrace.server.paging import page_answer, window
from headrace.store.records.customer_contacts import (
    change_contact,
    delete_contact,
    import_contact,
    read_contact,
    read_contacts,
)
from headrace.store.records.page import Page


async def post(call: Call) -> Answer:
    """Add a contact, or update the one with the same id or externalId."""
    record = call.record(Contact)
    address = call.addresses[0]
    call.customer = address.external_id
    outcome = await call.write(import_contact, address, record)
    call.external_id, call.customer = outcome.external_id, outcome.customer_external_id
    return json_answer(201 if outcome.created else 200, outcome.answer)


async def put(call: Call) -> Answer:
    """Change the fields sent."""
    record = call.record(ContactChange)
    customer, contact = call.addresses
    call.customer = customer.external_id
    outcome = await call.write(change_contact, customer, contact, record)
    call.external_id, call.customer = outcome.external_id, outcome.customer_external_id
    return json_answer(200, outcome.answer)


async def get(call: Call) -> Answer:
    """One."""
    customer, contact = call.addresses
    row, answer = await call.read(read_contact, customer, contact)
    call.customer = row.external_id
    if isinstance(answer.external_id, str):
        call.external_id = answer.external_id
    return json_answer(200, answer)


async def list_(call: Call) -> Answer:
    """A page of the customer's list, in its stored order."""
    part = window(call.query, call.entity.page_cap)
    row, contacts = await call.read(read_contacts, call.addresses[0])
    call.customer = row.external_id
    page = Page(contacts[part.offset : part.offset + part.limit], len(contacts))
    return page_answer(call.entity, part, page)


async def delete(call: Call) -> Answer:
    """Remove one from the list."""
    customer, contact = call.addresses
    row, gone = await call.write(delete_contact, customer, contact)
    call.customer = row.external_id
    call.external_id = gone.external_id if isinstance(gone.external_id, str) else None
    return Answer(204)
