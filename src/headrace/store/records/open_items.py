"""The open items of a customer and its children, with totals per currency."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from headrace.ledger.document import invoice_state, open_amount
from headrace.ledger.standing import standing
from headrace.model.customer import CustomerBrief
from headrace.model.entity import INVOICE
from headrace.model.record import UNSET
from headrace.model.statement import Statement, StatementItem, StatementTotal
from headrace.store.connection import Connection
from headrace.store.context import Context
from headrace.store.queries import DOCUMENT as SQL
from headrace.store.records.answers import BODIES
from headrace.store.records.customer_rows import CustomerRow, get_customer
from headrace.store.records.document_rows import DocumentRow
from headrace.store.records.references import Address


def read_statement(
    db: Connection, context: Context, customer: Address
) -> tuple[CustomerRow, Statement]:
    """Return everything that is open now. Raises NotFound without the customer."""
    row = get_customer(db, context, customer)
    found = db.execute(SQL["open_of_family"], (row.seq, row.seq))
    documents = [document for each in found if open_amount(document := DocumentRow(*each))]
    documents.sort(key=_order)
    statement = Statement(
        customer=CustomerBrief(
            id=row.id,
            external_id=row.external_id,
            company_name=row.name,
            accounting_ref=row.accounting_ref,
        ),
        date=context.timestamp,
        totals=_totals(context, documents),
        items=[_item(context, document) for document in documents],
    )
    return row, statement


def _order(document: DocumentRow) -> tuple[Any, ...]:
    if document.entity == INVOICE.name:
        return (0, document.due_date or "", document.seq)
    return (1, document.dated or "", document.seq)


def _totals(context: Context, documents: Sequence[DocumentRow]) -> list[StatementTotal]:
    totals = []
    for currency in sorted({document.currency for document in documents}):
        sums = standing(documents, currency, context.today)
        total = StatementTotal(
            currency=currency,
            outstanding=sums.balance,
            due=sums.due,
            overdue=sums.overdue,
            unapplied=sums.due + sums.overdue - sums.balance,
        )
        totals.append(total)
    return totals


def _item(context: Context, document: DocumentRow) -> StatementItem:
    body = BODIES[document.entity].decode(document.body)
    number = getattr(body, "custom_id", UNSET) or getattr(body, "ref_number", None)
    is_invoice = document.entity == INVOICE.name
    return StatementItem(
        type=document.entity.upper(),
        id=document.id,
        external_id=document.external_id,
        custom_id=number or None,
        date=document.dated,
        due_date=document.due_date,
        currency=document.currency,
        amount=document.amount,
        open_amount=open_amount(document),
        state=invoice_state(document, context.today) if is_invoice else None,
        pdf_url=context.pdf_url(document.id) if document.pdf is not None else None,
        customer=CustomerBrief(
            id=document.customer_id,
            external_id=document.customer_external_id,
            company_name=document.customer_name,
            accounting_ref=document.customer_accounting_ref,
        ),
    )
