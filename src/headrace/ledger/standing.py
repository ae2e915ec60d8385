"""What a customer owes: sums of the open amounts of its documents."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date

from msgspec import Struct

from headrace.ledger.document import RAISES_BALANCE, Item, open_amount
from headrace.model.clock import is_overdue


class Standing(Struct, frozen=True):
    """A customer's figures in one currency; balance = due + overdue - unapplied."""

    currency: str
    balance: int
    due: int
    """Open invoices that are not overdue."""
    overdue: int
    count_due: int
    """Counts cover all currencies: an invoice in another currency counts, though its amount is not
    added."""
    count_overdue: int


def standing(documents: Iterable[Item], currency: str, today: date) -> Standing:
    """Return the figures in `currency` of a customer's own and its children's documents.

    Documents with nothing open may be omitted. Amounts in other currencies are never added.
    """
    balance = due = overdue = count_due = count_overdue = 0
    for document in documents:
        amount = open_amount(document)
        if amount == 0:
            continue
        if document.currency != currency:
            counted = 0
        else:
            counted = amount
        balance += counted if document.entity in RAISES_BALANCE else -counted
        if document.entity != "invoice":
            continue
        if document.due_date and is_overdue(document.due_date, today):
            overdue += counted
            count_overdue += 1
        else:
            due += counted
            count_due += 1
    return Standing(currency, balance, due, overdue, count_due, count_overdue)


def customer_currency(currencies: Iterable[str], organisation: str) -> str:
    """Return the common currency of all documents, else the organisation's (docs/api-evidence.md,
    Balance)."""
    used = set(currencies)
    return used.pop() if len(used) == 1 else organisation
