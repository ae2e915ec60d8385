"""The request journal: the latest requests with their bodies, for searching.

It is a database of its own next to the hub's. Losing it loses no receivables, so a separate thread
writes it in batches, and no request waits for it.
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

import msgspec
from msgspec import Struct

from headrace.model.errors import ConfigurationError
from headrace.server.observing.redaction import kept_key, kept_target
from headrace.server.observing.request_log import LogRecord

_LOGGER = logging.getLogger("headrace.server")

JOURNAL = "requests.db"
"""File name of the journal in a data folder."""

_BODY_MAX = 16_384
"""Maximum number of bytes kept of a body."""
_FLUSH_S = 0.2
_BACKLOG_MAX = 20_000
"""Maximum number of requests waiting to be written; further ones are dropped."""
_PAGE = 4_096
_SECRETS = re.compile(rb"(/(?:portal|pdf)/)[A-Za-z0-9_.~%=-]+(\?[^\"\s]*)?")

_SCHEMA = (
    "DROP TABLE IF EXISTS batch",  # tables of earlier versions
    "DROP TABLE IF EXISTS exchanges",
    "CREATE TABLE IF NOT EXISTS kept (seq INTEGER PRIMARY KEY, organisation TEXT NOT NULL, "
    "size INTEGER NOT NULL, batch BLOB NOT NULL)",
    "CREATE INDEX IF NOT EXISTS kept_share ON kept (organisation, size)",
)
"""Each batch of an organisation is one row, an array in MessagePack: a row per request would cost
more than answering it. A search needs no index: it reads a file of bounded size, newest rows
first."""
_LARGEST = "SELECT organisation FROM kept GROUP BY organisation ORDER BY sum(size) DESC LIMIT 1"
_ARRAY = b"\xdd"
"""First byte of a MessagePack array; its length follows in four bytes."""
_ROWS_MIN = 16
"""Minimum number of rows in a full journal; the oldest requests are deleted by whole rows."""
ROW_MAX = 1 << 16
"""Maximum number of requests in a row."""
_ENCODER = msgspec.msgpack.Encoder()


class Exchange(Struct, frozen=True, gc=False, array_like=True):
    """A request with its answer, as the hub passes it on and as it is stored."""

    id: str
    at: datetime
    key: str | None
    path: str
    """With the query string."""
    record: LogRecord
    sent: bytes
    answered: bytes


class RequestIds:
    """Generates ids for `X-Request-Id`: unique across processes and restarts, and cheap."""

    def __init__(self) -> None:
        self._prefix = f"req_{os.urandom(6).hex()}"
        self._numbers = itertools.count(1)

    def __call__(self) -> str:
        return f"{self._prefix}{next(self._numbers):08x}"


class RequestJournal:
    """The journal opened for writing. It keeps at most `size` bytes.

    When it is full, the oldest entries of the organisation with the most bytes are deleted, so that
    no organisation can push out the entries of another.
    """

    def __init__(self, path: Path, size: int) -> None:
        self._path = path
        self._pages_max = max(64, size // _PAGE)
        self._waiting: deque[tuple[str, bytes]] = deque(maxlen=_BACKLOG_MAX)
        self._ended = threading.Event()
        self._db = open_journal(path)
        self._thread = threading.Thread(target=self._write, name="hub-journal", daemon=True)
        self._thread.start()

    def __call__(self, exchange: Exchange) -> None:
        """Queue a request; it is written within a fraction of a second.

        It is encoded here, which takes microseconds: encoding a whole batch on the writing thread
        would delay more requests.
        """
        entry = _ENCODER.encode(_kept(exchange))
        self._waiting.append((exchange.record.organisation, entry))

    def close(self) -> None:
        """Write what is queued, then close the file."""
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
                # These requests can't be searched then; the requests themselves are not affected.
                _LOGGER.error("the request journal %s can't be written: %s", self._path, error)

    def _store(self, batch: list[tuple[str, bytes]]) -> None:
        by_organisation: dict[str, list[bytes]] = {}
        for organisation, entry in batch:
            by_organisation.setdefault(organisation, []).append(entry)
        insert = "INSERT INTO kept (organisation, size, batch) VALUES (?, ?, ?)"
        with self._db:
            for organisation, entries in by_organisation.items():
                for part in _parts(entries, self._pages_max * _PAGE // _ROWS_MIN):
                    array = b"".join((_ARRAY, len(part).to_bytes(4, "big"), *part))
                    self._db.execute(insert, (organisation, len(array), array))
            while self._pages() > self._pages_max:
                oldest = f"(SELECT min(seq) FROM kept WHERE organisation = ({_LARGEST}))"
                self._db.execute(f"DELETE FROM kept WHERE seq = {oldest}")

    def _pages(self) -> int:
        """Return the number of pages in use."""
        count, free = (
            int(self._db.execute(f"PRAGMA {name}").fetchone()[0])
            for name in ("page_count", "freelist_count")
        )
        return count - free


def _parts(batch: list[bytes], most: int) -> Iterator[list[bytes]]:
    """Split a batch into parts of about `most` bytes."""
    part: list[bytes] = []
    size = 0
    for exchange in batch:
        part.append(exchange)
        size += len(exchange)
        if size >= most or len(part) == ROW_MAX:
            yield part
            part, size = [], 0
    if part:
        yield part


def make_journal(path: Path) -> None:
    """Create the file before several processes open it at once.

    Raises ConfigurationError when it is not a journal or can't be created.
    """
    open_journal(path).close()


def open_journal(path: Path) -> sqlite3.Connection:
    """Open the file, creating it if needed. Raises ConfigurationError when it is not a journal."""
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


def _kept(exchange: Exchange) -> Exchange:
    return Exchange(
        exchange.id,
        exchange.at,
        kept_key(exchange.key),
        kept_target(exchange.path),
        exchange.record,
        _clean(exchange.sent),
        _clean(exchange.answered),
    )


def _clean(body: bytes) -> bytes:
    """Redact secrets in a body; returns it unchanged where there are none."""
    if b"/portal/" in body or b"/pdf/" in body:
        # Redact before cutting, which might leave half of a link.
        body = _SECRETS.sub(rb"\1(blanked)", body)
    return body if len(body) <= _BODY_MAX else body[:_BODY_MAX]
