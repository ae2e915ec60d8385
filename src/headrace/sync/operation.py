"""Operations: one request each, with all that delivery has to know about it."""

from __future__ import annotations

from collections import deque
from collections.abc import Collection
from typing import Any

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
    frees: tuple[Key, ...] = ()
    """What it takes an allocation back from, so that others can have it."""
    release: bytes | None = None
    """What the API has, without what it gives back: for when others must have that first."""
    is_release: bool = False
    """Whether it only sends a release; the record stays planned."""
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
        others = (key for key in self.refers_to if key[0] != "customer")
        return (self.key, *others, *self.frees)


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


_CLEARABLE = {
    "customer": {
        "parent_external_id": "parent",
        "account_manager": "accountManagerId",
        "dunning_plan": "dunningPlanId",
    },
    "contact": {"position": "position"},
    "invoice": {"name": "name"},
    "credit_note": {"name": "name", "issued_at": "issuedAt", "due_date": "dueDate"},
    "payment": {"instrument": "instrument", "ref_number": "refNumber"},
    "refund": {"instrument": "instrument", "ref_number": "refNumber"},
}
"""Entity to column to the field that is left out where the column is null."""


def clearable(entity: str, columns: Collection[str]) -> list[str]:
    """Fields that a row may have emptied, by the columns that its model makes."""
    return [field for column, field in _CLEARABLE[entity].items() if column in columns]


def with_cleared(payload: bytes, had: Collection[str]) -> bytes:
    """The payload, with null for every field of `had` that it leaves out."""
    new = msgspec.json.decode(payload)
    gone = set(had) - new.keys() - {"customFields"}
    if not gone:
        return payload
    return msgspec.json.encode({**new, **dict.fromkeys(sorted(gone))})


def with_emptied_values(payload: bytes, before: bytes) -> bytes:
    """The payload, with null for every custom field that only the one before it has a value of:
    fields that are not mentioned keep theirs (api-facts (b), Customer)."""
    old = msgspec.json.decode(before).get("customFields") or []
    if not old:
        return payload
    new = msgspec.json.decode(payload)
    values = new.get("customFields") or []
    kept = {_field_of(value) for value in values}
    gone = [{**value, "value": None} for value in old if _field_of(value) not in kept]
    if not gone:
        return payload
    return msgspec.json.encode({**new, "customFields": [*values, *gone]})


def _field_of(value: dict[str, Any]) -> tuple[str | None, str | None]:
    return value.get("id"), value.get("externalId")


_LINKS = {
    "linkedInvoices": ("invoice", "invoice"),
    "linkedPayments": ("payment", "payment"),
    "linkedCreditNotes": ("creditNote", "credit_note"),
}
"""Field of links to the reference in each link, and what it refers to."""


def released(before: bytes, after: bytes) -> tuple[tuple[Key, ...], bytes | None]:
    """What the new payload takes allocations back from, and the old one without those.

    All of them when the record changes its customer. None when it takes nothing back.
    """
    old, new = msgspec.json.decode(before), msgspec.json.decode(after)
    moves = old.get("customer") != new.get("customer")
    frees: list[Key] = []
    for name, (reference, entity) in _LINKS.items():
        kept = {}
        if not moves:
            for link in new.get(name) or []:
                kept[link[reference]["externalId"]] = link["amountLinked"]
        rest = []
        for link in old.get(name) or []:
            external_id = link[reference]["externalId"]
            amount = min(link["amountLinked"], kept.get(external_id, 0))
            if amount < link["amountLinked"]:
                frees.append((entity, external_id))
            if amount:
                rest.append({**link, "amountLinked": amount})
        if name in old:
            old[name] = rest
    return tuple(frees), msgspec.json.encode(old) if frees else None
