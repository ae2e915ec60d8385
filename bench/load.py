"""A small HTTP/1.1 load client: raw sockets, prepared requests, one process of its own.

It costs a fraction of what the servers under test cost, so that they are what is measured.
"""

from __future__ import annotations

import asyncio
import multiprocessing
import time
from collections import Counter
from typing import Any

import uvloop
from msgspec import Struct

_LENGTH = b"content-length: "


class Result(Struct):
    """Of one run."""

    seconds: float
    statuses: dict[int, int]
    milliseconds: list[float]
    """Of each request, sorted."""

    @property
    def rate(self) -> float:
        """Requests a second."""
        return len(self.milliseconds) / self.seconds

    def percentile(self, share: float) -> float:
        """Milliseconds within which that share of the requests was answered."""
        return self.milliseconds[
            min(int(len(self.milliseconds) * share), len(self.milliseconds) - 1)
        ]


def request(method: str, path: str, headers: dict[str, str], body: bytes = b"") -> bytes:
    """A request as it goes over the wire."""
    lines = [f"{method} {path} HTTP/1.1", "Host: bench"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    if body:
        lines += ["Content-Type: application/json", f"Content-Length: {len(body)}"]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


def run(origin: str, queues: list[list[bytes]]) -> Result:
    """Send each queue over its own connection, one request after the other, all at once."""
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        return pool.apply(run_here, (origin, queues))


def run_here(origin: str, queues: list[list[bytes]]) -> Result:
    """As `run`, in this process."""
    host, _, port = origin.removeprefix("http://").partition(":")
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(_run(host, int(port), queues))


async def _run(host: str, port: int, queues: list[list[bytes]]) -> Result:
    loop = asyncio.get_running_loop()
    clients = [_Client(queue, loop.create_future(), host, port) for queue in queues if queue]
    for client in clients:
        await client.connect()
    start = time.perf_counter()
    for client in clients:
        client.send()
    await asyncio.gather(*(client.done for client in clients))
    seconds = time.perf_counter() - start
    statuses: Counter[int] = Counter()
    for client in clients:
        statuses.update(client.statuses)
    times = sorted(t * 1000 for client in clients for t in client.times)
    return Result(seconds, dict(statuses), times)


class _Client(asyncio.Protocol):
    """One client; where a server closes the connection after an answer, it opens another."""

    def __init__(
        self, queue: list[bytes], done: asyncio.Future[None], host: str, port: int
    ) -> None:
        self._place = (host, port)
        self._between = False
        """Whether an answer is whole and the next request not sent yet."""
        self._queue = queue[::-1]
        self._buffer = b""
        self._sent = 0.0
        self.done = done
        self.statuses: Counter[int] = Counter()
        self.times: list[float] = []

    async def connect(self) -> None:
        await asyncio.get_running_loop().create_connection(lambda: self, *self._place)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport: Any = transport

    def send(self) -> None:
        self._sent = time.perf_counter()
        self._transport.write(self._queue.pop())

    def data_received(self, data: bytes) -> None:
        self._buffer = self._buffer + data if self._buffer else data
        end = self._buffer.find(b"\r\n\r\n")
        if end < 0:
            return
        at = self._buffer.lower().find(_LENGTH, 0, end)
        size = int(self._buffer[at + len(_LENGTH) :].split(b"\r\n", 1)[0]) if at >= 0 else 0
        if len(self._buffer) < end + 4 + size:
            return
        self.times.append(time.perf_counter() - self._sent)
        self.statuses[int(self._buffer[9:12])] += 1
        answer, self._buffer = self._buffer, b""
        if self._queue and _closes(answer):
            self._between = True
            self._transport.close()
        elif self._queue:
            self.send()
        else:
            self._transport.close()
            self.done.set_result(None)

    def connection_lost(self, error: Exception | None) -> None:
        if self._between:
            self._between = False
            self._again = asyncio.ensure_future(self._go_on())
        elif not self.done.done():
            self.done.set_exception(ConnectionError(f"the server closed the connection: {error}"))

    async def _go_on(self) -> None:
        try:
            await self.connect()
        except OSError as error:
            self.done.set_exception(error)
        else:
            self.send()


def _closes(answer: bytes) -> bool:
    """Whether the server closes the connection behind this answer."""
    return answer.startswith(b"HTTP/1.0") or b"connection: close\r\n" in answer[:2000].lower()
