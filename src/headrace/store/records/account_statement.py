"""A statement of account over a range of days: every document in it, with a running balance per
currency. It has no limit of lines, and all currencies."""

from __future__ import annotations

from datetime import date

import msgspec
from msgspec import Struct

from headrace.ledger.document import OUT_OF_BALANCE, RAISES_BALANCE, Item
from headrace.store.connection import Connection
from headrace.store.queries import PORTAL_ACCOUNT as SQL
from headrace.store.records.portal_account import Family


class StatementLine(Struct, frozen=True):
    """A document: it raises the balance by `amount`, or reduces it where that is negative."""

    day: str
    entity: str
    number: str
    customer: str
    """The child that it belongs to; empty for the customer itself."""
    due: str | None
    amount: int
    balance: int
    """After this line."""


class CurrencyStatement(Struct, frozen=True):
    """The lines in one currency: `opening` + their sum = `closing`."""

    currency: str
    opening: int
    """Of everything before the first day."""
    lines: list[StatementLine]
    closing: int


class _Numbers(Struct, gc=False, rename="camel"):
    custom_id: str | None = None
    ref_number: str | None = None


_NUMBERS = msgspec.json.Decoder(_Numbers)


class _Entry(Item, frozen=True, gc=False):
    """A document, in the order of the query's columns."""

    seq: int
    day: str
    external_id: str | None
    body: str
    id: str
    customer: str

    @property
    def change(self) -> int:
        """What it adds to the balance."""
        return self.amount if self.entity in RAISES_BALANCE else -self.amount


def read_account_statement(
    db: Connection, family: Family, first: date, last: date
) -> list[CurrencyStatement]:
    """Return the lines from the first to the last day, both included, by currency.

    A document's day is the one of its date in UTC, or of its import where it has none. Voided and
    written-off invoices do not count.
    """
    entries = [_Entry(*row) for row in db.execute(SQL["whole"], family.scope)]
    entries = [entry for entry in entries if entry.mark not in OUT_OF_BALANCE]
    entries.sort(key=lambda entry: (entry.day, entry.seq))
    start, end = first.isoformat(), last.isoformat()
    found = []
    for currency in sorted({entry.currency for entry in entries}):
        own = [entry for entry in entries if entry.currency == currency]
        balance = opening = sum(entry.change for entry in own if entry.day[:10] < start)
        lines = []
        for entry in own:
            if start <= entry.day[:10] <= end:
                balance += entry.change
                lines.append(_line(entry, balance))
        if lines or opening:
            found.append(CurrencyStatement(currency, opening, lines, balance))
    return found


def _line(entry: _Entry, balance: int) -> StatementLine:
    numbers = _NUMBERS.decode(entry.body)
    return StatementLine(
        day=entry.day[:10],
        entity=entry.entity,
        number=numbers.custom_id or numbers.ref_number or entry.external_id or "",
        customer=entry.customer,
        due=entry.due_date[:10] if entry.due_date and entry.entity == "invoice" else None,
        amount=entry.change,
        balance=balance,
    )
