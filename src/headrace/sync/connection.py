"""Connects one organisation to its API: keys, pace, and how errors are shown."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

from msgspec import Struct

from headrace.client.endpoints import Reader
from headrace.client.pace import WINDOW, Pace
from headrace.client.retry import ATTEMPTS
from headrace.client.transport import HttpTransport, load
from headrace.model.clock import Clock, parse_interval
from headrace.model.errors import ApiError, StalePlan
from headrace.model.project import TargetSettings
from headrace.sync.explain import explain
from headrace.sync.journal import Journal

ONLY_READ = "nothing was changed"


def only_read() -> None:
    """Refuse a request of an organisation that was opened to be read. Raises StalePlan."""
    raise StalePlan("Nothing was sent: this organisation was only opened to be read.")


class Keys(Struct, frozen=True):
    """The key and the secret that every request carries, as plain text; never printed."""

    key: str
    secret: str

    def __repr__(self) -> str:
        return "Keys(…)"


class Connection:
    """The way to one organisation's API; opens connections on demand."""

    def __init__(
        self,
        target: TargetSettings,
        keys: Keys,
        folder: Path,
        journal: Journal,
        clock: Clock,
        may_send: Callable[[], None] = lambda: None,
    ) -> None:
        """Connect to `target`; paths in its settings are relative to `folder`.

        `may_send` is called before each request; see `HttpTransport`.
        """
        self._may_send = may_send
        self._target = target
        self._keys = keys
        self._folder = folder
        self._journal = journal
        self._clock = clock

    @property
    def url(self) -> str:
        """The API's base URL."""
        return self._target.url

    @property
    def key(self) -> str:
        """The key of the key pair. It is no secret, but it is never printed either."""
        return self._keys.key

    def pace(self) -> Pace:
        """Return a pace that counts the answers of the last minute, also of earlier processes."""
        recent = self._journal.recent_answers(WINDOW)
        return Pace(self._target.rate, self._target.in_flight, self._clock, recent)

    def reader(self, transport: HttpTransport, attempts: int = ATTEMPTS) -> Reader:
        """Return a reader over an open connection."""
        return Reader(transport, self.pace(), self._clock, self._journal.answered, attempts)

    @asynccontextmanager
    async def open(self) -> AsyncIterator[HttpTransport]:
        """Open a connection pool.

        The journal keeps the number of requests that may be in flight. If the process dies, the
        next pace counts them as answered at that moment, so the rate limit holds.
        """
        target = self._target
        self._journal.expect_answers(target.in_flight)
        ca = self._folder / target.ca_file if target.ca_file else None
        timeout = parse_interval(target.timeout).total_seconds()
        await asyncio.to_thread(load)
        try:
            async with HttpTransport(
                target.url,
                self._keys.key,
                self._keys.secret,
                timeout,
                target.in_flight,
                ca,
                self._may_send,
            ) as transport:
                yield transport
        finally:
            self._journal.expect_none()

    @asynccontextmanager
    async def reading(
        self, attempts: int = ATTEMPTS, safe: str = ONLY_READ
    ) -> AsyncIterator[Reader]:
        """Open a reader; an ApiError is explained with `safe` and what to do, see `explain`."""
        async with self.open() as transport:
            try:
                yield self.reader(transport, attempts)
            except ApiError as error:
                raise explain(error, self.url, safe) from None
