"""A worker's turn: one round of one organisation of the register."""

from __future__ import annotations

import asyncio
import os
import shutil
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import duckdb
import msgspec
from msgspec import Struct

from headrace.book.file import discard, is_damage
from headrace.fleet.observer import Observer
from headrace.fleet.project import LoadedProject, load_file
from headrace.fleet.register.database import FleetDatabase
from headrace.fleet.register.members import members, settings_of
from headrace.fleet.round import Round, note_round
from headrace.fleet.sync import SyncOptions, Watcher, sync_once
from headrace.fleet.trouble import translated
from headrace.model.clock import Clock
from headrace.model.errors import Busy, BusyCache
from headrace.sync.delivery.progress import Progress
from headrace.sync.delivery.scheduler import Delivery
from headrace.sync.planning.plan import Plan
from headrace.sync.session import LOOP

KEPT_ROUNDS = 100
"""Rounds that the history of an organisation has."""
_BUSY_S = 5.0
"""Seconds after which an organisation that another process uses is tried again."""


class Turn(Watcher):
    """Runs a round while the worker may send, and ends early when it is stopped."""

    def __init__(self, name: str, may_send: Callable[[], None], observer: Observer) -> None:
        self.name = name
        self._observer = observer
        self.may_send = may_send  # type: ignore[method-assign]
        self._stopped = False
        self._plan: Plan | None = None
        self._interrupt: Callable[[], None] | None = None

    def stop(self) -> None:
        """End the delivery after the requests in flight have been answered."""
        self._stopped = True
        if self._interrupt is not None:
            self._interrupt()

    def sending(self, progress: Progress, delivery: Delivery) -> None:
        """Keep how to end the delivery, or end it if the turn was stopped before."""
        self._observer.sending(self.name, progress)
        self._interrupt = delivery.interrupt
        if self._stopped:
            delivery.interrupt()

    def planned(self, plan: Plan) -> None:
        """Keep the plan, also of a round that fails later."""
        self._plan = plan
        self._observer.planned(self.name, plan)

    async def run(self, project: LoadedProject, clock: Clock) -> Round:
        """Sync once, for at most a slice; errors are part of the result, never raised."""
        started, began = clock.now().timestamp(), clock.monotonic()
        self._observer.began(self.name)
        try:
            try:
                round = await self._sync(project, clock)
            except BusyCache:
                round = await self._sync_aside(project, clock)
            except (duckdb.Error, RuntimeError) as error:
                if not is_damage(error):
                    raise
                discard(project.book_file(self.name))
                round = await self._sync(project, clock)
        except Exception as error:
            trouble = translated(project, self.name, clock, error)
            round = Round(self.name, self._plan, None, trouble)
        seconds = clock.monotonic() - began
        round = msgspec.structs.replace(round, started_at=started, seconds=seconds)
        await asyncio.to_thread(note_round, project, round, LOOP, clock)
        await self._observer.ended(project, round)
        return round

    async def _sync(self, project: LoadedProject, clock: Clock) -> Round:
        options = SyncOptions(command=LOOP, through=False)
        plan, outcome = await sync_once(project, self.name, options, clock, self)
        return Round(self.name, plan, outcome)

    async def _sync_aside(self, project: LoadedProject, clock: Clock) -> Round:
        """Sync with a cache of its own, which is deleted afterwards.

        A worker of this machine that is frozen keeps the organisation's cache open; its claim, the
        lock of the journal, has been taken from it.
        """
        aside = f"{project.settings.data}/aside-{os.getpid()}"
        settings = msgspec.structs.replace(project.settings, data=aside)
        other = LoadedProject(project.folder, settings)
        try:
            return await self._sync(other, clock)
        finally:
            await asyncio.to_thread(shutil.rmtree, other.data_folder(self.name), True)
            with suppress(OSError):
                other.data_folder(self.name).parent.rmdir()


def project_with(path: Path, database: FleetDatabase, name: str) -> LoadedProject | None:
    """Return the project with the organisation as it is in the register now, or as it is in the
    project file; None if it is in neither, or is paused. Raises ConfigurationError."""
    loaded = load_file(path)
    found = members(database, name)
    if found:
        if found[0].paused:
            return None
        return loaded.joined({name: settings_of(loaded.settings, found[0])})
    return loaded if name in loaded.settings.organisation else None


class Noted(Struct, frozen=True):
    """What the register keeps of a round."""

    sent: int = 0
    pending: int | None = None
    summary: str = ""
    error: str = ""
    soon: float | None = None
    """Seconds until the next round; None for the organisation's interval."""


def noted(round: Round) -> Noted:
    """Return what the register keeps of a round."""
    outcome = round.outcome
    sent = outcome.sent if outcome is not None else 0
    if round.error is not None:
        soon = _BUSY_S if isinstance(round.error, Busy) else None
        return Noted(sent, round.pending, "", str(round.error), soon)
    sliced = outcome is not None and (outcome.sliced or outcome.interrupted)
    return Noted(sent, round.pending, round.summary, "", 0.0 if sliced else None)


def note(database: FleetDatabase, name: str, worker: str, seconds: float, what: Noted) -> None:
    """Write a round into the register, and set the time of the next one."""
    with database.transaction():
        database.run(
            "note",
            name=name,
            worker=worker,
            seconds=seconds,
            sent=what.sent,
            pending=what.pending,
            summary=what.summary,
            error=what.error,
        )
        database.run("trim", name=name, keep=KEPT_ROUNDS)
        database.run(
            "ended",
            name=name,
            seconds=seconds,
            pending=what.pending,
            summary=what.summary,
            error=what.error,
            worker=worker,
            soon=what.soon,
        )
