"""Searches the request journal by organisation, status, id or text."""

from __future__ import annotations

import itertools
import re
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import msgspec
from msgspec import Meta, Struct

from headrace.model.clock import format_instant
from headrace.model.errors import ConfigurationError
from headrace.server.observing.request_journal import ROW_MAX, Exchange, open_journal


class Entry(Struct, frozen=True, kw_only=True):
    """A request as the journal shows it. Bodies are cut after 16,384 bytes; links that grant
    access are redacted."""

    id: str
    at: str
    organisation: str | None
    key: str | None
    method: str
    path: str
    status: int
    ms: float
    entity: str | None
    external_id: str | None
    customer: str | None
    in_flight: int
    ignored: tuple[str, ...]
    sent: str
    answered: str
    clock: str | None = None
    """The organisation's time, where a test had frozen it; `at` is real time."""
    fault: str | None = None
    """The kind of fault that hit it; without an answer, the status is 0."""
    seq: int = 0
    """Increases with each request: its row's number times `ROW_MAX`, plus its place in the row."""


class Query(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What to search for; all given conditions must hold."""

    organisation: str | None = None
    status: str | None = None
    """A status, or a class of statuses such as `4xx`."""
    match: str | None = None
    """A part of `METHOD /path`, or of the external id of the record or its customer."""
    id: str | None = None
    entity: str | None = None
    """A kind of record, such as `credit_note`."""
    record: str | None = None
    """The external id of the record, or a part of the path that is its id."""
    customer: str | None = None
    """The external id of the customer that it was about."""
    key: str | None = None
    """The key of a key pair."""
    within: int = 0
    """Look at this number of the newest entries only; 0 for all."""
    after: int = 0
    """Only entries with a higher `seq`."""
    limit: Annotated[int, Meta(ge=1, le=1000)] = 100
    """Number of newest entries to return; the bound applies to HTTP requests."""

    def __post_init__(self) -> None:
        """Raises ValueError for an invalid status."""
        if self.status is not None and not re.fullmatch("[1-5](xx|[0-9][0-9])", self.status):
            raise ValueError(f"{self.status} is no status: write one as 404 or a class as 4xx")

    def fits(self, exchange: Exchange, seq: int) -> bool:
        """Whether an entry meets all given conditions."""
        record = exchange.record
        return (
            seq > self.after
            and self.organisation in (None, record.organisation)
            and self.id in (None, exchange.id)
            and self.entity in (None, record.entity)
            and self.customer in (None, record.customer)
            and self.key in (None, exchange.key)
            and (self.record in (None, record.external_id) or self._is_in(exchange.path))
            and (self.status is None or self._has_status(record.status))
            and (self.match is None or self.match in _text(exchange))
        )

    def _is_in(self, path: str) -> bool:
        return self.record is not None and self.record in path.partition("?")[0].split("/")

    def _has_status(self, status: int) -> bool:
        return self.status in (str(status), f"{status // 100}xx")


def _text(exchange: Exchange) -> str:
    record = exchange.record
    return f" {record.method} {exchange.path} {record.external_id or ''} {record.customer or ''} "


def search(path: Path, query: Query) -> list[Entry]:
    """Return the newest entries that match, oldest first; works while a hub writes.

    Raises ConfigurationError when there is no journal.
    """
    if not path.exists():
        raise ConfigurationError(
            f"{path} does not exist: no hub has kept a journal of requests there yet."
        )
    db = open_journal(path)
    try:
        newest = list(itertools.islice(_newest(db, query), query.limit))
        # What was written together is in the order of the organisations.
        return sorted(newest, key=lambda entry: (entry.at, entry.seq))
    finally:
        db.close()


def _newest(db: sqlite3.Connection, query: Query) -> Iterator[Entry]:
    first = query.after // ROW_MAX
    rows = db.execute("SELECT seq, batch FROM kept WHERE seq >= ? ORDER BY seq DESC", (first,))
    looked = 0
    for number, array in rows:
        batch = _DECODER.decode(array)
        for place in range(len(batch) - 1, -1, -1):
            looked += 1
            if 0 < query.within < looked:
                return
            seq = number * ROW_MAX + place
            if query.fits(batch[place], seq):
                yield _entry(batch[place], seq)


_DECODER = msgspec.msgpack.Decoder(list[Exchange])


def _entry(exchange: Exchange, seq: int) -> Entry:
    record = exchange.record
    return Entry(
        id=exchange.id,
        at=format_instant(exchange.at),
        organisation=record.organisation or None,
        key=exchange.key,
        method=record.method,
        path=exchange.path,
        status=record.status,
        ms=round((record.answered - record.arrived) * 1000, 3),
        entity=record.entity,
        external_id=record.external_id,
        customer=record.customer,
        in_flight=record.in_flight,
        ignored=record.ignored,
        clock=record.clock,
        fault=record.fault,
        sent=exchange.sent.decode("utf-8", "replace"),
        answered=exchange.answered.decode("utf-8", "replace"),
        seq=seq,
    )
