"""The request journal: the last requests with their bodies, kept to be searched.

A database of its own beside the hub's: losing it costs nothing but the looking back, so it is
written in batches by its own thread, and a request never waits for it.
"""

from __future__ import annotations

import itertools
import logging
import os
import re
import sqlite3
import threading
from collections import deque
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Annotated

import msgspec
from msgspec import Meta, Struct

from headrace.model.clock import format_instant
from headrace.model.errors import ConfigurationError
from headrace.server.request_log import LogRecord

_LOGGER = logging.getLogger("headrace.server")

JOURNAL = "requests.db"
"""The journal's file in a data folder."""

_BODY_MAX = 16_384
"""Bytes of a body that are kept."""
_FLUSH_S = 0.2
_BACKLOG_MAX = 20_000
"""Requests that may wait to be written; what comes on top is not kept."""
_PAGE = 4_096
_SECRETS = re.compile(rb"(/(?:portal|pdf)/)[A-Za-z0-9_.~%-]+(\?[^\"\s]*)?")

_SCHEMA = (
    "DROP TABLE IF EXISTS batch",  # how an earlier version kept them
    "CREATE TABLE IF NOT EXISTS exchanges (seq INTEGER PRIMARY KEY, batch BLOB NOT NULL)",
)
"""What is written together is one row, an array of MessagePack: a row each would cost a request
more than its answer. No index: a search reads a file of bounded size, its newest rows first."""
_ARRAY = b"\xdd"
"""What begins an array of MessagePack, before its length in four bytes."""
_ROWS_MIN = 16
"""A full journal has so many rows at least: the oldest requests go by the row."""
_BATCH_MAX = 1 << 16
"""Entries of a batch; an entry's number is its batch's times this, plus its place there."""


class Exchange(Struct, frozen=True, gc=False, array_like=True):
    """A request with its answer, as the hub hands it over and as it is stored."""

    id: str
    at: datetime
    key: str | None
    path: str
    """With its query."""
    record: LogRecord
    sent: bytes
    answered: bytes


class Entry(Struct, frozen=True, kw_only=True):
    """A request as the journal shows it. Bodies are cut after 16,384 bytes; links that let their
    reader in are blanked."""

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
    """The organisation's time, where a test had stopped that; `at` is real."""
    fault: str | None = None
    """The kind of fault that hit it; without an answer, the status is 0."""
    seq: int = 0
    """Grows with each entry."""


class Query(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What to look for; everything given must hold."""

    organisation: str | None = None
    status: str | None = None
    """A status, or its class: `4xx`."""
    match: str | None = None
    """A part of `METHOD /path`, or of the external id of the record or its customer."""
    id: str | None = None
    after: int = 0
    """Only entries with a higher `seq`."""
    limit: Annotated[int, Meta(ge=1, le=1000)] = 100
    """How many of the newest; the bound holds for whoever asks over HTTP."""

    def __post_init__(self) -> None:
        """ValueError for a status that is none."""
        if self.status is not None and not re.fullmatch("[1-5](xx|[0-9][0-9])", self.status):
            raise ValueError(f"{self.status} is no status: write one as 404 or a class as 4xx")

    def fits(self, exchange: Exchange, seq: int) -> bool:
        """Whether everything that is given holds."""
        record = exchange.record
        return (
            seq > self.after
            and self.organisation in (None, record.organisation)
            and self.id in (None, exchange.id)
            and (self.status is None or self._has_status(record.status))
            and (self.match is None or self.match in _text(exchange))
        )

    def _has_status(self, status: int) -> bool:
        return self.status in (str(status), f"{status // 100}xx")


def _text(exchange: Exchange) -> str:
    record = exchange.record
    return f" {record.method} {exchange.path} {record.external_id or ''} {record.customer or ''} "


class RequestIds:
    """Ids for `X-Request-Id`: unique across processes and restarts, cheap to make."""

    def __init__(self) -> None:
        self._prefix = f"req_{os.urandom(6).hex()}"
        self._numbers = itertools.count(1)

    def __call__(self) -> str:
        return f"{self._prefix}{next(self._numbers):08x}"


class RequestJournal:
    """Open for a hub that writes; at most `size` bytes are kept, the oldest entries go."""

    def __init__(self, path: Path, size: int) -> None:
        self._path = path
        self._pages_max = max(64, size // _PAGE)
        self._waiting: deque[bytes] = deque(maxlen=_BACKLOG_MAX)
        self._ended = threading.Event()
        self._db = _connect(path)
        self._thread = threading.Thread(target=self._write, name="hub-journal", daemon=True)
        self._thread.start()

    def __call__(self, exchange: Exchange) -> None:
        """Note a request; written within a fraction of a second.

        It is encoded here, which takes microseconds: the thread that writes would hold up more
        requests with the whole of a batch.
        """
        self._waiting.append(_ENCODER.encode(_kept(exchange)))

    def close(self) -> None:
        """Write what is waiting, then close the file."""
        self._ended.set()
        self._thread.join()
        self._db.close()

    def _write(self) -> None:
        ended = False
        while not ended:
            ended = self._ended.wait(_FLUSH_S)
            batch = [self._waiting.popleft() for _ in range(len(self._waiting))]
            if not batch:
                continue
            try:
                self._store(batch)
            except sqlite3.Error as error:
                # Looking back is lost then; the requests themselves are done.
                _LOGGER.error("the request journal %s can't be written: %s", self._path, error)

    def _store(self, batch: list[bytes]) -> None:
        with self._db:
            for part in _parts(batch, self._pages_max * _PAGE // _ROWS_MIN):
                array = b"".join((_ARRAY, len(part).to_bytes(4, "big"), *part))
                self._db.execute("INSERT INTO exchanges (batch) VALUES (?)", (array,))
            while self._pages() > self._pages_max:
                oldest = "(SELECT min(seq) FROM exchanges)"
                self._db.execute(f"DELETE FROM exchanges WHERE seq = {oldest}")

    def _pages(self) -> int:
        """In use."""
        count, free = (
            int(self._db.execute(f"PRAGMA {name}").fetchone()[0])
            for name in ("page_count", "freelist_count")
        )
        return count - free


def _parts(batch: list[bytes], most: int) -> Iterator[list[bytes]]:
    """The batch in parts of about `most` bytes."""
    part: list[bytes] = []
    size = 0
    for exchange in batch:
        part.append(exchange)
        size += len(exchange)
        if size >= most or len(part) == _BATCH_MAX:
            yield part
            part, size = [], 0
    if part:
        yield part


def make_journal(path: Path) -> None:
    """Make the file, before several processes open it at once.

    Raises ConfigurationError when it is no journal or can't be made.
    """
    _connect(path).close()


def search(path: Path, query: Query) -> list[Entry]:
    """The newest entries that match, oldest of them first; also while a hub writes.

    Raises ConfigurationError when there is no journal.
    """
    if not path.exists():
        raise ConfigurationError(
            f"{path} does not exist: no hub has kept a journal of requests there yet."
        )
    db = _connect(path)
    try:
        return list(itertools.islice(_newest(db, query), query.limit))[::-1]
    finally:
        db.close()


def _newest(db: sqlite3.Connection, query: Query) -> Iterator[Entry]:
    first = query.after // _BATCH_MAX
    rows = db.execute("SELECT seq, batch FROM exchanges WHERE seq >= ? ORDER BY seq DESC", (first,))
    for number, array in rows:
        batch = _DECODER.decode(array)
        for place in range(len(batch) - 1, -1, -1):
            seq = number * _BATCH_MAX + place
            if query.fits(batch[place], seq):
                yield _entry(batch[place], seq)


_ENCODER = msgspec.msgpack.Encoder()
_DECODER = msgspec.msgpack.Decoder(list[Exchange])


def _connect(path: Path) -> sqlite3.Connection:
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        db = sqlite3.connect(path, timeout=10.0, check_same_thread=False)
        db.execute("PRAGMA journal_mode=WAL")
        db.execute("PRAGMA synchronous=NORMAL")
        for statement in _SCHEMA:
            db.execute(statement)
    except sqlite3.Error as error:
        raise ConfigurationError(
            f"{path} can't be opened as a journal of requests: {error}."
        ) from None
    return db


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


def _kept(exchange: Exchange) -> Exchange:
    sent, answered = _clean(exchange.sent), _clean(exchange.answered)
    if sent is exchange.sent and answered is exchange.answered:
        return exchange
    return msgspec.structs.replace(exchange, sent=sent, answered=answered)


def _clean(body: bytes) -> bytes:
    """The body itself where it can be kept as it is."""
    if b"/portal/" in body or b"/pdf/" in body:
        # Before it is cut, which might leave half of a link.
        body = _SECRETS.sub(rb"\1(blanked)", body)
    return body if len(body) <= _BODY_MAX else body[:_BODY_MAX]
