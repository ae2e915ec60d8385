"""Hints for workers: each follows those of its share of the organisations, and queues their rounds.

Which worker does a round is up to the queue. Which one follows an organisation's hints depends on
the names of both, so it changes only when workers come and go.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path

from headrace.fleet.hinting import HintKeeper
from headrace.fleet.project import LoadedProject, load_file
from headrace.fleet.register.database import FleetDatabase
from headrace.fleet.register.members import Member, members, settings_of
from headrace.model.clock import Clock
from headrace.model.errors import ConfigurationError
from headrace.model.project import OrganisationSettings

_LOOK_S = 10.0
"""Seconds between two looks at the register, for new organisations and new workers."""
_GATHER_S = 0.05
"""Seconds for which hints are gathered before a round is queued."""


class HintedRounds:
    """Queues a round of an organisation soon after a hint that its source may have changed."""

    def __init__(
        self, path: Path, url: str, worker: str, clock: Clock, complain: Callable[[str], None]
    ) -> None:
        """`url` is the workers' database and `worker` this worker's name. `complain` gets a message
        if webhooks can't be received."""
        self._path = path
        self._url = url
        self._worker = worker
        self._clock = clock
        self._complain = complain
        self._settings: dict[str, tuple[Member, OrganisationSettings]] = {}
        self._earliest: dict[str, float] = {}
        """Time before which hints lead to no further round, in monotonic seconds."""
        self._coming: dict[str, asyncio.Task[None]] = {}

    async def run(self) -> None:
        """Follow hints until cancelled."""
        keeper = HintKeeper(self._clock, self.hint, self._complain, shared=True)
        try:
            while True:
                with suppress(ConfigurationError):  # each round of its own says what is wrong
                    project, share = await asyncio.to_thread(self._look)
                    keeper.follow(project, share)
                await self._clock.sleep(_LOOK_S)
        finally:
            await keeper.close()
            for task in self._coming.values():
                task.cancel()

    def hint(self, name: str) -> None:
        """Queue a round soon. Hints that come together lead to one round, and rounds that follow
        hints read and plan for at most half of the time."""
        if name not in self._coming:
            self._coming[name] = asyncio.create_task(self._queue(name))

    def ended(self, name: str, ended: float, worked: float) -> None:
        """Note when a round of the organisation ended here, by the monotonic clock, and how long it
        read and planned."""
        self._earliest[name] = ended + worked

    async def _queue(self, name: str) -> None:
        try:
            pause = self._earliest.get(name, 0.0) - self._clock.monotonic()
            await self._clock.sleep(max(_GATHER_S, pause))
        finally:
            del self._coming[name]
        # While the database is away, the rounds that are due by time bring the change later.
        with suppress(ConfigurationError):
            await asyncio.to_thread(self._queued, name)

    def _queued(self, name: str) -> None:
        with FleetDatabase(self._url, self._worker, make=False) as database:
            database.run("hint", name=name)

    def _look(self) -> tuple[LoadedProject, list[str]]:
        """Return the project with all organisations, and the names of this worker's share."""
        loaded = load_file(self._path)
        with FleetDatabase(self._url, self._worker, make=False) as database:
            found = members(database)
            workers = [row[0] for row in database.run("workers") if row[5]]
        paused = {member.name for member in found if member.paused}
        kept, self._settings = self._settings, {}
        for member in found:
            known = kept.get(member.name)
            if known is None or known[0] != member:
                with suppress(ConfigurationError):
                    known = member, settings_of(loaded.settings, member)
            if known is not None:
                self._settings[member.name] = known
        project = loaded.joined({name: one for name, (_, one) in self._settings.items()})
        names = [name for name in project.names() if name not in paused]
        return project, [name for name in names if follower_of(name, workers) == self._worker]


def follower_of(organisation: str, workers: Sequence[str]) -> str:
    """Return which of the workers follows the organisation's hints; empty if there are none."""

    def weight(worker: str) -> bytes:
        return hashlib.blake2b(f"{worker}\n{organisation}".encode(), digest_size=8).digest()

    return max(workers, key=weight, default="")
