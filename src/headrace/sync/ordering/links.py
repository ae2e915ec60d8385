"""What ties a record to others, read from its payload."""

from __future__ import annotations

import msgspec
from msgspec import Struct, field

from headrace.sync.journal import Key

SETTLEMENTS = ("credit_note", "payment", "refund")
"""Entities whose payloads carry links to what they settle."""


class _Reference(Struct, frozen=True, rename="camel"):
    external_id: str


class _Link(Struct, frozen=True, rename="camel"):
    amount_linked: int
    invoice: _Reference | None = None
    payment: _Reference | None = None
    credit_note: _Reference | None = None

    @property
    def target(self) -> Key:
        for entity in ("invoice", "payment", "credit_note"):
            if (reference := getattr(self, entity)) is not None:
                return entity, reference.external_id
        raise AssertionError(self)


class _Payload(Struct, frozen=True, rename="camel"):
    customer: _Reference | None = None
    parent: _Reference | None = None
    currency: str = ""
    amount: int = 0
    gross_amount: int = 0
    linked_invoices: list[_Link] | None = None
    linked_payments: list[_Link] | None = None
    linked_credit_notes: list[_Link] | None = None


class Ties(Struct, frozen=True):
    """Whose a record is, its money, and what it settles."""

    customer: str = ""
    parent: str = ""
    currency: str = ""
    amount: int = 0
    """In the currency's lowest division."""
    links: dict[Key, int] = field(default_factory=dict)
    """Amounts linked, by what they settle."""

    @property
    def open(self) -> int:
        """What its own links leave of its amount."""
        return self.amount - sum(self.links.values())


_DECODER = msgspec.json.Decoder(_Payload)


def ties_of(payload: bytes) -> Ties:
    """The ties that a record's payload tells of; other fields are not looked at."""
    told = _DECODER.decode(payload)
    links: dict[Key, int] = {}
    for listed in (told.linked_invoices, told.linked_payments, told.linked_credit_notes):
        for link in listed or ():
            links[link.target] = links.get(link.target, 0) + link.amount_linked
    return Ties(
        customer=told.customer.external_id if told.customer else "",
        parent=told.parent.external_id if told.parent else "",
        currency=told.currency,
        amount=told.amount or told.gross_amount,
        links=links,
    )
