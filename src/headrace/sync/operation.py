"""Operations: one request each, with all that delivery has to know about it."""

from __future__ import annotations

from collections import deque

import msgspec
from msgspec import Struct, field

from headrace.model.credit_note import CreditNote
from headrace.model.customer import Customer
from headrace.model.invoice import Invoice
from headrace.model.payment import Payment
from headrace.model.record import Record
from headrace.model.reference import Reference
from headrace.model.refund import Refund
from headrace.sync.journal import Key

# Phases of delivery: changes to what the API has, open items, the settled past.
CHANGES, OPEN_ITEMS, SETTLED_PAST = range(3)


class Operation(Struct, kw_only=True):
    """One request; `attempts` counts those that failed."""

    number: int
    entity: str
    external_id: str
    action: str
    customer: str
    fingerprint: int | None
    hash: bytes | None = None
    payload: bytes | None = None
    """What the journal keeps: the canonical JSON."""
    body: bytes | None = None
    """What is sent: the same, with null for what an earlier payload had and this one lacks."""
    refers_to: tuple[Key, ...] = ()
    waits_for: tuple[int, ...] = ()
    """Numbers of operations of other lanes that must land first."""
    attempts: int = 0
    second_chance: bool = False
    """Whether something that it refers to landed after it was refused."""

    @property
    def key(self) -> Key:
        """What it writes."""
        return self.entity, self.external_id

    @property
    def touches(self) -> tuple[Key, ...]:
        """What its landing may make possible: its own record and the documents it is linked to."""
        return (self.key, *(key for key in self.refers_to if key[0] != "customer"))


class Lane(Struct, kw_only=True):
    """The operations of one customer in one phase, one after the other."""

    customer: str
    phase: int
    next: int
    """Number of the first operation that is not loaded yet."""
    last: int
    rank: int
    queue: deque[Operation] = field(default_factory=deque)

    @property
    def exhausted(self) -> bool:
        """Whether nothing is left, loaded or not."""
        return not self.queue and self.next > self.last

    @property
    def hungry(self) -> bool:
        """Whether more has to be loaded before it can go on."""
        return not self.queue and self.next <= self.last

    def __lt__(self, other: Lane) -> bool:
        return self.rank < other.rank


def references(record: Record) -> tuple[Key, ...]:
    """The records that must exist before this one can be taken."""
    match record:
        case Customer(parent=Reference() as parent):
            return (("customer", str(parent.external_id)),)
        case Invoice(customer=Reference() as customer):
            return (("customer", str(customer.external_id)),)
        case (
            CreditNote(customer=Reference() as customer) | Payment(customer=Reference() as customer)
        ):
            links = record.linked_invoices or []
            return (
                ("customer", str(customer.external_id)),
                *(("invoice", str(link.invoice.external_id)) for link in links),
            )
        case Refund(customer=Reference() as customer):
            return (
                ("customer", str(customer.external_id)),
                *(
                    ("payment", str(link.payment.external_id))
                    for link in record.linked_payments or []
                ),
                *(
                    ("credit_note", str(link.credit_note.external_id))
                    for link in record.linked_credit_notes or []
                ),
            )
    return ()


def with_cleared(payload: bytes, before: bytes | None) -> bytes:
    """The payload, with null for every field that the last one had and this one leaves out."""
    if before is None:
        return payload
    new = msgspec.json.decode(payload)
    gone = msgspec.json.decode(before).keys() - new.keys()
    if not gone:
        return payload
    return msgspec.json.encode({**new, **dict.fromkeys(sorted(gone))})
