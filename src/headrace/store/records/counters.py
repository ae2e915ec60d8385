"""Totals, kept in the transaction that changes them and never counted."""

from __future__ import annotations

from headrace.store.connection import Connection
from headrace.store.context import Organisation
from headrace.store.queries import COUNTER

WHOLE_ORGANISATION = 0
"""Stands in place of a customer."""


def count(db: Connection, organisation: int, entity: str, step: int) -> None:
    """So many came (or went, when negative) to the organisation of that number."""
    db.execute(COUNTER["add"], (organisation, WHOLE_ORGANISATION, entity, "", step))


def beside(customer: int) -> int:
    """Stands in place of a customer where what is counted is none of its documents."""
    return -customer


def count_beside(db: Connection, organisation: int, entity: str, customer: int, step: int) -> None:
    """Something came to or left a customer that is no document, such as a note."""
    db.execute(COUNTER["add"], (organisation, beside(customer), entity, "", step))


def count_customer(db: Connection, organisation: Organisation, step: int) -> None:
    """A customer came (+1) or went (-1)."""
    count(db, organisation.seq, "customer", step)


def count_document(
    db: Connection, organisation: Organisation, entity: str, customer: int, currency: str, step: int
) -> None:
    """A document came to (+1) or left (-1) a customer, in one currency."""
    count(db, organisation.seq, entity, step)
    move_document(db, organisation, entity, customer, currency, step)


def move_document(
    db: Connection, organisation: Organisation, entity: str, customer: int, currency: str, step: int
) -> None:
    """Count for the customer alone; the organisation's total stays."""
    db.execute(COUNTER["add"], (organisation.seq, customer, entity, currency, step))


def total(db: Connection, organisation: Organisation, entity: str, customer: int) -> int:
    """How many there are, of a customer or of WHOLE_ORGANISATION."""
    row = db.execute(COUNTER["total"], (organisation.seq, customer, entity)).fetchone()
    return row[0] or 0


def of_customer(db: Connection, organisation: Organisation, customer: int) -> dict[str, int]:
    """How many documents of each kind a customer has."""
    rows = db.execute(COUNTER["of_customer"], (organisation.seq, customer))
    return dict(rows)


def currencies(
    db: Connection, organisation: Organisation, first: int, last: int
) -> dict[int, set[str]]:
    """Of the customers numbered first to last: the currencies of their and their children's."""
    found: dict[int, set[str]] = {}
    rows = db.execute(
        COUNTER["currencies_of_page"],
        (organisation.seq, first, last, first, last, organisation.seq),
    )
    for customer, currency in rows:
        found.setdefault(customer, set()).add(currency)
    return found


def forget_customer(db: Connection, organisation: Organisation, customer: int) -> None:
    """Drop the rows of a customer that goes."""
    db.execute(COUNTER["forget_customer"], (organisation.seq, customer, beside(customer)))
