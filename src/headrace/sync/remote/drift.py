"""Finds drift: differences between what the API has and what it acknowledged.

People and other programs change records in Upflow. Every delivered record is compared field by
field. Records that others created there are counted and left alone.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import msgspec
from msgspec import Struct, field

from headrace.book.book import Book
from headrace.book.payloads.payloads import Payloads, encode_payload
from headrace.client.endpoints import Reader, external_path
from headrace.model.clock import Clock, format_instant
from headrace.model.entity import BY_NAME, CUSTOMER, ENTITIES, Entity
from headrace.sync.journal import Acknowledged, Drift, Journal
from headrace.sync.operations.response_check import differing_fields

LOOK_UPS = 300
"""Maximum number of records that are read once more by themselves: half a minute of requests at
Upflow's rate limit."""


class Gone(Struct, frozen=True):
    """A delivered record that the API no longer has."""

    entity: str
    external_id: str


class Stranger(Struct, frozen=True):
    """A record of the API that is not in the journal; it may have an `external_id`."""

    entity: str
    id: str
    external_id: str | None
    shown: str
    """Its name or number."""


class DriftReport(Struct, frozen=True, kw_only=True):
    """All differences of one organisation."""

    organisation: str
    made_at: str
    compared: int
    drifted: list[Drift] = field(default_factory=list)
    gone: list[Gone] = field(default_factory=list)
    strangers: list[Stranger] = field(default_factory=list)
    not_looked_up: int = 0
    """Number of differing or missing records beyond `LOOK_UPS`, which were not read once more. Such
    a difference may come from a list that changed while it was read."""

    @property
    def empty(self) -> bool:
        """Whether the API has everything that it acknowledged; other records don't count."""
        return not self.drifted and not self.gone


class DriftFinder:
    """Reads every page of the API and compares it with the journal.

    Where the journal keeps no payloads, the book's payload is used if its hash is the acknowledged
    one.
    """

    def __init__(self, book: Book, journal: Journal, reader: Reader, clock: Clock) -> None:
        self._connection = book.connection
        self._payloads = Payloads(book.connection, book.columns)
        self._journal = journal
        self._reader = reader
        self._clock = clock
        self._customers: dict[str, str | None] = {}
        self._compared = 0
        self._drifted: list[Drift] = []
        self._strangers: list[Stranger] = []

    async def find(
        self, organisation: str, watch: Callable[[str, int], None] = lambda entity, read: None
    ) -> DriftReport:
        """Compare everything. Calls `watch(entity, records read)` after each page.

        Raises whatever the reader raises.
        """
        self._connection.execute(
            "create or replace table plan.seen (entity varchar, external_id varchar)"
        )
        for entity in ENTITIES:
            read = 0
            async for page in self._reader.pages(entity):
                self._compare(entity, page)
                read += len(page)
                watch(entity.name, read)
        missing = self._gone()
        suspects = [(one.entity, one.external_id) for one in missing + self._drifted]
        gone, drifted = await self._second_look(suspects[:LOOK_UPS])
        looked = set(suspects[:LOOK_UPS])
        self._compared += sum(one not in gone for one in missing[:LOOK_UPS])
        return DriftReport(
            organisation=organisation,
            made_at=format_instant(self._clock.now()),
            compared=self._compared,
            drifted=drifted
            + [one for one in self._drifted if (one.entity, one.external_id) not in looked],
            gone=sorted(gone, key=lambda one: (one.entity, one.external_id)) + missing[LOOK_UPS:],
            strangers=self._strangers,
            not_looked_up=len(suspects) - len(looked),
        )

    def _compare(self, entity: Entity, page: list[dict[str, Any]]) -> None:
        if entity is CUSTOMER:
            self._customers |= {item["id"]: item.get("externalId") for item in page}
        named = {str(item["externalId"]): item for item in page if item.get("externalId")}
        acknowledged = self._journal.acknowledged(
            [(entity.name, external_id) for external_id in named]
        )
        bodies = self._bodies(entity, acknowledged)
        for item in page:
            external_id = item.get("externalId")
            if (entity.name, external_id) not in acknowledged:
                shown = item.get("customId") or item.get("name") or ""
                self._strangers.append(
                    Stranger(entity.name, str(item["id"]), external_id, str(shown))
                )
        self._compared += len(bodies)
        self._drifted += self._judge(named, bodies)
        self._connection.execute(
            "insert into plan.seen select $1, unnest($2::varchar[])",
            [entity.name, [external_id for _, external_id in acknowledged]],
        )

    def _judge(
        self, named: Mapping[str, dict[str, Any]], bodies: Mapping[tuple[str, str], bytes]
    ) -> list[Drift]:
        """Return the records whose answer, by external id, differs from the payload."""
        found = []
        for (entity, external_id), body in bodies.items():
            answer = msgspec.json.encode(with_customer(named[external_id], self._customers))
            if fields := differing_fields(body, answer):
                found.append(Drift(entity, external_id, fields))
        return found

    async def _second_look(
        self, suspects: Sequence[tuple[str, str]]
    ) -> tuple[list[Gone], list[Drift]]:
        """Read each suspect by itself; return those that are really missing or different.

        A list may change while its pages are read, so it can miss a record or show an old state.
        """
        gone, drifted = [], []
        for name, external_id in suspects:
            entity = BY_NAME[name]
            item = await self._reader.find(external_path(entity, external_id), entity)
            if item is None:
                gone.append(Gone(name, external_id))
                continue
            customer = item.get("customerId")
            if customer is not None and customer not in self._customers:
                found = await self._reader.find(f"{CUSTOMER.path}/{customer}", CUSTOMER)
                self._customers[customer] = found.get("externalId") if found else None
            acknowledged = self._journal.acknowledged([(name, external_id)])
            drifted += self._judge({external_id: item}, self._bodies(entity, acknowledged))
        return gone, drifted

    def _bodies(
        self, entity: Entity, acknowledged: dict[tuple[str, str], Acknowledged]
    ) -> dict[tuple[str, str], bytes]:
        """Return acknowledged payloads, from the book where the journal kept only an equal hash."""
        bodies = {key: one.payload for key, one in acknowledged.items() if one.payload is not None}
        unkept = [
            external_id for (_, external_id), one in acknowledged.items() if one.payload is None
        ]
        for external_id, record in self._payloads.fetch(entity.name, unkept).items():
            body, hash = encode_payload(record)
            if hash == acknowledged[entity.name, external_id].hash:
                bodies[entity.name, external_id] = body
        return bodies

    def _gone(self) -> list[Gone]:
        rows = self._connection.execute(
            "select acknowledged.entity, acknowledged.external_id "
            "from staging.acknowledged as acknowledged "
            "anti join plan.seen as seen using (entity, external_id) "
            "where list_contains($1::varchar[], acknowledged.entity) order by all",
            [[entity.name for entity in ENTITIES]],
        ).fetchall()
        return [Gone(entity, external_id) for entity, external_id in rows]


def with_customer(item: dict[str, Any], customers: Mapping[str, str | None]) -> dict[str, Any]:
    """Return the API's record with its customer in the form of a payload.

    Invoices of the API name their customer by the API's id only. `customers` has the external ids
    by these ids.
    """
    if "customerId" not in item:
        return item
    return {**item, "customer": {"externalId": customers.get(item["customerId"])}}
