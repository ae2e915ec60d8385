"""Builds the API's answers for documents: the stored record, and what follows from its links."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import msgspec
from msgspec import Struct

from headrace.ledger.document import Document, invoice_state, open_amount
from headrace.model.credit_note import CreditNote, CreditNoteAnswer, CreditNoteFields
from headrace.model.customer import CustomerBrief
from headrace.model.entity import INVOICE, Entity
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
from headrace.model.transaction import TransactionFields
from headrace.store.connection import Connection
from headrace.store.context import Context
from headrace.store.queries import ALLOCATION as SQL
from headrace.store.records.custom_values import entity_type, read_values
from headrace.store.records.document_rows import DocumentRow
from headrace.store.records.patch import set_or_none

BODIES: dict[str, msgspec.json.Decoder[Any]] = {
    "invoice": msgspec.json.Decoder(Invoice),
    "credit_note": msgspec.json.Decoder(CreditNote),
    "payment": msgspec.json.Decoder(Payment),
    "refund": msgspec.json.Decoder(Refund),
}
"""Contents of the column `body`, by entity."""


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
    if entity.name == "invoice":
        payments = _payments(db, context, entity, rows, in_sequence=in_sequence)
        return [_invoice(db, context, row, payments.get(row.seq, [])) for row in rows]
    links = _links(db, context, entity, rows, in_sequence=in_sequence)
    build = {"credit_note": _credit_note, "payment": _payment, "refund": _refund}[entity.name]
    return [
        _with_values(db, context, entity, row, build(context, row, links.get(row.seq, [])))
        for row in rows
    ]


def _with_values(
    db: Connection, context: Context, entity: Entity, row: DocumentRow, answer: Record
) -> Record:
    """Add the values of custom fields, if people have assigned any."""
    if '"customFields"' not in row.body:
        return answer
    values = read_values(db, context, entity_type(entity), row.seq, row.seq).get(row.seq)
    return msgspec.structs.replace(answer, custom_fields=values) if values else answer


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
    for seq, amount, dated, body in _allocations(
        db, context, entity, rows, queries, in_sequence=in_sequence
    ):
        payment: Payment = BODIES["payment"].decode(body)
        found.setdefault(seq, []).append(
            InvoicePayment(
                amount=amount, executed_at=dated, instrument=set_or_none(payment.instrument)
            )
        )
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
    db: Connection, context: Context, row: DocumentRow, payments: list[InvoicePayment]
) -> InvoiceAnswer:
    body: Invoice = BODIES["invoice"].decode(row.body)
    values = body.custom_fields
    if values is not UNSET:
        values = read_values(db, context, entity_type(INVOICE), row.seq, row.seq).get(row.seq, [])
    return InvoiceAnswer(
        **{
            **_said(body, Invoice),
            "id": row.id,
            "external_id": row.external_id,
            "currency": row.currency,
            "gross_amount": row.amount,
            "customer": UNSET,
            "custom_fields": values,
        },
        customer_id=row.customer_id,
        amount_outstanding=open_amount(row),
        state=invoice_state(row, context.today),
        pdf_url=_pdf_url(context, row),
        payments=payments,
    )


def _said(body: Record, kind: type[Record]) -> dict[str, Any]:
    """The fields of `kind` as stored; null for those never set."""
    return {name: set_or_none(getattr(body, name)) for name in kind.__struct_fields__}


def _pdf_url(context: Context, row: DocumentRow) -> str | None:
    return context.pdf_url(row.id) if row.pdf is not None else None


def _brief(row: DocumentRow) -> CustomerBrief:
    return CustomerBrief(
        id=row.customer_id,
        external_id=row.customer_external_id,
        company_name=row.customer_name,
        accounting_ref=row.customer_accounting_ref,
    )


def _credit_note(context: Context, row: DocumentRow, links: list[Link]) -> CreditNoteAnswer:
    body: CreditNote = BODIES["credit_note"].decode(row.body)
    return CreditNoteAnswer(
        **{
            **_said(body, CreditNoteFields),
            "id": row.id,
            "external_id": row.external_id,
            "issued_at": row.dated,
            "due_date": row.due_date,
            "currency": row.currency,
            "gross_amount": row.amount,
        },
        amount_linked=row.applied,
        pdf_url=_pdf_url(context, row),
        customer=_brief(row),
        linked_invoices=[_invoice_link(context, link) for link in links],
    )


def _transaction(body: TransactionFields, row: DocumentRow) -> dict[str, Any]:
    return {
        **_said(body, TransactionFields),
        "id": row.id,
        "external_id": row.external_id,
        "currency": row.currency,
        "amount": row.amount,
        "validated_at": str(row.dated),
    }


def _payment(context: Context, row: DocumentRow, links: list[Link]) -> PaymentAnswer:
    body: Payment = BODIES["payment"].decode(row.body)
    return PaymentAnswer(
        **_transaction(body, row),
        amount_linked=row.applied,
        type="ACCOUNT",
        created_at=row.created_at,
        modified_at=row.modified_at,
        customer=_brief(row),
        linked_invoices=[_invoice_link(context, link) for link in links],
    )


def _refund(context: Context, row: DocumentRow, links: list[Link]) -> RefundAnswer:
    body: Refund = BODIES["refund"].decode(row.body)
    return RefundAnswer(
        **_transaction(body, row),
        amount_linked=row.applied,
        created_at=row.created_at,
        modified_at=row.modified_at,
        customer=_brief(row),
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


def _reference(target: Document) -> Reference:
    return Reference(id=target.id, external_id=target.external_id or UNSET)


def _invoice_link(context: Context, link: Link) -> InvoiceLinkAnswer:
    invoice = link.target
    body: Invoice = BODIES["invoice"].decode(link.body)
    state = invoice_state(invoice, context.today)
    return InvoiceLinkAnswer(
        linked_amount=link.amount,
        invoice=InvoiceBrief(
            id=invoice.id,
            custom_id=set_or_none(body.custom_id),
            external_id=invoice.external_id,
            name=set_or_none(body.name),
            currency=invoice.currency,
            gross_amount=invoice.amount,
            net_amount=set_or_none(body.net_amount),
            amount_outstanding=open_amount(invoice),
            issued_at=str(link.dated),
            due_date=invoice.due_date,
            paid_date=link.last_applied_at if state == "PAID" else None,
            status=state,
        ),
    )
