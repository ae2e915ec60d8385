"""Collected records: payments and refunds of the API without an external id.

Customers pay in the portal, by card or direct debit, so such a payment is at the API before it is
booked in the source. The lists are read from the newest record on, and only the new part of them.
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
"""Entities that can be collected. Refunds come first, because a refunded payment is judged
differently."""
_NEWEST = 100
"""Number of ids at the head of a list that are remembered. The whole list is read again only if all
of them were deleted."""
_READINGS = 3


class CollectedLink(Struct, frozen=True):
    """A link of a collected record; `external_id` is empty if the document has none."""

    entity: str
    id: str
    external_id: str
    amount: int


class Collected(Struct, frozen=True, kw_only=True):
    """A collected record; its amount is in the currency's lowest division."""

    entity: str
    id: str
    customer: str = ""
    """External id of its customer; empty if the customer was created in Upflow."""
    customer_id: str = ""
    customer_name: str = ""
    currency: str
    amount: int
    validated_at: str
    """Time in ISO 8601, as the API answers it."""
    instrument: str = ""
    reference: str = ""
    created_at: str = ""
    links: list[CollectedLink] = field(default_factory=list)

    @property
    def day(self) -> str:
        """The date of the payment, YYYY-MM-DD."""
        return self.validated_at[:10]


def collected_of(entity: str, item: Mapping[str, Any]) -> Collected:
    """Return a collected record from the API's answer."""
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
    """The collected records of one entity, by id."""

    records: dict[str, Collected]
    fresh: set[str]
    """Ids of records that were read just now; the others may have changed since."""
    named: set[str]
    """External ids seen in the list just now."""
    total: int = 0
    """Length of the list at the API."""


class Lists:
    """Reads the API's lists, and keeps the collected records in the journal."""

    def __init__(self, journal: Journal, reader: Reader) -> None:
        self._journal = journal
        self._reader = reader

    async def look(self, entity: Entity, *, whole: bool = False) -> Known:
        """Return the collected records, from earlier reads and from the new part of the list.

        The order of the list is checked and not assumed. The whole list is read if it is not sorted
        from the newest on, or if it has grown by more than the records at its head. Raises whatever
        the reader raises.
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
        """Return the collected records of both entities, the newest first.

        `since` is a time in ISO 8601: only newer records are returned, and only that part of the
        lists is read. Raises whatever the reader raises.
        """
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
        """Read these records again by their ids, because they may have changed."""
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
        """Read the list from the newest record on until a known id; all of it if there is none."""
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
        """Whether a known id was among the items."""
        self.shrank = False
        """Whether a record was deleted meanwhile, so that a page may have skipped another."""
        self.new = 0
        """Number of items above the first known one."""
        self.sorted = True
        self._moment = ""

    def add(self, item: dict[str, Any], known: Collection[str]) -> None:
        """Add the next item; one that moved to a later page meanwhile is not counted again."""
        moment = str(item.get("createdAt") or "")
        self.sorted = self.sorted and (not self._moment or moment <= self._moment)
        self._moment = moment
        self.met = self.met or item["id"] in known
        self.new += not self.met and item["id"] not in self.items
        self.items.setdefault(item["id"], item)


def _is_complete(pages: _Pages, state: ListState) -> bool:
    """Whether the part of the list that was not read can't contain a new record."""
    if not pages.met:
        return True  # then it was read to its end
    return pages.sorted and pages.total <= state.total + pages.new


def kept(journal: Journal, entity: str) -> dict[str, Collected]:
    """Return the collected records that the journal has, by id; sends no request."""
    records = [
        msgspec.json.decode(content, type=Collected) for content in journal.collected(entity)
    ]
    return {one.id: one for one in records}
