"""Adopting: fills the journal from an API that already holds data.

Records that the API has under an external id of the book are recorded as acknowledged, so that only
differences are sent. Records that the source does not know are never recorded: a record that is in
the journal and not in the source would be deleted by the next plan.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import msgspec
from msgspec import Struct, field

from headrace.book.book import Book
from headrace.book.payloads.contact_keys import contact_key, customer_of
from headrace.book.payloads.payloads import Payloads, encode_payload
from headrace.client.endpoints import Reader
from headrace.model.entity import CUSTOMER, ENTITIES, Entity
from headrace.model.errors import ConfigurationError
from headrace.sync.journal import Adopted, Drift, Journal
from headrace.sync.operations.response_check import Differs, differing_fields, unshown
from headrace.sync.operations.update import clearable, with_cleared
from headrace.sync.remote.drift import with_customer
from headrace.sync.remote.proposals import Proposal, Proposer, Unlinked, unlinked

_UNSHOWN = "(not shown)"


class Adoption(Struct, frozen=True, kw_only=True):
    """The comparison of one organisation's API with the book."""

    organisation: str
    known: int
    """Number of records that the journal already had."""
    same: int
    """Number of other records that equal the source's."""
    differing: list[Drift] = field(default_factory=list)
    """Other records that the next `apply` updates; fields are (name, source, API)."""
    proposals: list[Proposal] = field(default_factory=list)
    strangers: int = 0
    """Number of records that match no record of the source; they are left alone."""
    free: list[tuple[str, str]] = field(default_factory=list)
    """(entity, id) of the API's records without an external id."""

    def checked(self, chosen: Sequence[Proposal], proposer: Proposer) -> Sequence[Proposal]:
        """Return the chosen proposals. Raises ConfigurationError if one can't be carried out."""
        free = set(self.free)
        used: set[tuple[str, str, str]] = set()
        for one in chosen:
            ends = {("id", one.entity, one.id), ("external_id", one.entity, one.external_id)}
            problem = None
            if (one.entity, one.id) not in free:
                problem = f"the API has no {one.entity} {one.id} without an external id"
            elif not proposer.is_free((one.entity, one.external_id)):
                problem = f"{one.entity} {one.external_id} can't be linked: it is withheld, missing"
                problem += " in the source, or in the API already"
            elif ends & used:
                problem = f"{one.entity} {one.external_id} or {one.id} is named twice"
            if problem:
                raise ConfigurationError(
                    f"Nothing was linked: {problem}. Delete the row, or list the proposals again "
                    "with `headrace adopt --proposals FILE`."
                )
            used |= ends
        return chosen


class Adopter:
    """Reads every page of the API once; with `write`, records the matches page by page."""

    def __init__(self, book: Book, journal: Journal, reader: Reader, write: bool) -> None:
        self._connection = book.connection
        self._columns = book.columns
        self._payloads = Payloads(book.connection, book.columns)
        self._journal = journal
        self._reader = reader
        self._write = write
        self._customers: dict[str, str | None] = {}
        self._known = self._same = self._strangers = 0
        self._differing: list[Drift] = []
        self._unlinked: list[Unlinked] = []

    async def find(self, organisation: str, watch: Callable[[str, int], None]) -> Adoption:
        """Compare everything. Calls `watch(entity, records read)` after each page.

        Raises whatever the reader raises.
        """
        self._connection.execute(
            "create or replace table plan.seen (entity varchar, external_id varchar)"
        )
        for entity in ENTITIES:
            read = 0
            async for page in self._reader.pages(entity):
                self._take(entity, page)
                read += len(page)
                watch(entity.name, read)
        proposals = Proposer(self._connection).propose(self._unlinked, self._customers)
        return Adoption(
            organisation=organisation,
            known=self._known,
            same=self._same,
            differing=self._differing,
            proposals=proposals,
            strangers=self._strangers - len(proposals),
            free=[(one.entity, one.id) for one in self._unlinked],
        )

    def _take(self, entity: Entity, page: list[dict[str, Any]]) -> None:
        named: dict[str, dict[str, Any]] = {}
        contacts: dict[str, dict[str, Any]] = {}
        for item in page:
            external_id = item.get("externalId")
            if entity is CUSTOMER:
                self._customers[item["id"]] = external_id
                for one in item.get("contacts") or [] if external_id else []:
                    if one.get("externalId"):
                        contacts[contact_key(str(external_id), str(one["externalId"]))] = one
            if external_id:
                named[str(external_id)] = with_customer(item, self._customers)
            else:
                self._unlinked.append(unlinked(entity.name, item))
                self._strangers += 1
        self._connection.execute(
            "insert into plan.seen select $1, unnest($2::varchar[])", [entity.name, list(named)]
        )
        self._strangers += len(named) - self._match(entity.name, named)
        self._match("contact", contacts)

    def _match(self, entity: str, items: Mapping[str, dict[str, Any]]) -> int:
        """Match records with the book and the journal; returns the number of matches."""
        acknowledged = self._journal.acknowledged([(entity, external_id) for external_id in items])
        self._known += len(acknowledged)
        rows = self._connection.execute(
            "select external_id, fingerprint from book.fingerprints "
            "anti join book.withheld using (entity, external_id) "
            "where entity = $1 and list_contains($2::varchar[], external_id)",
            [entity, [x for x in items if (entity, x) not in acknowledged]],
        ).fetchall()
        records = self._payloads.fetch(entity, [external_id for external_id, _ in rows])
        adopted = []
        for external_id, fingerprint in rows:
            body, hash = encode_payload(records[external_id])
            item = items[external_id]
            owner = _owner(entity, external_id, msgspec.json.decode(body))
            if fields := self._differences(entity, body, item):
                self._differing.append(Drift(entity, external_id, fields))
                adopted.append(Adopted(entity, external_id, owner))
            else:
                self._same += 1
                adopted.append(Adopted(entity, external_id, owner, fingerprint, hash, body))
        if self._write and adopted:
            self._journal.adopt(adopted)
        return len(acknowledged) + len(rows)

    def _differences(self, entity: str, body: bytes, item: dict[str, Any]) -> Differs:
        """Return the differences, including fields that the source leaves empty or the list hides.

        A field that the list does not show counts as different, because it may be anything.
        """
        columns = self._columns.get(f"{entity}s", frozenset())
        whole = with_cleared(body, clearable(entity, columns))
        hidden = [(name, "set", _UNSHOWN) for name in unshown(body, item)]
        return differing_fields(whole, msgspec.json.encode(item)) + hidden


def _owner(entity: str, external_id: str, body: dict[str, Any]) -> str:
    """Return the customer in whose lane the record is sent."""
    if entity == "contact":
        return customer_of(external_id)
    return str(body["customer"]["externalId"]) if "customer" in body else external_id
