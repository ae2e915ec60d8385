"""What a customer owes, item by item (`POST /customers/{id}/customer_summary`, and the portal)."""

from __future__ import annotations

from headrace.model.customer import CustomerBrief
from headrace.model.record import Amount, Balance, Record


class StatementTotal(Record):
    """Totals in one currency; `outstanding` = `due` + `overdue` - `unapplied`."""

    currency: str
    outstanding: Balance
    due: Balance
    overdue: Balance
    unapplied: Balance
    """Payments and credit notes not applied, less refunds not applied."""


class StatementItem(Record):
    """A document with an open amount, of the customer or of one of its children."""

    type: str
    """INVOICE, CREDIT_NOTE, PAYMENT or REFUND."""
    id: str
    external_id: str | None
    custom_id: str | None
    """The number that people read; of a payment or refund its refNumber."""
    date: str | None
    due_date: str | None
    currency: str
    amount: Amount
    open_amount: Amount
    state: str | None
    """Of an invoice."""
    pdf_url: str | None
    customer: CustomerBrief


class StatementRequest(Record):
    """Takes nothing; the body may be left out."""


class Statement(Record):
    """The open items of a customer and its children, at a moment."""

    customer: CustomerBrief
    date: str
    totals: list[StatementTotal]
    items: list[StatementItem]
    """Invoices by due date, then what is unapplied by date."""
