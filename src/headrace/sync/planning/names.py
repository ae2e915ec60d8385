"""Human-readable names of records: the customer's name, the document's number and its money.

A record is identified by its entity and external id. People rarely know these ids.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from importlib import resources
from typing import TypeVar

import duckdb
import msgspec
from msgspec import Struct

from headrace.book.queries.rows import KEY_COLUMNS, make_table
from headrace.model.repeated import run
from headrace.sync.collection.claims import Claim
from headrace.sync.journal import Journal, Key, Reject
from headrace.sync.operations.pdf_digests import PDF_OF
from headrace.sync.ordering.links import linkage_of
from headrace.sync.planning.plan import Withheld

_NAMED = resources.files("headrace.sync.planning").joinpath("sql", "named.sql").read_text("utf-8")


class Name(Struct, frozen=True):
    """A record as people know it; unknown fields are empty."""

    customer: str = ""
    """External id of the customer that owns the record; a customer's own id."""
    customer_name: str = ""
    number: str = ""
    """Number of an invoice or credit note; reference of a payment or refund."""
    currency: str = ""
    amount: int | None = None
    """Amount in the currency's lowest division."""


UNKNOWN = Name()
Named = TypeVar("Named", Withheld, Claim)


class _Titles(Struct, rename="camel"):
    name: str | None = None
    custom_id: str | None = None
    ref_number: str | None = None


_TITLES = msgspec.json.Decoder(_Titles)


def payload_name(entity: str, payload: bytes, customer_name: str = "") -> Name:
    """Return the name that a record's payload contains.

    A document's payload does not contain its customer's name, so the caller passes it.
    """
    titles, linkage = _TITLES.decode(payload), linkage_of(payload)
    if entity == "customer":
        return Name(customer_name=titles.name or "")
    return Name(
        linkage.customer,
        customer_name,
        titles.custom_id or titles.ref_number or "",
        linkage.currency,
        linkage.amount if linkage.currency else None,
    )


def acknowledged_names(journal: Journal, keys: Iterable[Key]) -> dict[Key, Name]:
    """Return the names of acknowledged records; only customers' where payloads are not kept."""
    acknowledged = journal.acknowledged(list(keys))
    owners = {record.customer for record in acknowledged.values() if record.customer}
    customers = customer_names(journal, owners)
    found: dict[Key, Name] = {}
    for key, record in acknowledged.items():
        owner = customers.get(record.customer, "")
        if record.payload is not None and key[0] not in ("contact", *PDF_OF):
            name = payload_name(key[0], record.payload, owner)
        else:
            name = Name(customer_name=owner)
        found[key] = msgspec.structs.replace(name, customer=record.customer)
    return found


def customer_names(journal: Journal, customers: Iterable[str]) -> dict[str, str]:
    """Return customers' names by external id, from the payloads that the journal kept."""
    acknowledged = journal.acknowledged(
        [("customer", external_id) for external_id in sorted(set(customers))]
    )
    return {
        key[1]: _TITLES.decode(record.payload).name or ""
        for key, record in acknowledged.items()
        if record.payload is not None
    }


def refused_names(journal: Journal, rejects: Sequence[Reject]) -> dict[Key, Name]:
    """Return the names of rejected records, from the refused payload or the acknowledged one."""
    sent = {
        reject.key: payload_name(reject.entity, reject.payload)
        for reject in rejects
        if reject.payload is not None and reject.entity not in ("contact", *PDF_OF)
    }
    customers = customer_names(
        journal, (name.customer for name in sent.values() if not name.customer_name)
    )
    customers |= {key[1]: name.customer_name for key, name in sent.items() if key[0] == "customer"}
    named = {
        key: msgspec.structs.replace(name, customer_name=customers.get(name.customer, ""))
        if name.customer
        else name
        for key, name in sent.items()
    }
    rest = [reject.key for reject in rejects if reject.key not in named]
    return {**(acknowledged_names(journal, rest) if rest else {}), **named}


class Names:
    """Looks up names in the book, and in the journal for records that left the source."""

    def __init__(self, connection: duckdb.DuckDBPyConnection, journal: Journal) -> None:
        self._connection = connection
        self._journal = journal

    def of(self, keys: Sequence[Key]) -> Mapping[Key, Name]:
        """Return the names of these records; a PDF has its document's name.

        A key of the entity `link` holds both of its ends. Reads the book's documents once, whatever
        the number of keys, and not at all without keys.
        """
        if not keys:
            return {}
        documents = {key: _documents(key) for key in keys}
        asked = sorted({one for those in documents.values() for one in those})
        make_table(self._connection, "temp table asked", KEY_COLUMNS, asked)
        found: dict[Key, Name] = {
            (entity, external_id): Name(*name)
            for entity, external_id, *name in run(self._connection, _NAMED).fetchall()
        }
        gone = [key for key in asked if key not in found]
        found |= acknowledged_names(self._journal, gone) if gone else {}
        return {
            key: _name_of([found.get(document, UNKNOWN) for document in those])
            for key, those in documents.items()
        }

    def named(self, records: Sequence[Named]) -> list[Named]:
        """Return the same records with their names filled in."""
        names = self.of([(record.entity, record.external_id) for record in records])
        return [
            msgspec.structs.replace(
                record, **msgspec.structs.asdict(names[record.entity, record.external_id])
            )
            for record in records
        ]


def _documents(key: Key) -> list[Key]:
    entity, external_id = key
    if entity != "link":
        return [(PDF_OF.get(entity, entity), external_id)]
    ends = (end.partition(" ") for end in external_id.split(" → ", 1))
    return [(entity, own) for entity, _, own in ends]


def _name_of(documents: Sequence[Name]) -> Name:
    """Return a record's name, or a link's: the paying customer and the settled document's number.

    A link has no amount here, because the amounts of its ends are not the link's.
    """
    first, *others = documents
    if not others:
        return first
    return Name(first.customer, first.customer_name, others[-1].number)
