"""Builds the API's answers for documents: the stored record, and what follows from its links."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import date
from typing import Any

import msgspec
from msgspec import NODEFAULT, Struct
from msgspec.structs import FieldInfo, replace

from headrace.ledger.document import Document, invoice_state, open_amount
from headrace.model.credit_note import CreditNote, CreditNoteAnswer
from headrace.model.custom_field import CustomFieldValue
from headrace.model.customer import CustomerBrief
from headrace.model.entity import CREDIT_NOTE, INVOICE, PAYMENT, REFUND, Entity
from headrace.model.invoice import (
    Invoice,
    InvoiceAnswer,
    InvoiceBrief,
    InvoiceLinkAnswer,
    InvoicePayment,
)
from headrace.model.payment import Payment, PaymentAnswer
from headrace.model.record import UNSET, Record
from headrace.model.reference import Reference
from headrace.model.refund import (
    Refund,
    RefundAnswer,
    RefundCreditNoteAnswer,
    RefundPaymentAnswer,
)
from headrace.store.connection import Connection
from headrace.store.context import Context
from headrace.store.queries import ALLOCATION as SQL
from headrace.store.records.custom_values import entity_type, read_values
from headrace.store.records.document_kinds import DOCUMENT_KINDS
from headrace.store.records.document_rows import DocumentRow

BODIES: dict[str, msgspec.json.Decoder[Any]] = {
    "invoice": msgspec.json.Decoder(Invoice),
    "credit_note": msgspec.json.Decoder(CreditNote),
    "payment": msgspec.json.Decoder(Payment),
    "refund": msgspec.json.Decoder(Refund),
}
"""Contents of the column `body`, by entity."""


def _answers(entity: Entity) -> msgspec.json.Decoder[Any]:
    """Return the decoder of a stored body as an answer: null for what was never set.

    The rest of the answer is filled in from the row and its links.
    """
    answered = entity.answer
    # A page has up to 500 bodies, so they become answers in C. The types are left out, and with
    # them the checks: each value was checked when it was imported.
    stored = set(entity.record.__struct_fields__) - set(DOCUMENT_KINDS[entity.name].apart)
    fields = [
        (field.name, Any, None if field.required or field.name in stored else _default(field))
        for field in msgspec.structs.fields(answered)
    ]
    name = f"Stored{answered.__name__}"
    made = msgspec.defstruct(name, fields, bases=(answered,), frozen=True, kw_only=True)
    return msgspec.json.Decoder(made)


def _default(field: FieldInfo) -> Any:
    if field.default_factory is not NODEFAULT:
        return msgspec.field(default_factory=field.default_factory)
    return field.default


_ANSWERS = {entity.name: _answers(entity) for entity in (INVOICE, CREDIT_NOTE, PAYMENT, REFUND)}


class Link(Struct, frozen=True):
    """An allocation as its source shows it, with everything an answer says about the target."""

    amount: int
    target: Document
    dated: str | None
    body: str
    last_applied_at: str | None
    """The date of the latest allocation to the target."""


def answer_documents(
    db: Connection,
    context: Context,
    entity: Entity,
    rows: list[DocumentRow],
    *,
    in_sequence: bool = False,
) -> list[Record]:
    """Build answers for rows of one entity, in the order given.

    `in_sequence` asserts that no other document of the entity and organisation lies between the
    rows; their links are then read with one statement.
    """
    linked: Mapping[int, Any]
    if entity.name == "invoice":
        linked = _payments(db, context, entity, rows, in_sequence=in_sequence)
    else:
        linked = _links(db, context, entity, rows, in_sequence=in_sequence)
    values = _values(db, context, entity, rows, in_sequence=in_sequence)
    decode, build = _ANSWERS[entity.name].decode, _BUILDERS[entity.name]
    # `today` is computed once: a page has up to 500 rows.
    today = context.today
    answers = []
    for row in rows:
        answer = build(context, today, row, decode(row.body), linked.get(row.seq, []))
        if row.seq in values:
            answer = replace(answer, custom_fields=values[row.seq])
        answers.append(answer)
    return answers


def _values(
    db: Connection, context: Context, entity: Entity, rows: list[DocumentRow], *, in_sequence: bool
) -> dict[int, list[CustomFieldValue]]:
    """Read the values of custom fields of those rows that have any."""
    marked = [row.seq for row in rows if '"customFields"' in row.body]
    if in_sequence and marked:
        return read_values(db, context, entity_type(entity), min(marked), max(marked))
    found: dict[int, list[CustomFieldValue]] = {}
    for seq in marked:
        found |= read_values(db, context, entity_type(entity), seq, seq)
    return found


def _allocations(
    db: Connection,
    context: Context,
    entity: Entity,
    rows: list[DocumentRow],
    queries: tuple[str, str],
    *,
    in_sequence: bool,
) -> Iterable[Any]:
    one, page = queries
    if in_sequence and len(rows) > 1:
        seqs = [row.seq for row in rows]
        bounds = (context.organisation.seq, min(seqs), max(seqs))
        named = bounds if entity.name == "invoice" else (entity.name, *bounds)
        yield from db.execute(SQL[page], named)
        return
    for row in rows:
        if row.applied:
            yield from db.execute(SQL[one], (row.seq,))


def _payments(
    db: Connection, context: Context, entity: Entity, rows: list[DocumentRow], *, in_sequence: bool
) -> dict[int, list[InvoicePayment]]:
    queries = ("payments_of_invoice", "payments_of_page")
    found: dict[int, list[InvoicePayment]] = {}
    decode = _ANSWERS["payment"].decode
    for seq, amount, dated, body in _allocations(
        db, context, entity, rows, queries, in_sequence=in_sequence
    ):
        payment = InvoicePayment(
            amount=amount, executed_at=dated, instrument=decode(body).instrument
        )
        found.setdefault(seq, []).append(payment)
    return found


def _links(
    db: Connection, context: Context, entity: Entity, rows: list[DocumentRow], *, in_sequence: bool
) -> dict[int, list[Link]]:
    queries = ("targets_of_document", "targets_of_page")
    found: dict[int, list[Link]] = {}
    for source, amount, *columns in _allocations(
        db, context, entity, rows, queries, in_sequence=in_sequence
    ):
        *target, dated, body, last = columns
        found.setdefault(source, []).append(Link(amount, Document(*target), dated, body, last))
    return found


def _invoice(
    context: Context,
    today: date,
    row: DocumentRow,
    stored: InvoiceAnswer,
    payments: list[InvoicePayment],
) -> InvoiceAnswer:
    return replace(
        stored,
        id=row.id,
        external_id=row.external_id,
        currency=row.currency,
        gross_amount=row.amount,
        customer_id=row.customer_id,
        amount_outstanding=open_amount(row),
        state=invoice_state(row, today),
        pdf_url=_pdf_url(context, row),
        payments=payments,
    )


def _pdf_url(context: Context, row: DocumentRow) -> str | None:
    return context.pdf_url(row.id) if row.pdf is not None else None


def _brief(row: DocumentRow) -> CustomerBrief:
    return CustomerBrief(
        id=row.customer_id,
        external_id=row.customer_external_id,
        company_name=row.customer_name,
        accounting_ref=row.customer_accounting_ref,
    )


def _credit_note(
    context: Context, today: date, row: DocumentRow, stored: CreditNoteAnswer, links: list[Link]
) -> CreditNoteAnswer:
    return replace(
        stored,
        id=row.id,
        external_id=row.external_id,
        issued_at=row.dated,
        due_date=row.due_date,
        currency=row.currency,
        gross_amount=row.amount,
        amount_linked=row.applied,
        pdf_url=_pdf_url(context, row),
        customer=_brief(row),
        linked_invoices=[_invoice_link(today, link) for link in links],
        custom_fields=UNSET,
    )


def _transaction(row: DocumentRow) -> dict[str, Any]:
    """What payments and refunds have of their row."""
    return {
        "id": row.id,
        "external_id": row.external_id,
        "currency": row.currency,
        "amount": row.amount,
        "validated_at": str(row.dated),
        "amount_linked": row.applied,
        "created_at": row.created_at,
        "modified_at": row.modified_at,
        "customer": _brief(row),
    }


def _payment(
    context: Context, today: date, row: DocumentRow, stored: PaymentAnswer, links: list[Link]
) -> PaymentAnswer:
    return replace(
        stored,
        **_transaction(row),
        type="ACCOUNT",
        linked_invoices=[_invoice_link(today, link) for link in links],
        custom_fields=UNSET,
    )


def _refund(
    context: Context, today: date, row: DocumentRow, stored: RefundAnswer, links: list[Link]
) -> RefundAnswer:
    return replace(
        stored,
        **_transaction(row),
        linked_transactions=[
            RefundPaymentAnswer(linked_amount=link.amount, payment=_reference(link.target))
            for link in links
            if link.target.entity == "payment"
        ],
        linked_credit_notes=[
            RefundCreditNoteAnswer(linked_amount=link.amount, credit_note=_reference(link.target))
            for link in links
            if link.target.entity == "credit_note"
        ],
    )


_BUILDERS: dict[str, Callable[..., Record]] = {
    "invoice": _invoice,
    "credit_note": _credit_note,
    "payment": _payment,
    "refund": _refund,
}
"""Fill in what does not come from the body, by entity."""


def _reference(target: Document) -> Reference:
    return Reference(id=target.id, external_id=target.external_id or UNSET)


def _invoice_link(today: date, link: Link) -> InvoiceLinkAnswer:
    invoice = link.target
    stored = _ANSWERS["invoice"].decode(link.body)
    state = invoice_state(invoice, today)
    return InvoiceLinkAnswer(
        linked_amount=link.amount,
        invoice=InvoiceBrief(
            id=invoice.id,
            custom_id=stored.custom_id,
            external_id=invoice.external_id,
            name=stored.name,
            currency=invoice.currency,
            gross_amount=invoice.amount,
            net_amount=stored.net_amount,
            amount_outstanding=open_amount(invoice),
            issued_at=str(link.dated),
            due_date=invoice.due_date,
            paid_date=link.last_applied_at if state == "PAID" else None,
            status=state,
        ),
    )
