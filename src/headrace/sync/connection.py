"""Connects one organisation to its API: keys, pace, and how errors are shown."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from msgspec import Struct

from headrace.client.endpoints import Reader
from headrace.client.pace import WINDOW, Pace
from headrace.client.retry import ATTEMPTS
from headrace.client.transport import HttpTransport, load
from headrace.model.clock import Clock, parse_interval
from headrace.model.errors import ApiError
from headrace.model.project import TargetSettings
from headrace.sync.explain import explain
from headrace.sync.journal import Journal

ONLY_READ = "nothing was to be changed, and nothing was"


class Keys(Struct, frozen=True):
    """The pair that every request carries; resolved, so never printed."""

    key: str
    secret: str

    def __repr__(self) -> str:
        return "Keys(…)"


class Connection:
    """Opened for as long as a command needs it."""

    def __init__(
        self, target: TargetSettings, keys: Keys, folder: Path, journal: Journal, clock: Clock
    ) -> None:
        """Paths in the settings start from `folder`."""
        self._target = target
        self._keys = keys
        self._folder = folder
        self._journal = journal
        self._clock = clock

    @property
    def url(self) -> str:
        """The API's base."""
        return self._target.url

    @property
    def key(self) -> str:
        """The key that is public to the API; no secret, but never printed."""
        return self._keys.key

    def pace(self) -> Pace:
        """What of the rate is left, by the answers of the last minute."""
        recent = self._journal.recent_answers(WINDOW)
        return Pace(self._target.rate, self._target.in_flight, self._clock, recent)

    def reader(self, transport: HttpTransport, attempts: int = ATTEMPTS) -> Reader:
        """Reads over an open connection."""
        return Reader(transport, self.pace(), self._clock, self._journal.answered, attempts)

    @asynccontextmanager
    async def open(self) -> AsyncIterator[HttpTransport]:
        """A connection pool; what is on its way when the process dies counts as answered then."""
        target = self._target
        self._journal.expect_answers(target.in_flight)
        ca = self._folder / target.ca_file if target.ca_file else None
        timeout = parse_interval(target.timeout).total_seconds()
        await asyncio.to_thread(load)
        try:
            async with HttpTransport(
                target.url, self._keys.key, self._keys.secret, timeout, target.in_flight, ca
            ) as transport:
                yield transport
        finally:
            self._journal.expect_none()

    @asynccontextmanager
    async def reading(
        self, attempts: int = ATTEMPTS, safe: str = ONLY_READ
    ) -> AsyncIterator[Reader]:
        """Opens a reader; an ApiError gets a sentence on what is `safe` and what to do."""
        async with self.open() as transport:
            try:
                yield self.reader(transport, attempts)
            except ApiError as error:
                raise explain(error, self.url, safe) from None
