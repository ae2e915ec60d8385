"""The view model of a customer's page: texts, localised where that matters."""

from __future__ import annotations

from msgspec import Struct

from headrace.model.statement import Statement, StatementItem
from headrace.portal.amounts import Locale, show_date, show_money

ROWS_MAX = 1_000
"""Maximum number of documents on one page; the sums cover all of them."""

_STATES = {"DUE": "Due", "OVERDUE": "Overdue", "DISPUTED": "In dispute", "PAID": "Paid"}
_KINDS = {"PAYMENT": "Payment", "CREDIT_NOTE": "Credit note", "REFUND": "Refund"}


class TotalView(Struct, frozen=True):
    """The totals in one currency."""

    currency: str
    outstanding: str
    due: str
    overdue: str
    unapplied: str
    is_overdue: bool
    is_unapplied: bool


class ItemView(Struct, frozen=True):
    """One document."""

    number: str
    kind: str
    customer: str
    """Its customer, where that is not the reader."""
    date: str
    due: str
    total: str
    open: str
    state: str
    state_class: str
    pdf_url: str | None


class PageView(Struct, frozen=True):
    """Everything that the page shows."""

    name: str
    seller: str
    date: str
    totals: list[TotalView]
    invoices: list[ItemView]
    unapplied: list[ItemView]
    more: int
    """Number of documents that are not shown."""


def view_of(statement: Statement, seller: str, locale: Locale) -> PageView:
    """Build the page's view of a statement; `seller` is the creditor."""
    shown = [_item(item, statement, locale) for item in statement.items[:ROWS_MAX]]
    totals = [
        TotalView(
            total.currency,
            show_money(total.outstanding, total.currency, locale),
            show_money(total.due, total.currency, locale),
            show_money(total.overdue, total.currency, locale),
            show_money(total.unapplied, total.currency, locale),
            total.overdue != 0,
            total.unapplied != 0,
        )
        for total in statement.totals
    ]
    return PageView(
        name=statement.customer.company_name,
        seller=seller,
        date=show_date(statement.date, locale),
        totals=totals,
        invoices=[item for item in shown if not item.kind],
        unapplied=[item for item in shown if item.kind],
        more=max(0, len(statement.items) - ROWS_MAX),
    )


def _item(item: StatementItem, statement: Statement, locale: Locale) -> ItemView:
    own = item.customer.id == statement.customer.id
    state = item.state or ""
    return ItemView(
        number=item.custom_id or item.external_id or "without a number",
        kind=_KINDS.get(item.type, ""),
        customer="" if own else item.customer.company_name,
        date=show_date(item.date, locale),
        due=show_date(item.due_date, locale),
        total=show_money(item.amount, item.currency, locale),
        open=show_money(item.open_amount, item.currency, locale),
        state=_STATES.get(state, state),
        state_class="overdue" if state == "OVERDUE" else "due",
        pdf_url=item.pdf_url,
    )
