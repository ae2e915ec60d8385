"""Drift: what the API really holds, against what the journal says that it was told.

People change things in Upflow, and other programs too. Every record that was delivered is listed
and compared field by field; what they made there themselves is counted and left alone.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import msgspec
from msgspec import Struct, field

from headrace.book.book import Book
from headrace.book.payloads import Payloads, encode_payload
from headrace.client.endpoints import Reader
from headrace.model.clock import Clock, format_instant
from headrace.model.entity import CUSTOMER, ENTITIES, Entity
from headrace.sync.echo import kept_otherwise
from headrace.sync.journal import Drift, Journal, Told


class Gone(Struct, frozen=True):
    """A record that was delivered and is no longer there."""

    entity: str
    external_id: str


class Stranger(Struct, frozen=True):
    """A record of the API that the journal does not know; `external_id` may be missing."""

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

    @property
    def empty(self) -> bool:
        """Whether the API has what it was told; strangers don't count."""
        return not self.drifted and not self.gone


class DriftFinder:
    """Reads every page of the API; the book serves where the journal keeps no payloads."""

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
        """Compares everything; raises what the reader raises. `watch` is told of each page."""
        self._connection.execute(
            "create or replace table plan.seen (entity varchar, external_id varchar)"
        )
        for entity in ENTITIES:
            read = 0
            async for page in self._reader.pages(entity):
                self._compare(entity, page)
                read += len(page)
                watch(entity.name, read)
        return DriftReport(
            organisation=organisation,
            made_at=format_instant(self._clock.now()),
            compared=self._compared,
            drifted=self._drifted,
            gone=self._gone(),
            strangers=self._strangers,
        )

    def _compare(self, entity: Entity, page: list[dict[str, Any]]) -> None:
        if entity is CUSTOMER:
            self._customers |= {item["id"]: item.get("externalId") for item in page}
        named = {str(item["externalId"]): item for item in page if item.get("externalId")}
        told = self._journal.told([(entity.name, external_id) for external_id in named])
        bodies = self._bodies(entity, told)
        for item in page:
            external_id = item.get("externalId")
            if (entity.name, external_id) not in told:
                shown = item.get("customId") or item.get("name") or ""
                self._strangers.append(
                    Stranger(entity.name, str(item["id"]), external_id, str(shown))
                )
        for (_, external_id), body in bodies.items():
            self._compared += 1
            answer = msgspec.json.encode(with_customer(named[external_id], self._customers))
            if fields := kept_otherwise(body, answer):
                self._drifted.append(Drift(entity.name, external_id, fields))
        self._connection.execute(
            "insert into plan.seen select $1, unnest($2::varchar[])",
            [entity.name, [external_id for _, external_id in told]],
        )

    def _bodies(
        self, entity: Entity, told: dict[tuple[str, str], Told]
    ) -> dict[tuple[str, str], bytes]:
        """What was told; by the book where only the hash was kept, and is still the same."""
        bodies = {key: one.payload for key, one in told.items() if one.payload is not None}
        unkept = [external_id for (_, external_id), one in told.items() if one.payload is None]
        for external_id, record in self._payloads.fetch(entity.name, unkept).items():
            body, hash = encode_payload(record)
            if hash == told[entity.name, external_id].hash:
                bodies[entity.name, external_id] = body
        return bodies

    def _gone(self) -> list[Gone]:
        rows = self._connection.execute(
            "select told.entity, told.external_id from staging.told as told "
            "anti join plan.seen as seen using (entity, external_id) "
            "where list_contains($1::varchar[], told.entity) order by all",
            [[entity.name for entity in ENTITIES]],
        ).fetchall()
        return [Gone(entity, external_id) for entity, external_id in rows]


def with_customer(item: dict[str, Any], customers: Mapping[str, str | None]) -> dict[str, Any]:
    """The API's record as payloads are: an invoice names its customer by the API's id alone.

    `customers` are external ids by that id.
    """
    if "customerId" not in item:
        return item
    return {**item, "customer": {"externalId": customers.get(item["customerId"])}}
