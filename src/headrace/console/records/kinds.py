"""The kinds of records that people look through, and how each is shown."""

from __future__ import annotations

from datetime import date
from typing import Any

import msgspec
from msgspec import Struct

from headrace.ledger.document import OUT_OF_BALANCE, invoice_state, open_amount
from headrace.model.entity import CREDIT_NOTE, CUSTOMER, INVOICE, PAYMENT, REFUND, Entity
from headrace.model.errors import NotFound
from headrace.model.money import format_money
from headrace.store.records.document_rows import DocumentRow

BADGES = {
    "DUE": "none",
    "OVERDUE": "bad",
    "PAID": "good",
    "DISPUTED": "warn",
    "VOIDED": "none",
    "WRITTEN_OFF": "none",
    "OPEN": "info",
    "APPLIED": "good",
}
STATE_WORDS = {
    "DUE": "Due",
    "OVERDUE": "Overdue",
    "PAID": "Paid",
    "DISPUTED": "In dispute",
    "VOIDED": "Voided",
    "WRITTEN_OFF": "Written off",
    "OPEN": "Not applied",
    "APPLIED": "Applied",
}
_SETTLEMENT_STATES = (("OPEN", "Not applied"), ("PAID", "Applied"))


class Kind(Struct, frozen=True):
    """A kind of record."""

    slug: str
    """Its part of an address."""
    entity: Entity
    title: str
    noun: str
    states: tuple[tuple[str, str], ...]
    """What lists can be limited to, with its words."""


class Row(Struct, frozen=True):
    """A document as a row of a list."""

    id: str
    external_id: str
    number: str
    customer_id: str
    customer: str
    date: str
    due: str
    amount: str
    open: str
    state: str
    badge: str


class _Numbers(Struct, gc=False, rename="camel"):
    custom_id: str | None = None
    ref_number: str | None = None


_NUMBERS = msgspec.json.Decoder(_Numbers)

CUSTOMERS = Kind(
    "customers",
    CUSTOMER,
    "Customers",
    "customer",
    (("OPEN", "Owing"), ("OVERDUE", "Overdue"), ("UNAPPLIED", "With money not applied")),
)
INVOICES = Kind(
    "invoices",
    INVOICE,
    "Invoices",
    "invoice",
    (
        ("OPEN", "Open"),
        *((one, STATE_WORDS[one]) for one in ("DUE", "OVERDUE", "PAID")),
        *((one, STATE_WORDS[one]) for one in ("DISPUTED", "VOIDED", "WRITTEN_OFF")),
    ),
)
KINDS = {
    kind.slug: kind
    for kind in (
        CUSTOMERS,
        INVOICES,
        Kind("credit-notes", CREDIT_NOTE, "Credit notes", "credit note", _SETTLEMENT_STATES),
        Kind("payments", PAYMENT, "Payments", "payment", _SETTLEMENT_STATES),
        Kind("refunds", REFUND, "Refunds", "refund", _SETTLEMENT_STATES),
    )
}
SLUGS = {kind.entity.name: slug for slug, kind in KINDS.items()}
"""Parts of addresses by the names of entities."""


def kind_of(slug: str) -> Kind:
    """Return a kind of document by its part of an address. Raises NotFound."""
    if slug not in KINDS or KINDS[slug] is CUSTOMERS:
        raise NotFound(f"There are no {slug}.")
    return KINDS[slug]


def number_of(row: DocumentRow) -> str:
    """Return what people know a document by."""
    numbers = _NUMBERS.decode(row.body)
    return numbers.custom_id or numbers.ref_number or row.external_id or row.id


def state_of(row: Any, today: date) -> str:
    """Return a document's state; of a settlement whether all of it is applied."""
    if row.entity == INVOICE.name:
        return invoice_state(row, today)
    return "APPLIED" if row.applied == row.amount else "OPEN"


def row_of(row: DocumentRow, today: date) -> Row:
    """Return a document as a row of a list."""
    state = state_of(row, today)
    return Row(
        id=row.id,
        external_id=row.external_id or "",
        number=number_of(row),
        customer_id=row.customer_id,
        customer=row.customer_name,
        date=(row.dated or "")[:10],
        due=(row.due_date or "")[:10],
        amount=format_money(row.amount, row.currency),
        open="" if row.mark in OUT_OF_BALANCE else format_money(open_amount(row), row.currency),
        state=STATE_WORDS[state],
        badge=BADGES[state],
    )
