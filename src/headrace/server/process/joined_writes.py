"""A connection on which the head of an answer and its body go out together."""

from __future__ import annotations

import asyncio
from typing import Any

_MOST = 1 << 16
"""Bytes that may wait for the end of the turn."""


class JoinedWrites:
    """A transport whose writes of one turn of the event loop are one call of the system, which is
    what costs most of a short answer; and one packet, so that the client reads once, too."""

    __slots__ = ("_loop", "_size", "_transport", "_waiting")

    def __init__(self, transport: asyncio.Transport) -> None:
        self._transport = transport
        self._loop = asyncio.get_running_loop()
        self._waiting: list[bytes] = []
        self._size = 0

    def write(self, data: bytes) -> None:
        """As a transport's, at the end of the turn."""
        if not self._waiting:
            self._loop.call_soon(self._flush)
        self._waiting.append(data)
        self._size += len(data)
        if self._size > _MOST:
            self._flush()

    def close(self) -> None:
        """As a transport's: what waits goes out before."""
        self._flush()
        self._transport.close()

    def __getattr__(self, name: str) -> Any:
        """Everything else is the transport's own."""
        return getattr(self._transport, name)

    def _flush(self) -> None:
        if self._waiting:
            self._transport.write(b"".join(self._waiting))
            self._waiting.clear()
            self._size = 0
