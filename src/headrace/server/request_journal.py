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
from typing import Any

import msgspec
from msgspec import Struct

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

_SCHEMA = """
CREATE TABLE IF NOT EXISTS request (
    seq INTEGER PRIMARY KEY, id TEXT NOT NULL, at TEXT NOT NULL, organisation TEXT, key TEXT,
    method TEXT NOT NULL, path TEXT NOT NULL, status INTEGER NOT NULL, ms REAL NOT NULL,
    entity TEXT, external_id TEXT, customer TEXT, in_flight INTEGER NOT NULL, ignored TEXT NOT NULL,
    sent BLOB NOT NULL, answered BLOB NOT NULL
);
"""
# No index: it would cost every request, and a search reads a file of bounded size.
_MATCH = (
    "instr(' ' || method || ' ' || path || ' ' || coalesce(external_id, '') || ' '"
    " || coalesce(customer, ''), ?) > 0"
)
_COLUMNS = (
    "seq, id, at, organisation, key, method, path, status, ms, entity, external_id, customer,"
    " in_flight, ignored, sent, answered"
)


class Exchange(Struct, frozen=True, gc=False):
    """A request with its answer, as the hub hands it over."""

    id: str
    at: datetime
    key: str | None
    path: str
    """With its query."""
    record: LogRecord
    sent: bytes
    answered: bytes


class Entry(Struct, frozen=True, kw_only=True):
    """A request as the journal keeps it. Bodies are cut after 16,384 bytes; links that let their
    reader in are blanked."""

    seq: int
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


class Query(Struct, frozen=True, kw_only=True):
    """What to look for; everything given must hold."""

    organisation: str | None = None
    status: str | None = None
    """A status, or its class: `4xx`."""
    match: str | None = None
    """A part of `METHOD /path`, or of the external id of the record or its customer."""
    id: str | None = None
    after: int = 0
    """Only entries with a higher `seq`."""
    limit: int = 100

    def where(self) -> tuple[str, list[Any]]:
        """The condition with its parameters. ValueError for a status that is none."""
        found: list[tuple[str, Any]] = [("seq > ?", self.after)]
        for name in ("organisation", "id"):
            if (value := getattr(self, name)) is not None:
                found.append((f"{name} = ?", value))
        if self.match is not None:
            found.append((_MATCH, self.match))
        if self.status is not None:
            if re.fullmatch("[1-5]xx", self.status.lower()):
                found.append(("status / 100 = ?", int(self.status[0])))
            elif re.fullmatch("[1-5][0-9][0-9]", self.status):
                found.append(("status = ?", int(self.status)))
            else:
                raise ValueError(f"{self.status} is no status: write one as 404 or a class as 4xx")
        return " AND ".join(text for text, _ in found), [value for _, value in found]


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
        self._waiting: deque[Exchange] = deque(maxlen=_BACKLOG_MAX)
        self._ended = threading.Event()
        self._db = _connect(path)
        self._thread = threading.Thread(target=self._write, name="hub-journal", daemon=True)
        self._thread.start()

    def __call__(self, exchange: Exchange) -> None:
        """Note a request; written within a fraction of a second."""
        self._waiting.append(exchange)

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

    def _store(self, batch: list[Exchange]) -> None:
        with self._db:
            self._db.executemany(
                "INSERT INTO request (id, at, organisation, key, method, path, status, ms, entity,"
                " external_id, customer, in_flight, ignored, sent, answered)"
                " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                map(_row, batch),
            )
            self._make_room()

    def _make_room(self) -> None:
        while self._pages() > self._pages_max:
            oldest, newest = self._db.execute("SELECT min(seq), max(seq) FROM request").fetchone()
            # A tenth at a time, so that it is seldom done.
            bound = oldest + (newest - oldest) // 10
            self._db.execute("DELETE FROM request WHERE seq <= ?", (bound,))

    def _pages(self) -> int:
        """In use."""
        count, free = (
            int(self._db.execute(f"PRAGMA {name}").fetchone()[0])
            for name in ("page_count", "freelist_count")
        )
        return count - free


def make_journal(path: Path) -> None:
    """Make the file, before several processes open it at once.

    Raises ConfigurationError when it is no journal or can't be made.
    """
    _connect(path).close()


def search(path: Path, query: Query) -> list[Entry]:
    """The newest entries that match, oldest of them first; also while a hub writes.

    Raises ConfigurationError when there is no journal, ValueError as `Query.where`.
    """
    if not path.exists():
        raise ConfigurationError(
            f"{path} does not exist: no hub has kept a journal of requests there yet."
        )
    condition, parameters = query.where()
    db = _connect(path)
    try:
        rows = db.execute(
            f"SELECT {_COLUMNS} FROM request WHERE {condition} ORDER BY seq DESC LIMIT ?",
            [*parameters, query.limit],
        ).fetchall()
    finally:
        db.close()
    return [_entry(row) for row in reversed(rows)]


def _connect(path: Path) -> sqlite3.Connection:
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        db = sqlite3.connect(path, timeout=10.0, check_same_thread=False)
        db.execute("PRAGMA journal_mode=WAL")
        db.execute("PRAGMA synchronous=NORMAL")
        db.executescript(_SCHEMA)
    except sqlite3.Error as error:
        raise ConfigurationError(
            f"{path} can't be opened as a journal of requests: {error}."
        ) from None
    return db


def _row(exchange: Exchange) -> tuple[Any, ...]:
    record = exchange.record
    return (
        exchange.id,
        format_instant(exchange.at),
        record.organisation or None,
        exchange.key,
        record.method,
        exchange.path,
        record.status,
        round((record.answered - record.arrived) * 1000, 3),
        record.entity,
        record.external_id,
        record.customer,
        record.in_flight,
        msgspec.json.encode(record.ignored).decode(),
        _kept(exchange.sent),
        _kept(exchange.answered),
    )


def _kept(body: bytes) -> bytes:
    body = body[:_BODY_MAX]
    if b"/portal/" in body or b"/pdf/" in body:
        body = _SECRETS.sub(rb"\1(blanked)", body)
    return body


def _entry(row: tuple[Any, ...]) -> Entry:
    values: Iterator[Any] = iter(row)
    fields = dict(zip(Entry.__struct_fields__, values, strict=True))
    fields["ignored"] = tuple(msgspec.json.decode(fields["ignored"]))
    for name in ("sent", "answered"):
        fields[name] = bytes(fields[name]).decode("utf-8", "replace")
    return Entry(**fields)
