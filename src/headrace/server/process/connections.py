"""HTTP connections with bounds, so that strangers can't exhaust memory, time or open files.

Bounded are the size of a request's head, the time in which head and body must arrive, the time for
which an answer may stay unread, and the connections of one address and of all.
"""

from __future__ import annotations

import asyncio
import math
import resource
from collections import Counter

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from headrace.server.faults.play import TRANSPORT
from headrace.server.process.joined_writes import JoinedWrites

HEAD_MAX = 65_536
"""Maximum size of a request's first line and headers, in bytes."""
HEAD_S = 20.0
"""How long a request's head may take, from the connection or from its first byte."""
BODY_S = 30.0
BODY_RATE = 50_000
"""A body may take BODY_S, and a second more for each BODY_RATE bytes."""
UNREAD_S = 60.0
"""How long an answer may wait for its reader."""

_FILES_WANTED = 65_536
_FILES_KEPT = 200
"""Open files that connections never take: the database, PDFs, logs."""
_SHARE = 4
"""One address gets at most one connection in so many."""

_TOO_LARGE = (
    b'{"statusCode":431,"error":"Request Header Fields Too Large","message":"The request\'s path '
    b'and headers are larger than 65,536 bytes: send fewer.","details":[]}'
)
_BUSY = (
    b'{"statusCode":503,"error":"Service Unavailable","message":"Too many connections are open: '
    b'close some, or wait.","details":[]}'
)


def raise_file_limit() -> int:
    """Raise the process's limit of open files as far as it may; returns it."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = _FILES_WANTED if hard == resource.RLIM_INFINITY else min(hard, _FILES_WANTED)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
        return wanted
    return soft if soft != resource.RLIM_INFINITY else _FILES_WANTED


class Connections:
    """The open connections of one process."""

    def __init__(self, files: int) -> None:
        """`files` is the process's limit of open files."""
        self.most = max(1, files - _FILES_KEPT)
        self.most_per_address = max(1, self.most // _SHARE)
        self._open: set[BoundedProtocol] = set()
        self._by_address: Counter[str] = Counter()

    def admit(self, connection: BoundedProtocol) -> bool:
        """Add a connection. Returns whether there is room for it."""
        self._open.add(connection)
        self._by_address[connection.address] += 1
        return (
            len(self._open) <= self.most
            and self._by_address[connection.address] <= self.most_per_address
        )

    def forget(self, connection: BoundedProtocol) -> None:
        """Remove a connection that is closed."""
        if connection in self._open:
            self._open.discard(connection)
            self._by_address[connection.address] -= 1
            if not self._by_address[connection.address]:
                del self._by_address[connection.address]

    def close_overdue(self, now: float) -> None:
        """Break the connections whose deadline has passed; `now` is the event loop's time."""
        for connection in [one for one in self._open if one.deadline < now]:
            connection.transport.abort()


class BoundedProtocol(HttpToolsProtocol):
    """uvicorn's protocol within the bounds. It sends each answer at once, and passes its connection
    to the application for faults to break."""

    bounds: Connections
    """Set by `protocol_of`."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Count the connection, or refuse it when there are too many."""
        self.address = str((transport.get_extra_info("peername") or ("",))[0])
        self.deadline = self.loop.time() + HEAD_S
        self._reads_head = True
        self._head_size = 0
        self._read_size = 0
        self._is_refused = False
        super().connection_made(JoinedWrites(transport))  # type: ignore[arg-type]
        if not self.bounds.admit(self):
            self._refuse(503, _BUSY)

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the connection."""
        self.bounds.forget(self)
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Parse what arrived; a head without end is refused."""
        if self._is_refused:
            return
        self._read_size = len(data)
        super().data_received(data)
        # A head that arrives in many parts is refused before it is complete.
        if self._reads_head and not self._is_refused:
            self._head_size += len(data)
            if self._head_size > HEAD_MAX:
                self._refuse(431, _TOO_LARGE)

    def on_message_begin(self) -> None:
        """Start the deadline of the head."""
        super().on_message_begin()
        self.scope[TRANSPORT] = self.transport  # type: ignore[literal-required]
        self._reads_head = True
        self._head_size = 0
        self.deadline = self.loop.time() + HEAD_S

    def on_headers_complete(self) -> None:
        """Start the deadline of the body, which grows with its length."""
        self._reads_head = False
        if self._head_size + self._read_size > HEAD_MAX and self._size_of_head() > HEAD_MAX:
            self._refuse(431, _TOO_LARGE)
            return
        seconds = BODY_S
        for name, value in self.headers:
            if name == b"content-length" and value.isdigit():
                seconds = int(value) / BODY_RATE
                break
        self.deadline = self.loop.time() + BODY_S + seconds
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        """Pass a part of the body on, unless the request was refused."""
        if not self._is_refused:
            super().on_body(body)

    def on_message_complete(self) -> None:
        """End the deadlines of the request."""
        if not self._is_refused:
            # From here on uvicorn's own timer closes connections that stay idle.
            self.deadline = math.inf
            super().on_message_complete()

    def pause_writing(self) -> None:
        """Start the deadline of an answer that is not read."""
        self.deadline = self.loop.time() + UNREAD_S
        super().pause_writing()

    def resume_writing(self) -> None:
        """End that deadline."""
        self.deadline = math.inf
        super().resume_writing()

    def _size_of_head(self) -> int:
        return len(self.url) + sum(len(name) + len(value) + 4 for name, value in self.headers)

    def _refuse(self, status: int, body: bytes) -> None:
        self._is_refused = True
        reason = b"Service Unavailable" if status == 503 else b"Request Header Fields Too Large"
        self.transport.write(
            b"HTTP/1.1 %d %s\r\ncontent-type: application/json\r\ncontent-length: %d\r\n"
            b"connection: close\r\n\r\n%s" % (status, reason, len(body), body)
        )
        self.transport.close()


def protocol_of(bounds: Connections) -> type[BoundedProtocol]:
    """Return the protocol for a server whose connections count against `bounds`."""
    return type("HubProtocol", (BoundedProtocol,), {"bounds": bounds})
