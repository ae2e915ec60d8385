"""What a customer owes: sums of the open amounts of its documents."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable
from datetime import date

from msgspec import Struct

from headrace.ledger.document import RAISES_BALANCE, Item, ItemGroup, open_amount
from headrace.model.clock import is_overdue

Convert = Callable[[int, str, str], int | None]
"""Converts an amount from one currency into another; None without a rate."""
Sums = dict[str, int]
"""Amounts by currency."""


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


def standing(
    documents: Iterable[Item], currency: str, today: date, convert: Convert | None = None
) -> Standing:
    """Return the figures in `currency` of a customer's own and its children's documents.

    Documents with nothing open may be omitted. Sums in other currencies are converted, each sum as
    a whole; without a rate they are not added.
    """
    due: Sums = defaultdict(int)
    overdue: Sums = defaultdict(int)
    other: Sums = defaultdict(int)
    count_due = count_overdue = 0
    for document in documents:
        amount = open_amount(document)
        if amount == 0:
            continue
        count = document.count if isinstance(document, ItemGroup) else 1
        if document.entity != "invoice":
            other[document.currency] += amount if document.entity in RAISES_BALANCE else -amount
        elif document.due_date and is_overdue(document.due_date, today):
            overdue[document.currency] += amount
            count_overdue += count
        else:
            due[document.currency] += amount
            count_due += count
    sums = [_in_one(amounts, currency, convert) for amounts in (due, overdue, other)]
    return Standing(currency, sum(sums), sums[0], sums[1], count_due, count_overdue)


def _in_one(amounts: Sums, currency: str, convert: Convert | None) -> int:
    total = amounts.pop(currency, 0)
    if convert is not None:
        total += sum(convert(amount, own, currency) or 0 for own, amount in amounts.items())
    return total


def customer_currency(currencies: Iterable[str], organisation: str) -> str:
    """Return the common currency of all documents, else the organisation's (docs/api-evidence.md,
    Balance)."""
    used = set(currencies)
    return used.pop() if len(used) == 1 else organisation
