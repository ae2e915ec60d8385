"""Invoices, credit notes, payments and refunds. The route says which kind."""

from __future__ import annotations

import msgspec

from headrace.model.record import Record
from headrace.server.call import Answer, Call, json_answer
from headrace.server.paging import order, page_answer, selection, window
from headrace.store.records.document_kinds import DOCUMENT_KINDS
from headrace.store.records.documents import (
    delete_document,
    import_document,
    import_for_customer,
    list_documents,
    list_of_customer,
    put_document,
    read_document,
)
from headrace.store.records.page import Order


async def post(call: Call) -> Answer:
    """Import: create or update."""
    record = call.record(call.entity.record)
    _note(call, record)
    outcome = await call.write(import_document, call.entity, record)
    call.external_id, call.customer = outcome.external_id, outcome.customer_external_id
    return json_answer(201 if outcome.created else 200, outcome.answer)


async def put(call: Call) -> Answer:
    """Change the fields sent."""
    record = call.record(call.entity.record)
    _note(call, record)
    address = call.addresses[0]
    outcome = await call.write(put_document, call.entity, address, record)
    call.external_id, call.customer = outcome.external_id, outcome.customer_external_id
    return json_answer(200, outcome.answer)


async def get(call: Call) -> Answer:
    """One."""
    answer, row = await call.read(read_document, call.entity, call.addresses[0])
    call.external_id, call.customer = row.external_id, row.customer_external_id
    return json_answer(200, answer)


async def list_(call: Call) -> Answer:
    """A page, of all or of those selected."""
    part = window(call.query, call.entity.page_cap)
    wanted = selection(call.query, call.entity)
    if wanted.customer is not None:
        call.customer = wanted.customer.external_id
    page = await call.scan(list_documents, call.entity, part, wanted)
    return page_answer(call.entity, part, page)


async def delete(call: Call) -> Answer:
    """Delete one with its links."""
    address = call.addresses[0]
    row = await call.write(delete_document, call.entity, address)
    if row.pdf is not None:
        call.pdfs.sweep()
    call.external_id, call.customer = row.external_id, row.customer_external_id
    return Answer(204)


def _note(call: Call, record: Record) -> None:
    """Record the ids in the body, so that a refused request is logged with them."""
    if isinstance(external_id := getattr(record, "external_id", None), str):
        call.external_id = external_id
    reference = getattr(record, "customer", msgspec.UNSET)
    if reference is not msgspec.UNSET and isinstance(reference.external_id, str):
        call.customer = reference.external_id


async def post_of_customer(call: Call) -> Answer:
    """Import one for the customer in the path."""
    record = call.record(call.entity.record)
    _note(call, record)
    call.customer = call.addresses[0].external_id
    outcome = await call.write(import_for_customer, call.entity, call.addresses[0], record)
    call.external_id, call.customer = outcome.external_id, outcome.customer_external_id
    return json_answer(201 if outcome.created else 200, outcome.answer)


async def list_of_customer_path(call: Call) -> Answer:
    """A page of those of the customer in the path."""
    part = window(call.query, call.entity.page_cap)
    call.customer = call.addresses[0].external_id
    page = await call.scan(list_of_customer, call.entity, call.addresses[0], part, _order(call))
    return page_answer(call.entity, part, page)


def _order(call: Call) -> Order | None:
    return order(call.query, DOCUMENT_KINDS[call.entity.name].sorts)
