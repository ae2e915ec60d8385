"""Imports, changes, deletes and reads invoices, credit notes, payments and refunds.

The code is shared by all four; `document_kinds` says how they differ.
"""

from __future__ import annotations

from typing import Any

import msgspec

from headrace.ledger.allocation import check_amount
from headrace.model.entity import INVOICE, Entity
from headrace.model.record import UNSET, Record
from headrace.model.reference import Reference
from headrace.model.resource import BANK_ACCOUNT
from headrace.store.connection import Connection
from headrace.store.context import Context
from headrace.store.queries import DOCUMENT as SQL
from headrace.store.records import counters
from headrace.store.records.actions import forget_invoice
from headrace.store.records.answers import BODIES, answer_documents
from headrace.store.records.custom_values import (
    entity_type,
    marked,
    refuse_values,
    remove_values,
    write_values,
)
from headrace.store.records.customer_rows import CustomerRow, find_customer, get_customer
from headrace.store.records.directory import check_entry
from headrace.store.records.document_kinds import DOCUMENT_KINDS, DocumentKind, LinkField
from headrace.store.records.document_rows import (
    DocumentRow,
    document_by_seq,
    find_document,
    get_document,
    page_of_documents,
)
from headrace.store.records.links import (
    add_links,
    check_links,
    remove_links,
    replaced_fields,
    unlink,
)
from headrace.store.records.number_keys import number_key
from headrace.store.records.outcome import Outcome
from headrace.store.records.page import Order, Page, Selection, Window
from headrace.store.records.patch import check_new_external_id, merge, refuse, require, set_or_none
from headrace.store.records.pdfs import release_pdf
from headrace.store.records.portal_answers import remove_answers
from headrace.store.records.references import Address, find_for_import, resolve_reference


def import_document(db: Connection, context: Context, entity: Entity, record: Any) -> Outcome:
    """Create or update a document, matched by externalId, else by id. Link lists that are present
    replace the stored ones; absent ones leave them as they are."""
    present = find_for_import(
        record.external_id,
        record.id,
        lambda address: find_document(db, context, entity, address),
        DOCUMENT_KINDS[entity.name].noun,
    )
    if present is not None:
        return _change(db, context, present, record)
    require(entity, record)
    return _create(db, context, entity, record)


def import_for_customer(
    db: Connection, context: Context, entity: Entity, customer: Address, record: Any
) -> Outcome:
    """Like `import_document`, for the customer in the path.

    Raises NotFound when the customer does not exist, BadRequest when the record names another one.
    """
    owner = get_customer(db, context, customer)
    if record.customer is not UNSET and _customer_of(db, context, record).seq != owner.seq:
        refuse("customer", f"is another one than {owner.label} of the path; leave it out")
    named = msgspec.structs.replace(record, customer=Reference(id=owner.id))
    return import_document(db, context, entity, named)


def put_document(
    db: Connection, context: Context, entity: Entity, address: Address, record: Any
) -> Outcome:
    """Change the fields that the record carries."""
    present = get_document(db, context, entity, address)
    if record.id not in (UNSET, present.id):
        refuse("id", f"{present.label} has another id, and an id never changes")
    return _change(db, context, present, record)


def delete_document(
    db: Connection, context: Context, entity: Entity, address: Address
) -> DocumentRow:
    """Delete a document and its links; what it settled is open again."""
    row = get_document(db, context, entity, address)
    unlink(db, row)
    if row.entity == INVOICE.name:
        forget_invoice(db, row.seq)
        remove_answers(db, row.seq)
    if getattr(BODIES[row.entity].decode(row.body), "custom_fields", UNSET) is not UNSET:
        remove_values(db, context, entity_type(entity), row.seq)
    db.execute(SQL["delete"], (row.seq,))
    release_pdf(db, row.pdf)
    counters.count_document(db, context.organisation, row.entity, row.customer, row.currency, -1)
    return row


def read_document(
    db: Connection, context: Context, entity: Entity, address: Address
) -> tuple[Record, DocumentRow]:
    """Return one document as answered, and its row."""
    row = get_document(db, context, entity, address)
    return answer_documents(db, context, entity, [row])[0], row


def list_documents(
    db: Connection,
    context: Context,
    entity: Entity,
    window: Window,
    selection: Selection,
) -> Page[Record]:
    """Return a page of the documents selected."""
    page = page_of_documents(db, context, entity, window, selection)
    in_sequence = selection == Selection()
    answers = answer_documents(db, context, entity, page.items, in_sequence=in_sequence)
    return Page(answers, page.total)


def list_of_customer(
    db: Connection,
    context: Context,
    entity: Entity,
    customer: Address,
    window: Window,
    order: Order | None = None,
) -> Page[Record]:
    """Like `list_documents`, for a customer that must exist. Raises NotFound."""
    owner = get_customer(db, context, customer)
    selection = Selection(Address(id=owner.id), order)
    return list_documents(db, context, entity, window, selection)


def _columns(kind: DocumentKind, body: Record) -> tuple[Any, ...]:
    """Return currency, amount, date and due date."""
    due = set_or_none(getattr(body, kind.due_date)) if kind.due_date else None
    return (
        body.currency,  # type: ignore[attr-defined]
        getattr(body, kind.amount),
        set_or_none(getattr(body, kind.dated)),
        due,
    )


def _customer_of(db: Connection, context: Context, record: Any) -> CustomerRow:
    return resolve_reference(
        record.customer, lambda address: find_customer(db, context, address), "customer", "customer"
    )


def _is_customer_of(row: DocumentRow, reference: Reference) -> bool:
    """Whether the row is certainly this customer's, so that it need not be looked up."""
    named = (reference.external_id, reference.id)
    its = (row.customer_external_id, row.customer_id)
    return named != (UNSET, UNSET) and all(
        name in (UNSET, own) for name, own in zip(named, its, strict=True)
    )


def _create(db: Connection, context: Context, entity: Entity, record: Any) -> Outcome:
    kind = DOCUMENT_KINDS[entity.name]
    customer = _customer_of(db, context, record)
    body = _laid_over(kind, type(record)(), record)
    _check_bank_account(db, context, record)
    currency, amount, dated, due = _columns(kind, body)
    now = context.timestamp
    row = DocumentRow(
        entity=entity.name,
        currency=currency,
        amount=amount,
        applied=0,
        due_date=due,
        mark=None,
        id=context.new_id(),
        external_id=check_new_external_id("", None, record.external_id),
        customer=customer.seq,
        parent=customer.parent,
        seq=0,
        dated=dated,
        created_at=now,
        modified_at=now,
        body=msgspec.json.encode(body).decode(),
        pdf=None,
        customer_id=customer.id,
        customer_external_id=customer.external_id,
        customer_name=customer.name,
        customer_accounting_ref=customer.accounting_ref,
    )
    row = _insert(db, context, row, number_key(body))
    # The row is what was just written, so that it need not be read back.
    if applied := _write_apart(db, context, row, record, replaced_fields(kind, record)):
        row = msgspec.structs.replace(row, applied=applied)
    return _outcome(db, context, entity, row, created=True)


def _insert(db: Connection, context: Context, row: DocumentRow, number: str | None) -> DocumentRow:
    """Store a new document; returns it with its number."""
    organisation = context.organisation
    values = (
        organisation.seq,
        row.entity,
        row.id,
        row.external_id,
        row.customer,
        row.currency,
        row.amount,
        row.dated,
        row.due_date,
        row.created_at,
        row.modified_at,
        row.body,
        number,
    )
    (seq,) = db.execute(SQL["insert"], values).fetchone()
    counters.count_document(db, organisation, row.entity, row.customer, row.currency, 1)
    counters.note_size(db, organisation, row.body)
    return msgspec.structs.replace(row, seq=seq)


def _change(db: Connection, context: Context, row: DocumentRow, record: Any) -> Outcome:
    kind = DOCUMENT_KINDS[row.entity]
    stays = record.customer is UNSET or _is_customer_of(row, record.customer)
    customer = row.customer if stays else _customer_of(db, context, record).seq
    fields = replaced_fields(kind, record)
    if fields and row.applied:
        remove_links(db, row.seq, fields)
        row = document_by_seq(db, row.seq)
    body = _laid_over(kind, BODIES[row.entity].decode(row.body), record)
    _check_bank_account(db, context, record)
    currency, amount, dated, due = _columns(kind, body)
    check_amount(row, amount, kind.amount_wire)
    now, text = context.timestamp, msgspec.json.encode(body).decode()
    rest = (amount, dated, due, now, text, number_key(body), row.seq)
    keys = (
        check_new_external_id(row.label, row.external_id, record.external_id),
        customer,
        currency,
    )
    amended = keys == (row.external_id, row.customer, row.currency)
    if amended:
        # Most imports change none of the key columns; their indexes need no update then.
        db.execute(SQL["amend"], rest)
    else:
        db.execute(SQL["update"], keys + rest)
    counters.note_size(db, context.organisation, text)
    if keys[1:] != (row.customer, row.currency):
        _move(db, context, row, customer, currency)
    if any(getattr(record, field.name) for field in fields):
        row = document_by_seq(db, row.seq)
    _write_apart(db, context, row, record, fields)
    if amended and not fields:
        row = msgspec.structs.replace(
            row, amount=amount, dated=dated, due_date=due, modified_at=now, body=text
        )
    else:
        row = document_by_seq(db, row.seq)
    return _outcome(db, context, kind.entity, row, created=False)


def _laid_over(kind: DocumentKind, stored: Any, record: Any) -> Any:
    """Merge the record's fields into the stored body."""
    body = merge(stored, record, leave=kind.apart)
    if kind.valued:
        return marked(body, record.custom_fields)
    refuse_values(record, kind.noun)
    return body


def _check_bank_account(db: Connection, context: Context, record: Any) -> None:
    account = getattr(record, "bank_account_id", None)
    check_entry(db, context, BANK_ACCOUNT, account, "bankAccountId")


def _write_apart(
    db: Connection, context: Context, row: DocumentRow, record: Any, fields: tuple[LinkField, ...]
) -> int:
    """Store what the record carries outside the body: links, and values of custom fields; returns
    the sum of the links."""
    applied = 0
    if any(getattr(record, field.name) for field in fields):
        applied = add_links(db, context, row, record, fields)
    if values := getattr(record, "custom_fields", None):
        write_values(db, context, entity_type(INVOICE), row.seq, values)
    return applied


def _move(db: Connection, context: Context, row: DocumentRow, customer: int, currency: str) -> None:
    """Change the document's customer or currency: checks that its links allow it, and moves the
    counts."""
    check_links(db, row.seq, "customer" if customer != row.customer else "currency")
    counters.move_document(db, context.organisation, row.entity, row.customer, row.currency, -1)
    counters.move_document(db, context.organisation, row.entity, customer, currency, 1)


def _outcome(
    db: Connection, context: Context, entity: Entity, row: DocumentRow, *, created: bool
) -> Outcome:
    answer = answer_documents(db, context, entity, [row])[0]
    return Outcome(answer, created, row.external_id, row.customer_external_id)
