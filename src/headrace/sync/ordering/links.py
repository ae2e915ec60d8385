"""The linkage of a record: what its payload says about its links, customer, parent and money."""

from __future__ import annotations

from typing import Any

import msgspec
from msgspec import Struct, field

from headrace.model.entity import ENTITIES, LINKS
from headrace.model.fields import link_fields
from headrace.sync.journal import Key

SETTLEMENTS = tuple(entity.name for entity in ENTITIES if link_fields(entity.record))
"""Entities whose payloads contain links to the documents that they settle."""

_IDS_AROUND = "select external_id from around"
ROWS_AROUND = f"""
select entity, external_id, customer, currency, amount, origin
from book.placed
semi join around using (entity, external_id)
where external_id in ({_IDS_AROUND})
"""
"""Reads the rows of the records in `around` (entity, external_id).

The engine hands an id down through a view, but not a pair of entity and id; with the pair alone it
would read all documents for a few."""
LINKS_AROUND = f"""
select from_entity, from_external_id, to_entity, to_external_id, sum(amount)::bigint
from (
    from book.links
    where from_external_id in ({_IDS_AROUND})
        and (from_entity, from_external_id) in (from around)
    union all
    from book.links
    where to_external_id in ({_IDS_AROUND})
        and (to_entity, to_external_id) in (from around)
        and (from_entity, from_external_id) not in (from around)
)
group by all
"""
"""Reads the links of which either end is in `around`, summed by their ends."""


class Linkage(Struct, frozen=True):
    """A record's customer, parent, money and links."""

    customer: str = ""
    parent: str = ""
    currency: str = ""
    amount: int = 0
    """Amount in the currency's lowest division."""
    links: dict[Key, int] = field(default_factory=dict)
    """Linked amounts, by the record that is settled."""

    @property
    def open(self) -> int:
        """The amount minus the record's own links."""
        return self.amount - sum(self.links.values())


def linkage_of(payload: bytes) -> Linkage:
    """Return the linkage of a payload; other fields are ignored."""
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
