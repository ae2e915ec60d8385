"""A connection that sends the head of an answer and its body together."""

from __future__ import annotations

import asyncio
from typing import Any

_MOST = 1 << 16
"""Maximum number of bytes buffered until the end of the turn."""


class JoinedWrites:
    """A transport that combines all writes of one turn of the event loop into one system call.

    The system call is the largest cost of a short answer. The client also reads once, since both
    parts arrive in one packet.
    """

    __slots__ = ("_loop", "_size", "_transport", "_waiting", "refusals")

    def __init__(self, transport: asyncio.Transport) -> None:
        self._transport = transport
        self._loop = asyncio.get_running_loop()
        self._waiting: list[bytes] = []
        self._size = 0
        self.refusals = 0
        """See `tarpit`."""

    def write(self, data: bytes) -> None:
        """Buffer data; it is sent at the end of the turn."""
        if not self._waiting:
            self._loop.call_soon(self._flush)
        self._waiting.append(data)
        self._size += len(data)
        if self._size > _MOST:
            self._flush()

    def close(self) -> None:
        """Send what is buffered, then close the transport."""
        self._flush()
        self._transport.close()

    def __getattr__(self, name: str) -> Any:
        """Delegate everything else to the transport."""
        return getattr(self._transport, name)

    def _flush(self) -> None:
        if self._waiting:
            self._transport.write(b"".join(self._waiting))
            self._waiting.clear()
            self._size = 0
