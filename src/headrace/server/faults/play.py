"""What a fault can do with a request."""

from __future__ import annotations

import os
import random
import socket
import struct
from collections.abc import Awaitable, Callable
from typing import Any, NoReturn, Protocol, TypeVar

from headrace.model.clock import Clock
from headrace.server.call import Answer
from headrace.store.engine.interface import Store

T = TypeVar("T")

EXIT_CODE = 70
"""Exit code of a hub that was ended by a fault."""
TRANSPORT = "headrace.transport"
"""Key of the connection in the request's scope."""


class Request(Protocol):
    """The hub's side of a request, as a fault uses it."""

    @property
    def carry_out(self) -> Callable[[Store], Awaitable[Answer | None]]:
        """Carry the request out on a store; returns None when the client disconnected."""

    async def send(self, answer: Answer, size: int) -> None:
        """Send the head of an answer and a number of bytes of its body, without its end."""

    async def until_gone(self) -> None:
        """Wait until the connection is closed."""


class Play:
    """Gives a kind of fault access to the request, its connection, time and randomness."""

    def __init__(
        self, request: Request, store: Store, transport: Any, clock: Clock, chance: random.Random
    ) -> None:
        """Without a `transport`, as in a hub called within a process, there is no connection to
        close."""
        self.chance = chance
        self._request = request
        self._store = store
        self._transport = transport
        self._clock = clock

    async def wait(self, seconds: float) -> None:
        """Wait."""
        await self._clock.sleep(seconds)

    async def answer(self) -> Answer | None:
        """Carry the request out normally."""
        return await self._request.carry_out(self._store)

    async def answer_to_the_commit(self) -> None:
        """Carry the request out; a write ends the process just before its commit."""
        await self._request.carry_out(DyingStore(self._store))

    async def cut(self, answer: Answer, size: int) -> None:
        """Send the head and a number of bytes of the body, then close the connection."""
        await self._request.send(answer, size)
        await self.hang_up()

    async def hang_up(self, *, abruptly: bool = False) -> None:
        """Close the connection; an abrupt close is a TCP reset, which discards data in transit."""
        if self._transport is None:
            return
        if abruptly:
            linger = struct.pack("ii", 1, 0)
            connection = self._transport.get_extra_info("socket")
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
            self._transport.abort()
        else:
            self._transport.close()
        await self.until_gone()

    async def until_gone(self) -> None:
        """Wait until the client has closed the connection."""
        await self._request.until_gone()

    def end_process(self) -> NoReturn:
        """End the process as a crash does: nothing is finished or closed."""
        os._exit(EXIT_CODE)


class DyingStore:
    """A store whose next write ends the process after all its statements and before the commit."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self.read = store.read
        self.scan = store.scan
        self.close = store.close

    def write(self, organisation: int, run: Callable[..., T], *arguments: Any) -> Awaitable[T]:
        def run_and_die(db: Any) -> NoReturn:
            run(db, *arguments)
            if (settle := getattr(db, "settle", None)) is not None:
                settle()  # by now PostgreSQL has executed every statement
            os._exit(EXIT_CODE)

        return self._store.write(organisation, run_and_die)
