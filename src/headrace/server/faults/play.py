"""One request that is to go wrong: what a fault can do with it."""

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
"""Of a hub that a fault has ended."""
TRANSPORT = "headrace.transport"
"""Where the request's scope has its connection."""


class Request(Protocol):
    """The hub's side of a request that a fault plays with."""

    @property
    def carry_out(self) -> Callable[[Store], Awaitable[Answer | None]]:
        """Gives what it comes to on a store; None when its sender has gone."""

    async def send(self, answer: Answer, size: int) -> None:
        """The head of an answer and so many bytes of its body, without its end."""

    async def until_gone(self) -> None:
        """Wait until the connection is closed."""


class Play:
    """Hands the kinds of fault a request, its connection, time and chance."""

    def __init__(
        self, request: Request, store: Store, transport: Any, clock: Clock, chance: random.Random
    ) -> None:
        """Without a `transport` (a hub that is called within a process) there is nothing to hang
        up."""
        self.chance = chance
        self._request = request
        self._store = store
        self._transport = transport
        self._clock = clock

    async def wait(self, seconds: float) -> None:
        """Let time pass."""
        await self._clock.sleep(seconds)

    async def answer(self) -> Answer | None:
        """Carry the request out, as if nothing were wrong."""
        return await self._request.carry_out(self._store)

    async def answer_to_the_commit(self) -> None:
        """Carry the request out; a write ends the process when all is done but its commit."""
        await self._request.carry_out(DyingStore(self._store))

    async def cut(self, answer: Answer, size: int) -> None:
        """Send the head and so many bytes of the body, then hang up."""
        await self._request.send(answer, size)
        await self.hang_up()

    async def hang_up(self, *, abruptly: bool = False) -> None:
        """Close the connection; abruptly with a TCP reset, so that what is under way is lost."""
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
        """As a crash does: nothing is finished, nothing closed."""
        os._exit(EXIT_CODE)


class DyingStore:
    """A store whose next write ends the process when all of it is done but the commit."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self.read = store.read
        self.scan = store.scan
        self.close = store.close

    def write(self, organisation: int, run: Callable[..., T], *arguments: Any) -> Awaitable[T]:
        def run_and_die(db: Any) -> NoReturn:
            run(db, *arguments)
            if (settle := getattr(db, "settle", None)) is not None:
                settle()  # PostgreSQL has seen every statement then
            os._exit(EXIT_CODE)

        return self._store.write(organisation, run_and_die)
