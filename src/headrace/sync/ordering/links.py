"""What ties a record to others, read from its payload."""

from __future__ import annotations

from typing import Any

import msgspec
from msgspec import Struct, field

from headrace.model.entity import ENTITIES, LINKS
from headrace.model.fields import link_fields
from headrace.sync.journal import Key

SETTLEMENTS = tuple(entity.name for entity in ENTITIES if link_fields(entity.record))
"""Entities whose payloads carry links to what they settle."""


class Linkage(Struct, frozen=True):
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


def linkage_of(payload: bytes) -> Linkage:
    """The ties that a record's payload tells of; other fields are not looked at."""
    record = msgspec.json.decode(payload)
    links: dict[Key, int] = {}
    for name, listed in LINKS.items():
        for link in record.get(name) or ():
            target = listed.refers, link[listed.reference]["externalId"]
            links[target] = links.get(target, 0) + link["amountLinked"]
    return Linkage(
        customer=_referred(record, "customer"),
        parent=_referred(record, "parent"),
        currency=record.get("currency") or "",
        amount=record.get("amount") or record.get("grossAmount") or 0,
        links=links,
    )


def _referred(record: dict[str, Any], name: str) -> str:
    reference = record.get(name)
    return str(reference["externalId"]) if reference else ""
