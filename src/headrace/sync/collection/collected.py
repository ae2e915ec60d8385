"""What Upflow collected itself: payments and refunds of the API without an external id.

Customers pay in the portal, by card or direct debit, and such a payment is there before the
bookkeeper has booked it. The lists are read newest first and only as far as they are new.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

import msgspec
from msgspec import Struct, field

from headrace.client.endpoints import Reader
from headrace.client.page import Walk, read_page
from headrace.model.entity import BY_NAME, PAYMENT, REFUND, Entity
from headrace.model.fields import link_fields
from headrace.sync.journal import Journal, ListState

COLLECTED_ENTITIES = (REFUND, PAYMENT)
"""What can be collected; refunds first, for a payment that was given back is another matter."""
_NEWEST = 100
"""Ids of the head of a list that are remembered: all of them would have to be deleted for the whole
list to be read again."""
_READINGS = 3


class CollectedLink(Struct, frozen=True):
    """So much of it settles, or gives back, this document; `external_id` empty without one."""

    entity: str
    id: str
    external_id: str
    amount: int


class Collected(Struct, frozen=True, kw_only=True):
    """One of them; its amount in the currency's lowest division."""

    entity: str
    id: str
    customer: str = ""
    """The source's id of its customer; empty when that was made in Upflow."""
    customer_id: str = ""
    customer_name: str = ""
    currency: str
    amount: int
    validated_at: str
    """A moment of ISO 8601, as the API answers it."""
    instrument: str = ""
    reference: str = ""
    created_at: str = ""
    links: list[CollectedLink] = field(default_factory=list)

    @property
    def day(self) -> str:
        """The date of the payment, YYYY-MM-DD."""
        return self.validated_at[:10]


def collected_of(entity: str, item: Mapping[str, Any]) -> Collected:
    """One record as the API answers it."""
    customer = item.get("customer") or {}
    return Collected(
        entity=entity,
        id=str(item["id"]),
        customer=str(customer.get("externalId") or ""),
        customer_id=str(customer.get("id") or ""),
        customer_name=str(customer.get("companyName") or ""),
        currency=str(item.get("currency") or ""),
        amount=int(item.get("amount") or 0),
        validated_at=str(item.get("validatedAt") or item.get("createdAt") or ""),
        instrument=str(item.get("instrument") or ""),
        reference=str(item.get("refNumber") or ""),
        created_at=str(item.get("createdAt") or ""),
        links=[
            CollectedLink(
                field.refers,
                str((link.get(field.reference) or {}).get("id") or ""),
                str((link.get(field.reference) or {}).get("externalId") or ""),
                int(link.get("linkedAmount") or 0),
            )
            for field in link_fields(BY_NAME[entity].record)
            for link in item.get(field.answer) or []
        ],
    )


class Known(Struct):
    """What is known of one entity: collected records by id."""

    records: dict[str, Collected]
    fresh: set[str]
    """Ids that were read just now; the others may have changed since."""
    named: set[str]
    """External ids that were met in the lists just now."""
    total: int = 0


class Lists:
    """Reads the API's lists, and keeps what was collected in the journal."""

    def __init__(self, journal: Journal, reader: Reader) -> None:
        self._journal = journal
        self._reader = reader

    async def look(self, entity: Entity, *, whole: bool = False) -> Known:
        """All that is collected now, by what was read before and what is new in the list.

        The order of the list is not taken for granted: where it is not the newest first, or has
        grown by more than what is new at its head, all of it is read. Raises what the reader
        raises.
        """
        state = None if whole else self._journal.list_state(entity.name)
        pages = await self._read(entity, set(state.newest) if state else set())
        if state is not None and not _is_complete(pages, state):
            pages = await self._read(entity, set())
        for _ in range(_READINGS):
            if not pages.shrank:
                break
            pages = await self._read(entity, set())
        complete = not pages.met
        found = {
            one["id"]: collected_of(entity.name, one)
            for one in pages.items.values()
            if not one.get("externalId")
        }
        named = [id for id, one in pages.items.items() if one.get("externalId")]
        self._journal.keep_collected(
            entity.name,
            [(id, msgspec.json.encode(one)) for id, one in found.items()],
            named,
            ListState(list(pages.items)[:_NEWEST], pages.total),
            whole=complete,
        )
        return Known(
            records=kept(self._journal, entity.name),
            fresh=set(pages.items),
            named={str(pages.items[id]["externalId"]) for id in named},
            total=pages.total,
        )

    async def all(self, since: str) -> list[Collected]:
        """What is collected now of both entities, the newest first; with `since`, a moment of ISO
        8601, only what is newer, and only as much is read. Raises what the reader raises."""
        found: list[Collected] = []
        for entity in COLLECTED_ENTITIES:
            known = await self.look(entity, whole=not since)
            stale = {
                id for id, one in known.records.items() if one.created_at >= since
            } - known.fresh
            if len(stale) * entity.page_cap > known.total:
                known = await self.look(entity, whole=True)
            else:
                await self.look_at(entity, known, sorted(stale))
            found += [one for one in known.records.values() if one.created_at >= since]
        return sorted(found, key=lambda one: (one.created_at, one.id), reverse=True)

    async def look_at(self, entity: Entity, known: Known, ids: Collection[str]) -> None:
        """Reads these records by themselves, so that nothing is built on what is out of date."""
        for id in ids:
            item = await self._reader.find(f"{entity.path}/{id}", entity)
            if item is None or item.get("externalId"):
                known.records.pop(id, None)
                known.named.add(str(item["externalId"] if item else ""))
                self._journal.keep_collected(entity.name, [], [id])
            else:
                known.records[id] = collected_of(entity.name, item)
                content = msgspec.json.encode(known.records[id])
                self._journal.keep_collected(entity.name, [(id, content)], [])
            known.fresh.add(id)

    async def _read(self, entity: Entity, known: set[str]) -> _Pages:
        """From the newest on, until one that is known; all of them when none is."""
        pages, walk = _Pages(), Walk(entity)
        offset = 0
        while True:
            path = f"{entity.path}?offset={offset}&limit={entity.page_cap}"
            page = read_page(await self._reader.get(path), entity)
            pages.shrank = pages.shrank or (offset > 0 and page.total < pages.total)
            pages.total = page.total
            before = len(pages.items)
            for item in page.items:
                pages.add(item, known)
            offset += len(page.items)
            if pages.met or not walk.goes_on(page, offset, len(pages.items) - before):
                return pages


class _Pages:
    """The head of a list, in its order."""

    def __init__(self) -> None:
        self.items: dict[str, dict[str, Any]] = {}
        self.total = 0
        self.met = False
        """Whether one of the known ones was among them."""
        self.shrank = False
        """Whether something was deleted meanwhile: what stood behind it may be on no page."""
        self.new = 0
        """How many stood above it."""
        self.sorted = True
        self._moment = ""

    def add(self, item: dict[str, Any], known: Collection[str]) -> None:
        """The next one of the list; one that was met already has moved to a later page."""
        moment = str(item.get("createdAt") or "")
        self.sorted = self.sorted and (not self._moment or moment <= self._moment)
        self._moment = moment
        self.met = self.met or item["id"] in known
        self.new += not self.met and item["id"] not in self.items
        self.items.setdefault(item["id"], item)


def _is_complete(pages: _Pages, state: ListState) -> bool:
    """Whether nothing new can stand behind what was read."""
    if not pages.met:
        return True  # then it was read to its end
    return pages.sorted and pages.total <= state.total + pages.new


def kept(journal: Journal, entity: str) -> dict[str, Collected]:
    """What the journal remembers, without asking anybody."""
    records = [
        msgspec.json.decode(content, type=Collected) for content in journal.collected(entity)
    ]
    return {one.id: one for one in records}
