"""Totals, maintained in the transaction that changes them, so that lists never count rows."""

from __future__ import annotations

from headrace.store.connection import Connection
from headrace.store.context import Organisation
from headrace.store.queries import COUNTER
from headrace.store.records.page import LARGE_BYTES, Length

WHOLE_ORGANISATION = 0
"""Used in place of a customer's number."""


def count(db: Connection, organisation: int, entity: str, step: int) -> None:
    """Add to the organisation's total; negative when something was deleted."""
    db.execute(COUNTER["add"], (organisation, WHOLE_ORGANISATION, entity, "", step))


def other_key(customer: int) -> int:
    """Return the value used in place of a customer for entities that are not its documents."""
    return -customer


def count_other(db: Connection, organisation: int, entity: str, customer: int, step: int) -> None:
    """Count something of a customer that is not a document, such as a note."""
    db.execute(COUNTER["add"], (organisation, other_key(customer), entity, "", step))


def count_customer(db: Connection, organisation: Organisation, step: int) -> None:
    """Count a customer that was created (+1) or deleted (-1)."""
    count(db, organisation.seq, "customer", step)


def count_document(
    db: Connection, organisation: Organisation, entity: str, customer: int, currency: str, step: int
) -> None:
    """Count a document created for (+1) or deleted from (-1) a customer, in one currency."""
    count(db, organisation.seq, entity, step)
    move_document(db, organisation, entity, customer, currency, step)


def move_document(
    db: Connection, organisation: Organisation, entity: str, customer: int, currency: str, step: int
) -> None:
    """Change the customer's count only; the organisation's total stays the same."""
    db.execute(COUNTER["add"], (organisation.seq, customer, entity, currency, step))


def length(db: Connection, organisation: Organisation, entity: str, customer: int) -> Length:
    """Return the length of the list of a customer or of WHOLE_ORGANISATION."""
    parameters = (organisation.seq, organisation.seq, customer, entity)
    large, total = db.execute(COUNTER["length"], parameters).fetchone()
    return Length(total or 0, bool(large))


def note_size(db: Connection, organisation: Organisation, *texts: str) -> None:
    """Remember that the organisation has a large row, if these texts of one row are large.

    Lists look at the sizes of their rows only in such organisations.
    """
    if sum(map(len, texts)) > LARGE_BYTES:
        count(db, organisation.seq, "large", 1)


def of_customer(db: Connection, organisation: Organisation, customer: int) -> dict[str, int]:
    """Return how many documents of each kind a customer has."""
    rows = db.execute(COUNTER["of_customer"], (organisation.seq, customer))
    return dict(rows)


def currencies(
    db: Connection, organisation: Organisation, first: int, last: int
) -> dict[int, set[str]]:
    """Return, for the customers numbered first to last, the currencies of their own and their
    children's documents."""
    found: dict[int, set[str]] = {}
    rows = db.execute(
        COUNTER["currencies_of_page"],
        (organisation.seq, first, last, first, last, organisation.seq),
    )
    for customer, currency in rows:
        found.setdefault(customer, set()).add(currency)
    return found


def forget_customer(db: Connection, organisation: Organisation, customer: int) -> None:
    """Delete the rows of a customer that is being deleted."""
    db.execute(COUNTER["forget_customer"], (organisation.seq, customer, other_key(customer)))
