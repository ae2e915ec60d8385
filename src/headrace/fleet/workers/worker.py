"""A worker: takes rounds from the queue, several at a time, until it is stopped."""

from __future__ import annotations

import asyncio
import logging
import os
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import msgspec

from headrace import __version__
from headrace.fleet.observer import Observer
from headrace.fleet.project import LoadedProject, load_file
from headrace.fleet.register.database import WHAT, FleetDatabase, session_options
from headrace.fleet.round import Round
from headrace.fleet.threads import Threads, use_threads
from headrace.fleet.turn import WIND_UP_S, Turn
from headrace.fleet.workers.hinted import HintedRounds
from headrace.fleet.workers.lease import Lease
from headrace.fleet.workers.note import Noted, note, noted, project_with
from headrace.fleet.workers.places import Places
from headrace.fleet.workers.steward import Desk, Steward, queue_again
from headrace.model.clock import Clock
from headrace.model.errors import ConfigurationError, HeadraceError
from headrace.model.extras import load_extra
from headrace.model.project import OrganisationSettings
from headrace.sync.journal import PostgresPlace

QUEUE, TASK = "rounds", "headrace.round"
TAKEOVER_S = 20.0
"""Seconds without a heartbeat after which other workers take a worker's rounds over."""
_POLL_S = 5.0
"""Seconds after which the queue is looked at again if no notification came."""
_POOL = 4
_ALIVE_S = 5.0
"""Seconds between two signs of life for the observer."""
_SOON_S = 5.0
"""Seconds until a round is repeated that failed while the database was away."""
_BACKOFF_S = (0.5, 1.0, 2.0, 5.0)


class Worker:
    """One process's share of the rounds of all organisations."""

    def __init__(
        self,
        path: Path,
        at_once: int,
        takeover: float,
        clock: Clock,
        report: Callable[[Round], None],
        complain: Callable[[str], None],
        observer: Observer | None = None,
    ) -> None:
        """Work for the project at `path`, on `at_once` organisations at a time.

        `report` gets each round, `complain` a sentence about trouble with the database and about
        rounds that were taken over. Raises ConfigurationError for an invalid project, or one
        without `state`.
        """
        self._path = path
        self._at_once = at_once
        self._takeover = takeover
        self._clock = clock
        self._report = report
        self._complain = complain
        self._observer = observer or Observer()
        self._settings: dict[str, OrganisationSettings] = {}
        """Of the organisations that had a round here."""
        self._project = load_file(path)
        self._url = self._project.state_url()
        if not self._url:
            raise ConfigurationError(
                "headrace.toml has no `state`: set it to the postgresql:// address of the database "
                "that the workers share, or use `headrace run`, which needs none."
            )
        self.name = f"{socket.gethostname()[:32]}:{os.getpid()}"
        self._stopping = asyncio.Event()
        self._stopped_at: float | None = None
        self._threads: Threads | None = None
        self._turns: dict[str, Turn] = {}
        self._work: Any = None
        self._lease: Lease | None = None
        self._hinted = HintedRounds(path, self._url, self.name, clock, complain)

    def stop(self) -> None:
        """Take no more rounds, and end those at work after the requests in flight."""
        if self._stopped_at is None:
            self._stopped_at = self._clock.monotonic()
        self._stopping.set()
        if self._work is not None:
            self._work.stop()
        for turn in list(self._turns.values()):
            turn.stop()

    async def run(self) -> list[str]:
        """Work until stopped. While the database is away, it is tried again, ever more slowly.

        Returns the organisations that were still reading some seconds after the stop. Each occupies
        a thread that ends only with the process, and is taken over as from a worker that died.
        """
        asyncio.get_running_loop().set_exception_handler(_unraised)
        self._threads = use_threads(self._clock)
        attempts = 0
        while not self._stopping.is_set():
            try:
                await self._serve()
                attempts = 0
            except Exception as error:
                if not _is_outage(error):
                    raise
                text = " ".join(str(error).split()).replace(self._url, "***")
                self._complain(f"the workers' database does not answer ({text}); it is tried again")
                pause = _BACKOFF_S[min(attempts, len(_BACKOFF_S) - 1)]
                attempts += 1
                with suppress(TimeoutError):
                    await asyncio.wait_for(self._stopping.wait(), pause)
        return await self._wind_up()

    async def _serve(self) -> None:
        """Take rounds until stopped, or until the database or its memory of this worker is lost."""
        # Their own logs tell of every round and of every attempt to connect.
        for name in ("procrastinate", "psycopg.pool"):
            logging.getLogger(name).setLevel(logging.CRITICAL)
        await asyncio.to_thread(self._enter_file)
        library = load_extra("procrastinate", "workers", WHAT)
        connector = library.PsycopgConnector(
            conninfo=self._url,
            kwargs=session_options(self.name),
            min_size=1,
            max_size=_POOL,
            timeout=10.0,
        )
        app = library.App(connector=connector)
        app.task(name=TASK, queue=QUEUE, pass_context=True)(self._round)
        async with app.open_async():
            work = load_extra("procrastinate.worker", "workers", WHAT).Worker(
                app,
                queues=[QUEUE],
                name=self.name,
                concurrency=self._at_once,
                fetch_job_polling_interval=_POLL_S,
                delete_jobs="always",
                install_signal_handlers=False,
                update_heartbeat_interval=self._takeover / 4,
                stalled_worker_timeout=self._takeover * 10,
            )
            self._work = work
            if not self._stopping.is_set():
                await self._worked(work)

    def _enter_file(self) -> None:
        """Enter the project file's organisations into the register, and drop those that left."""
        organisations = self._project.settings.organisation
        with FleetDatabase(self._url, self.name) as database, database.transaction():
            for name, settings in organisations.items():
                database.run("of_file", name=name, every=settings.interval.total_seconds())
            database.run("left_file", names=list(organisations))

    async def _worked(self, work: Any) -> None:
        entering = asyncio.create_task(self._entered(work))
        working = asyncio.create_task(work.run())
        stopping = asyncio.create_task(self._stopping.wait())
        left: list[str] = []
        try:
            await asyncio.wait({working, stopping}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            stopping.cancel()
            entering.cancel()
            for turn in list(self._turns.values()):
                turn.stop()
            left = await self._wind_up()
            self._work = None
        if working.done() or not left:
            await working

    async def _wind_up(self) -> list[str]:
        """Wait for all deliveries to end, and a few seconds for rounds that only read; returns the
        organisations of the others."""
        patience = self._stopped_at
        patience = (self._clock.monotonic() if patience is None else patience) + WIND_UP_S
        while self._turns:
            delivering = any(turn.delivering for turn in self._turns.values())
            if not delivering and self._clock.monotonic() > patience:
                break
            await self._clock.sleep(0.05)
        return list(self._turns)

    async def _entered(self, work: Any) -> None:
        """Keep the worker's heartbeat and the queue while it runs."""
        while work.worker_id is None:
            await self._clock.sleep(0.02)
        with self._kept(work.worker_id) as lease:
            self._lease = lease
            looked, places = 0.0, Places(work)
            hinted = asyncio.create_task(self._hinted.run())
            try:
                while not lease.lost.is_set():
                    if self._clock.monotonic() - looked > _ALIVE_S:
                        looked = self._clock.monotonic()
                        await self._show_alive()
                        if self._threads is not None:
                            await places.add(self._threads.blocked())
                    await self._clock.sleep(0.2)
            finally:
                hinted.cancel()
                await asyncio.gather(hinted, return_exceptions=True)
            work.stop()  # another worker took over and removed this one; it begins anew

    async def _show_alive(self) -> None:
        """Show the observer which organisations this worker watches over: those whose last round
        was here. It knows too little of the others."""
        with suppress(ConfigurationError):
            names = await asyncio.to_thread(self._watched)
            settings = self._project.settings
            mine = {name: self._settings[name] for name in names if name in self._settings}
            project = LoadedProject(
                self._project.folder, msgspec.structs.replace(settings, organisation=mine)
            )
            self._observer.alive(project, list(mine))

    def _watched(self) -> list[str]:
        with FleetDatabase(self._url, self.name, make=False) as database:
            return [name for (name,) in database.run("watched_by", worker=self.name)]

    @contextmanager
    def _kept(self, worker: int) -> Iterator[Lease]:
        with FleetDatabase(self._url, self.name, make=False) as database:
            database.run(
                "enter",
                id=worker,
                name=self.name,
                version=__version__,
                at_once=self._at_once,
                takeover=self._takeover,
            )
        lease = Lease(self._url, worker, self.name, self._takeover, self._clock)
        desk = Desk(
            worker,
            self.name,
            self._takeover,
            lambda: list(self._turns),
            self._journal_lock,
            self._complain,
        )
        steward = Steward(self._url, desk, self._clock)
        try:
            yield lease
        finally:
            steward.end()
            lease.end()
            with suppress(ConfigurationError), FleetDatabase(self._url, self.name, False) as last:
                last.run("leave", id=worker)

    def _journal_lock(self, organisation: str) -> int | None:
        with suppress(HeadraceError):
            with FleetDatabase(self._url, self.name, make=False) as database:
                project = project_with(self._path, database, organisation)
            place = project.journal_place(organisation) if project is not None else None
            if isinstance(place, PostgresPlace) and place.url == self._url:
                return place.lock_number
        return None

    async def _round(self, context: Any, organisation: str) -> None:
        """Do one round, and write into the register how it ended."""
        while (lease := self._lease) is None:
            await self._clock.sleep(0.02)
        term = lease.term
        turn = self._turns[organisation] = Turn(
            organisation, self._clock, self._observer, claim=lambda: lease.check(term)
        )
        began = self._clock.monotonic()
        try:
            project = await asyncio.to_thread(self._begun, organisation)
            if project is None:
                return
            self._settings[organisation] = project.settings_of(organisation)
            round = await turn.run(project)
        except HeadraceError as error:
            round = Round(organisation, None, None, error)
        finally:
            if self._turns.get(organisation) is turn:
                del self._turns[organisation]
        ended = self._clock.monotonic()
        self._hinted.ended(organisation, ended, turn.worked)
        self._report(round)
        if not await self._note(round, ended - began, lease, term):
            # Unless another worker has taken the job over, it is still this one's and would be
            # deleted now: the organisation would wait for a whole interval.
            with suppress(ConfigurationError):
                await asyncio.to_thread(self._give_back, context.job.id, organisation)

    def _give_back(self, job: int, organisation: str) -> None:
        with FleetDatabase(self._url, self.name, make=False) as database:
            queue_again(database, job, organisation)

    async def _note(self, round: Round, seconds: float, lease: Lease, term: int) -> bool:
        """Write the round into the register, unless another worker may have taken it over; returns
        whether it was written.

        While the database is away this is tried again: with its job gone and no note, the
        organisation would wait for a whole interval. A round that failed meanwhile is repeated
        soon.
        """
        what = noted(round)
        while lease.term == term and not lease.lost.is_set():
            try:
                await asyncio.to_thread(self._noted, round.organisation, seconds, what)
                return True
            except ConfigurationError:
                if self._stopping.is_set():
                    break
                if round.error is not None:
                    what = msgspec.structs.replace(what, soon=_SOON_S)
                await self._clock.sleep(1.0)
        return False

    def _begun(self, organisation: str) -> LoadedProject | None:
        with FleetDatabase(self._url, self.name, make=False) as database:
            database.run("began", name=organisation)
            return project_with(self._path, database, organisation)

    def _noted(self, name: str, seconds: float, what: Noted) -> None:
        with FleetDatabase(self._url, self.name, make=False) as database:
            note(database, name, self.name, seconds, what)


def _unraised(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    """Ignore what Procrastinate's own tasks raise: one can't end a job that was taken over, or
    can't write while the database is away. The round itself has been reported."""
    error = context.get("exception")
    if not isinstance(error, Exception) or not _is_outage(error):
        loop.default_exception_handler(context)


def _is_outage(error: Exception) -> bool:
    """Whether an exception of the queue says that the database is away for a while."""
    kinds = (
        load_extra("procrastinate.exceptions", "workers", WHAT).ConnectorException,
        load_extra("psycopg", "workers", WHAT).OperationalError,
        load_extra("psycopg_pool", "workers", WHAT).PoolTimeout,
        ConfigurationError,
    )
    return isinstance(error, kinds)
