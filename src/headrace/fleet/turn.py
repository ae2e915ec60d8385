"""A turn: one round of one organisation, whoever it is that syncs: a loop or a worker."""

from __future__ import annotations

import asyncio
import os
import shutil
from collections.abc import Callable
from contextlib import suppress

import duckdb
import msgspec

from headrace.book.engine.file import discard, is_damage
from headrace.fleet.observer import Observer
from headrace.fleet.open_books import OpenBooks
from headrace.fleet.project import LoadedProject
from headrace.fleet.proving import prove_if_due
from headrace.fleet.round import Round, note_round
from headrace.fleet.sync import SyncOptions, Watcher, sync_once
from headrace.fleet.trouble import translated
from headrace.model.clock import Clock
from headrace.model.errors import BusyCache
from headrace.sync.delivery.outcome import DeliveryOutcome
from headrace.sync.delivery.progress import Progress
from headrace.sync.delivery.scheduler import Delivery
from headrace.sync.planning.plan import Plan
from headrace.sync.session import LOOP

WIND_UP_S = 5.0
"""Seconds after a stop that a round which only reads has to end; one that delivers has as long as
it takes."""
_OPTIONS = SyncOptions(command=LOOP, through=False)


class Turn(Watcher):
    """Runs a round, of at most one slice, and ends early when it is stopped."""

    def __init__(
        self,
        name: str,
        clock: Clock,
        observer: Observer,
        books: OpenBooks | None = None,
        claim: Callable[[], None] | None = None,
        earlier: DeliveryOutcome | None = None,
        options: SyncOptions = _OPTIONS,
    ) -> None:
        """`books` keep the organisation open between rounds. `claim` is called before each request,
        and raises if the organisation is no longer this process's. `earlier` is the outcome of the
        slices before this one."""
        self.name = name
        self._clock = clock
        self._observer = observer
        self._books = books
        self._claim = claim
        self._earlier = earlier
        self._options = options
        self._stopped = False
        self._plan: Plan | None = None
        self._outcome: DeliveryOutcome | None = None
        self._interrupt: Callable[[], None] | None = None
        self._sending_at: float | None = None
        self.worked = 0.0
        """Seconds of the round until it began to send; those after it are mostly the API's."""

    @property
    def delivering(self) -> bool:
        """Whether requests may be in flight."""
        return self._interrupt is not None

    def stop(self) -> None:
        """End the delivery after the requests in flight have been answered."""
        self._stopped = True
        if self._interrupt is not None:
            self._interrupt()

    def sending(self, progress: Progress, delivery: Delivery) -> None:
        """Keep how to end the delivery, or end it if the turn was stopped before."""
        self._observer.sending(self.name, progress)
        self._sending_at = self._clock.monotonic()
        self._interrupt = delivery.interrupt
        if self._books is not None:
            self._books.lend(self.name)
        if self._stopped:
            delivery.interrupt()

    async def ended(self) -> None:
        """Take the book back from the pages, which may read it during a delivery."""
        if self._books is not None:
            await asyncio.to_thread(self._books.reclaim, self.name)

    def planned(self, plan: Plan) -> None:
        """Keep the plan, also of a round that fails later."""
        self._plan = plan
        self._observer.planned(self.name, plan)

    def may_send(self) -> None:
        """Raise if the organisation is no longer this process's."""
        if self._claim is not None:
            self._claim()

    async def run(self, project: LoadedProject) -> Round:
        """Sync once; errors are part of the result, never raised."""
        started, began = self._clock.now().timestamp(), self._clock.monotonic()
        trouble = None
        self._observer.began(self.name)
        try:
            await self._sync_repaired(project)
        except Exception as error:
            trouble = translated(project, self.name, self._clock, error)
        finally:
            self._interrupt = None
        ended = self._clock.monotonic()
        seconds = ended - began
        self.worked = (ended if self._sending_at is None else self._sending_at) - began
        round = Round(self.name, self._plan, self._outcome, trouble, started, seconds)
        await asyncio.to_thread(note_round, project, round, LOOP, self._clock)
        await prove_if_due(project, round, self._clock, self._books)
        if self._books is not None:
            await asyncio.to_thread(self._books.settle, self.name)
        await self._observer.ended(project, round)
        return round

    async def _sync_repaired(self, project: LoadedProject) -> None:
        """Sync, once more if the cache turns out to be damaged."""
        try:
            await self._sync(project)
        except BusyCache:
            if self._claim is None:
                raise
            await self._sync_aside(project)
        except (duckdb.Error, RuntimeError) as error:
            if not is_damage(error):
                raise
            if self._books is not None:
                await asyncio.to_thread(self._books.drop, self.name)
            discard(project.book_file(self.name))
            await self._sync(project)

    async def _sync(self, project: LoadedProject) -> None:
        self._plan, outcome = await sync_once(
            project, self.name, self._options, self._clock, self, self._books
        )
        self._outcome = outcome if self._earlier is None else outcome.after(self._earlier)

    async def _sync_aside(self, project: LoadedProject) -> None:
        """Sync with a cache of its own, which is deleted afterwards.

        A worker of this machine that is frozen keeps the organisation's cache open; its claim, the
        lock of the journal, has been taken from it.
        """
        aside = f"{project.settings.data}/aside-{os.getpid()}"
        other = LoadedProject(project.folder, msgspec.structs.replace(project.settings, data=aside))
        try:
            await self._sync(other)
        finally:
            await asyncio.to_thread(shutil.rmtree, other.data_folder(self.name), True)
            with suppress(OSError):
                other.data_folder(self.name).parent.rmdir()
