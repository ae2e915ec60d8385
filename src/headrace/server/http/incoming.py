"""Reads a request's body, whole or in chunks, up to a maximum size."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, MutableMapping
from typing import Any, TypeAlias

from headrace.model.errors import TooLarge

Receive: TypeAlias = Callable[[], Awaitable[MutableMapping[str, Any]]]


class SenderGone(Exception):
    """The client disconnected before its request was complete; nobody waits for an answer."""


class Incoming:
    """A body that has not been read yet."""

    __slots__ = ("_headers", "_receive")

    def __init__(self, headers: dict[bytes, bytes], receive: Receive) -> None:
        self._headers = headers
        self._receive = receive

    async def whole(self, limit: int) -> bytes:
        """Read the whole body. Raises TooLarge or SenderGone."""
        self._check_length(limit)
        message = await self._receive()
        if message["type"] == "http.disconnect":
            raise SenderGone
        body: bytes = message.get("body", b"")
        if not message.get("more_body", False):
            return body
        parts, size = [body], len(body)
        async for part in self._rest():
            parts.append(part)
            size += len(part)
            if size > limit:
                raise _too_large(limit)
        return b"".join(parts)

    async def pieces(self, limit: int) -> AsyncIterator[bytes]:
        """Read in chunks, for bodies too large for memory. Raises TooLarge or SenderGone."""
        self._check_length(limit)
        size = 0
        async for part in self._rest():
            size += len(part)
            if size > limit:
                raise _too_large(limit)
            yield part

    def _check_length(self, limit: int) -> None:
        length = self._headers.get(b"content-length")
        if length is not None and length.isdigit() and int(length) > limit:
            raise _too_large(limit)

    async def _rest(self) -> AsyncIterator[bytes]:
        more = True
        while more:
            message = await self._receive()
            if message["type"] == "http.disconnect":
                raise SenderGone
            more = message.get("more_body", False)
            if body := message.get("body", b""):
                yield body


def _too_large(limit: int) -> TooLarge:
    return TooLarge(f"The body is larger than {limit:,} bytes: send less in one request.")
