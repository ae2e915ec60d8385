"""What a customer and its children have open, as few groups."""

from __future__ import annotations

from headrace.ledger.document import ItemGroup
from headrace.store.connection import Connection
from headrace.store.context import Context
from headrace.store.queries import SEARCH as SQL

_HALF = 4_294_967_296
_PAST, _FUTURE = "0001-01-01", "9999-12-31"


def open_groups(db: Connection, context: Context, customer: int) -> list[ItemGroup]:
    """Return the open documents of a customer, by its number, and of its children: one group for
    each kind, currency and mark, those that are overdue apart."""
    parameters = (context.today.isoformat(), customer, customer)
    return [
        ItemGroup(
            entity=entity,
            currency=currency,
            amount=int(upper) * _HALF + int(lower),
            applied=int(applied_upper) * _HALF + int(applied_lower),
            due_date=_PAST if late else _FUTURE,
            mark=mark,
            count=int(count),
        )
        for entity, currency, mark, late, count, upper, lower, applied_upper, applied_lower in (
            db.execute(SQL["open_groups"], parameters)
        )
    ]
