"""The figures of a whole organisation: what is owed, how old it is, and by whom."""

from __future__ import annotations

from collections import defaultdict
from datetime import timedelta
from typing import Any

from msgspec import Struct

from headrace.ledger.ageing import Ageing, age, countback_days
from headrace.ledger.document import Item, open_amount
from headrace.ledger.standing import standing
from headrace.store.connection import Connection
from headrace.store.context import Context
from headrace.store.queries import OVERVIEW as SQL

PAYMENT_DAYS = 30
DSO_MONTHS = 24
DEBTORS = 500
"""Families that owe most, of each currency."""
_MONTH_DAYS = 31


class Debtor(Struct, frozen=True):
    """A customer with its children, and what they owe."""

    id: str
    external_id: str | None
    name: str
    owed: int


class CurrencyFigures(Struct, frozen=True, kw_only=True):
    """The figures in one currency; amounts in its lowest division."""

    currency: str
    outstanding: int
    due: int
    overdue: int
    unapplied: int
    ageing: Ageing
    dso: int | None
    """Days, by countback; None when 24 months of sales are less than what is owed."""
    paid: int
    """In the last 30 days."""
    payments: int
    """Their number."""
    debtors: list[Debtor]


class OrganisationOverview(Struct, frozen=True):
    """All figures, at a moment."""

    made_at: str
    currencies: list[CurrencyFigures]


def read_organisation_overview(db: Connection, context: Context) -> OrganisationOverview:
    """Return the figures of now, per currency. Its cost grows with the organisation: two
    seconds for a million documents."""
    organisation, today = context.organisation.seq, context.today
    items = [_item(row) for row in db.execute(SQL["open"], (organisation,))]
    tomorrow = (today + timedelta(days=1)).isoformat()
    since = (today - timedelta(days=PAYMENT_DAYS - 1)).isoformat()
    paid = {
        currency: (int(count), _whole(upper, lower))
        for currency, count, upper, lower in db.execute(
            SQL["payments"], (organisation, since, tomorrow)
        )
    }
    first = (today.replace(day=1) - timedelta(days=_MONTH_DAYS * DSO_MONTHS)).isoformat()
    sales: dict[str, dict[str, int]] = defaultdict(dict)
    for currency, month, upper, lower in db.execute(SQL["sales"], (organisation, first, tomorrow)):
        sales[currency][month] = _whole(upper, lower)
    open_currencies = {item.currency for item in items if open_amount(item)}
    figures = []
    for currency in sorted(open_currencies | set(paid)):
        own = [item for item in items if item.currency == currency]
        sums = standing(own, currency, today)
        count, amount = paid.get(currency, (0, 0))
        owed = sums.due + sums.overdue
        rows = db.execute(SQL["debtors"], (organisation, currency, DEBTORS)).fetchall()
        figures.append(
            CurrencyFigures(
                currency=currency,
                outstanding=sums.balance,
                due=sums.due,
                overdue=sums.overdue,
                unapplied=owed - sums.balance,
                ageing=age(own, currency, today),
                dso=countback_days(owed, sales[currency], today, DSO_MONTHS),
                paid=amount,
                payments=count,
                debtors=_debtors(rows),
            )
        )
    return OrganisationOverview(context.timestamp, figures)


def _item(row: Any) -> Item:
    """Return all open documents of one kind, day and mark as one item."""
    entity, currency, upper, lower, applied_upper, applied_lower, due_date, mark = row
    amount, applied = _whole(upper, lower), _whole(applied_upper, applied_lower)
    return Item(entity, currency, amount, applied, due_date, mark)


def _debtors(rows: list[Any]) -> list[Debtor]:
    found = [
        Debtor(id, external_id, name, _whole(upper, lower))
        for id, external_id, name, upper, lower in rows
    ]
    return [one for one in found if one.owed > 0]


def _whole(upper: int, lower: int) -> int:
    return int(upper) * 4_294_967_296 + int(lower)
