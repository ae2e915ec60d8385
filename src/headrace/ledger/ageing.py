"""What is owed by its age, and how many days of sales it stands for."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date, timedelta

from msgspec import Struct

from headrace.ledger.document import Item, open_amount

EDGES = (0, 30, 60, 90)
"""Last day past due of each bucket but the last: not due, 1-30, 31-60, 61-90, more."""


class Ageing(Struct, frozen=True):
    """Open invoices in one currency by days past due; `buckets` add up to what is due and
    overdue."""

    currency: str
    buckets: tuple[int, ...]


def age(items: Iterable[Item], currency: str, today: date) -> Ageing:
    """Return the ageing of the open invoices among the items."""
    buckets = [0] * (len(EDGES) + 1)
    for item in items:
        if item.entity == "invoice" and item.currency == currency:
            buckets[_bucket(item, today)] += open_amount(item)
    return Ageing(currency, tuple(buckets))


def countback_days(owed: int, sales: Mapping[str, int], today: date, months: int) -> int | None:
    """Return the DSO by countback: how many days back sales add up to what is owed.

    `sales` are the invoiced amounts by month, as `2026-11`. The current month counts the days that
    have passed. None when even `months` months add up to less.
    """
    left, days, last = owed, 0, today
    for _ in range(months):
        length = last.day
        sold = sales.get(last.isoformat()[:7], 0)
        if sold >= left:
            return days + (length * left // sold if sold else 0)
        left -= sold
        days += length
        last -= timedelta(days=length)
    return None


def _bucket(item: Item, today: date) -> int:
    if not item.due_date:
        return 0
    late = (today - date.fromisoformat(item.due_date[:10])).days
    return sum(late > edge for edge in EDGES)
