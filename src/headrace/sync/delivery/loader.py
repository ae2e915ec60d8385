"""Loads the plan's lanes in their order, in slices.

Memory is bounded for plans of any size: lanes are read in slices, and of a long lane only the next
few hundred operations are built.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from types import MappingProxyType
from typing import Any

import msgspec

from headrace.book.book import Book
from headrace.book.payloads.payloads import Built, Payloads, encode_payload, payload_hash
from headrace.model.repeated import run
from headrace.sync.journal import Journal, Key
from headrace.sync.operations.operation import Lane, Operation, references
from headrace.sync.operations.pdf_digests import PDF_OF, PdfDigests
from headrace.sync.operations.update import (
    LinkChange,
    clearable,
    link_change,
    link_change_of_deleted,
    unknown_link_change,
    with_cleared,
    with_emptied_contacts,
    with_emptied_values,
    with_late_links_out,
    with_own_links,
    without_links,
)
from headrace.sync.ordering.resolver import divided

Claims = dict[Key, tuple[str, bool, list[list[str]]]]
_SLICE = 500
"""Operations per slice."""
_PER_LANE = 400
"""Operations per slice of one lane, at most."""


class Loader:
    """Reads `plan.lanes` and `plan.operations` and builds the payloads of the next operations."""

    def __init__(
        self, book: Book, journal: Journal, built: Mapping[Key, Built] = MappingProxyType({})
    ) -> None:
        """`built` are payloads of this very book; those of other records are built here."""
        self.pdfs = PdfDigests(book.connection, book.pdf_places)
        self._connection = book.connection
        self._payloads = Payloads(book.connection, book.columns)
        self._columns = book.columns
        self._journal = journal
        self._built = built
        self._rank = 0
        self.ended = False
        """Whether all lanes were returned."""
        self._asked = journal.asked()
        """Requests of an earlier run that were sent without an answer, by record."""
        self.awaited = {
            number for (number,) in self._rows("select distinct on_number from plan.waits")
        }
        """Numbers of operations for which other lanes wait."""

        self._divided = divided(book.connection)
        self._unsaid_parents = {
            ("customer", external_id)
            for (external_id,) in self._rows("select external_id from book.unsaid_parents")
        }
        """Customers whose parent is in error and unknown at the API: the payload leaves it out."""

    def next_lanes(self) -> list[Lane]:
        """Return the next lanes in order, not loaded yet; empty at the end."""
        lanes: list[Lane] = []
        size = 0
        for customer, phase, first, last in self._rows(
            "select customer, phase, first, last from plan.lanes "
            f"order by first limit {_SLICE} offset {self._rank}"
        ):
            if lanes and (size > _SLICE or lanes[-1].phase != phase):
                break
            lanes.append(
                Lane(customer=customer, phase=phase, next=first, last=last, rank=self._rank)
            )
            size += min(last - first + 1, _PER_LANE)
            self._rank += 1
        self.ended = not lanes
        return lanes

    def load(self, lanes: Sequence[Lane]) -> None:
        """Fill the lanes with their next operations."""
        if not lanes:
            return
        ranges = [(lane.next, min(lane.last, lane.next + _PER_LANE - 1)) for lane in lanes]
        low, high = min(a for a, _ in ranges), max(b for _, b in ranges)
        run(
            self._connection,
            "create or replace temp table ranges as "
            "select unnest($1::bigint[]) as first, unnest($2::bigint[]) as last",
            [[a for a, _ in ranges], [b for _, b in ranges]],
        )
        run(
            self._connection,
            "create or replace temp table slice as select o.number, o.entity, o.external_id, "
            "o.action, o.customer, o.fingerprint from plan.operations as o "
            "join ranges on o.number between ranges.first and ranges.last "
            f"where o.number between {low} and {high}",
        )
        operations = self._build()
        for lane, (_, last) in zip(lanes, ranges, strict=True):
            lane.queue.extend(operations[number] for number in range(lane.next, last + 1))
            lane.next = last + 1

    def _build(self) -> dict[int, Operation]:
        rows = self._rows("from slice")
        waits: dict[int, list[int]] = {}
        if self.awaited:
            for number, on_number in self._rows(
                "select number, on_number from plan.waits semi join slice using (number)"
            ):
                waits.setdefault(number, []).append(on_number)
        built = self._payloads_of({(row[1], row[2]) for row in rows if row[3] != "delete"})
        acknowledged = self._journal.acknowledged(
            [(row[1], row[2]) for row in rows if row[3] != "create"]
        )
        claims = self._claims()
        operations = {}
        for number, entity, external_id, action, customer, fingerprint in rows:
            operation = Operation(
                number=number,
                entity=entity,
                external_id=external_id,
                action="update" if action == "link" else action,
                customer=customer,
                fingerprint=fingerprint,
                waits_for=tuple(waits.get(number, ())),
                is_unsure=(entity, external_id) in self._asked,
                follows=action == "link",
                keeps_parent=(entity, external_id) in self._unsaid_parents,
            )
            if entity in PDF_OF:
                operation.refers_to = ((PDF_OF[entity], external_id),)
            elif action == "delete":
                _bind(operation, link_change_of_deleted(acknowledged[operation.key].payload))
            else:
                record, operation.payload, operation.hash = built[operation.key]
                operation.refers_to = references(record)
                if entity == "contact":
                    operation.refers_to = (("customer", customer),)
                operation.body = operation.payload
                before = (
                    acknowledged[operation.key].payload if operation.key in acknowledged else None
                )
                if action == "release":
                    also = self._divided.given_back.get(operation.key, ())
                    _give_back(operation, before, also)
                else:
                    self._complete(operation, before, operation.key in acknowledged, claims)
            operations[number] = operation
        return operations

    def _payloads_of(self, keys: Collection[Key]) -> dict[Key, Built]:
        found = {key: self._built[key] for key in keys if key in self._built}
        for entity in sorted({key[0] for key in keys} - PDF_OF.keys()):
            wanted = [key[1] for key in keys if key[0] == entity and key not in found]
            for external_id, record in self._payloads.fetch(entity, wanted).items():
                found[entity, external_id] = Built(record, *encode_payload(record))
        return found

    def _complete(
        self, operation: Operation, before: bytes | None, is_acknowledged: bool, claims: Claims
    ) -> None:
        """Complete a record's own request, or the one that adds its late links."""
        key = operation.key
        if key in self._divided.late and not operation.follows:
            self._leave_out(operation, before)
        if key in claims and operation.follows:
            # The record has both ids since its own request was acknowledged.
            operation.rebinds = True
            if claims[key][1]:
                operation.payload = operation.body = without_links(operation.payload or b"{}")
        elif key in claims:
            _claim(operation, *claims[key])
        elif not is_acknowledged and key in self._asked:
            # A create without an answer may have been carried out, with values from back then.
            self._compare(operation, self._asked[key].payload)
        elif is_acknowledged:
            self._compare(operation, before)
        elif operation.follows:
            operation.rebinds = True

    def _leave_out(self, operation: Operation, before: bytes | None) -> None:
        """Remove the late links, which a later request of the record adds."""
        assert operation.payload is not None
        late = self._divided.late[operation.key]
        also = self._divided.given_back.get(operation.key, ())
        payload = with_late_links_out(operation.payload, before, late, also)
        operation.payload = operation.body = payload
        operation.hash = payload_hash(payload)
        operation.refers_to = tuple(key for key in operation.refers_to if key not in late)
        operation.is_part = True

    def _claims(self) -> Claims:
        """Return the claims of the slice: the API's id, whether links there are kept, and which
        ones it may give back."""
        rows = self._rows(
            "select entity, external_id, id, keeps_links, frees from plan.claims "
            "semi join slice using (entity, external_id)"
        )
        return {(entity, external_id): tuple(rest) for entity, external_id, *rest in rows}

    def _compare(self, operation: Operation, before: bytes | None) -> None:
        """Add what the update clears and gives back, by comparing it with the payload before.

        Where the journal kept no payload, it clears every empty field that the model has.
        """
        payload = operation.payload or b"{}"
        columns = self._columns.get(f"{operation.entity}s", frozenset())
        if before is None:
            cleared = clearable(operation.entity, columns)
            if operation.keeps_parent:
                cleared.remove("parent")
            body = with_cleared(payload, cleared)
            _bind(operation, unknown_link_change(payload))
        else:
            payload = with_own_links(payload, before)
            operation.payload = payload
            # A field that the model no longer has is left as it is at the API.
            cleared = clearable(operation.entity, columns)
            had = msgspec.json.decode(before).keys()
            body = with_cleared(payload, [field for field in cleared if field in had])
            if "custom_fields" in columns:
                operation.payload, body = with_emptied_values(
                    payload,
                    body,
                    before,
                    lambda: self._payloads.unread_fields(operation.external_id),
                )
            _bind(operation, link_change(before, payload))
        of_contacts = self._columns.get("contacts", frozenset())
        operation.body = with_emptied_contacts(body, before, of_contacts)

    def _rows(self, sql: str) -> list[Any]:
        return run(self._connection, sql).fetchall()


def _claim(operation: Operation, id: str, keeps_links: bool, frees: list[list[str]]) -> None:
    """Add the API's id, so that the record becomes the collected one. Idempotent."""
    assert operation.payload is not None
    operation.rebinds = True
    operation.frees = tuple((entity, external_id) for entity, external_id in frees)
    if keeps_links:
        operation.payload = without_links(operation.payload)
    operation.claims = id
    operation.body = msgspec.json.encode({**msgspec.json.decode(operation.payload), "id": id})


def _give_back(operation: Operation, before: bytes | None, also: Collection[Key]) -> None:
    """Make a release: what the API has, less what others need first."""
    assert before is not None and operation.payload is not None
    given = link_change(before, operation.payload, also)
    operation.body = given.release or before
    operation.frees = given.frees
    operation.refers_to = ()
    operation.is_release = True


def _bind(operation: Operation, change: LinkChange) -> None:
    operation.rebinds = change.rebinds
    operation.frees, operation.release = change.frees, change.release
