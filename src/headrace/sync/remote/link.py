"""Linking: gives records that the API has without an external id the source's external id."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
from msgspec import Struct, field

from headrace.book.book import Book
from headrace.book.payloads.payloads import Payloads, encode_payload
from headrace.client.endpoints import Reader
from headrace.model.entity import BY_NAME
from headrace.model.errors import Refused
from headrace.model.fields import link_fields, sent_fields
from headrace.model.record import UNSET, Record
from headrace.sync.journal import Acknowledgement, Asked, Drift, Journal
from headrace.sync.operations.operation import references
from headrace.sync.operations.response_check import differing_fields
from headrace.sync.remote.proposals import Proposal


class Linked(Struct, frozen=True):
    """Number of linked records, and (proposal, the API's message) of the refused ones."""

    made: int
    refused: list[tuple[Proposal, str]] = field(default_factory=list)


class Linker:
    """Links records by imports with both ids, one at a time; each is recorded before the next."""

    def __init__(self, book: Book, journal: Journal, reader: Reader) -> None:
        self._connection = book.connection
        self._payloads = Payloads(book.connection, book.columns)
        self._journal = journal
        self._reader = reader

    async def link(self, proposals: Sequence[Proposal]) -> Linked:
        """Link the records, customers first, so that documents can refer to them.

        Refusals are collected; raises whatever else the reader raises.
        """
        order = list(BY_NAME)
        made, refused = 0, []
        for one in sorted(proposals, key=lambda one: order.index(one.entity)):
            try:
                await self._link(one)
                made += 1
            except Refused as error:
                refused.append((one, f"{error.status} {error}"))
        return Linked(made, refused)

    async def _link(self, one: Proposal) -> None:
        record = self._payloads.fetch(one.entity, [one.external_id])[one.external_id]
        whole, hash = encode_payload(record)
        wanted = references(record)
        complete = len(self._journal.acknowledged(wanted)) == len(set(wanted))
        # If a record that it refers to is still missing, the next `apply` adds these references.
        sent = whole if complete else encode_payload(_alone(record))[0]
        body = msgspec.json.encode({**msgspec.json.decode(sent), "id": one.id})
        fingerprint, owner = self._connection.execute(
            "select fingerprint, customer from book.fingerprints "
            "join book.placed using (entity, external_id) where entity = $1 and external_id = $2",
            [one.entity, one.external_id],
        ).fetchall()[0]
        key = (one.entity, one.external_id)
        self._journal.ask(Asked(*key, "link", owner, claiming=True))
        self._journal.flush()
        try:
            answer = await self._reader.request("POST", BY_NAME[one.entity].path, body)
        except Refused:
            self._journal.decided(key)
            raise
        taken = Acknowledgement(*key, owner, fingerprint, hash, whole, action="link")
        if not complete:
            taken = msgspec.structs.replace(taken, fingerprint=None, hash=b"", payload=None)
        self._journal.acknowledge([taken])
        self._journal.flush()
        if fields := differing_fields(body, answer.body):
            self._journal.mark_drifted([Drift(one.entity, one.external_id, fields)])


def _alone(record: Record) -> Record:
    """Return the record without its references, except the one to its customer."""
    kind = type(record)
    referring = (
        field.name for field in sent_fields(kind) if field.rule.refers and not field.rule.required
    )
    links = (field.name for field in link_fields(kind))
    return msgspec.structs.replace(record, **dict.fromkeys((*referring, *links), UNSET))
