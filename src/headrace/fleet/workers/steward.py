"""The steward: queues rounds that are due, and takes over those of workers that are gone.

Every worker has one. They do the same work, each on what no other has locked, so that none is
needed in particular.
"""

from __future__ import annotations

import threading
from collections.abc import Callable

from msgspec import Struct

from headrace.fleet.register.database import FleetDatabase
from headrace.model.clock import Clock
from headrace.model.errors import ConfigurationError

_TICK_S = 1.0
_AGE_S = 5.0
_LOOKS = 5
"""How often stalled rounds are looked for in the time after which they are taken over."""


class Desk(Struct, frozen=True):
    """What a steward needs to know of its worker."""

    worker: int
    """Procrastinate's number of the worker."""
    name: str
    takeover: float
    """Seconds without a heartbeat after which a worker's rounds are taken over."""
    at_work: Callable[[], list[str]]
    """Returns the organisations that the worker is at work on."""
    journal_lock: Callable[[str], int | None]
    """Returns the number of the lock of an organisation's journal; None if the journal is in
    another database."""
    report: Callable[[str], None]
    """Gets a sentence about each round that is taken over."""


class Steward:
    """Does its work on a thread until it is ended; trouble with the database is waited out."""

    def __init__(self, url: str, desk: Desk, clock: Clock) -> None:
        self._url = url
        self._desk = desk
        self._clock = clock
        self._ended = threading.Event()
        self._aged = self._looked = 0.0
        self._forgotten: set[int] = set()
        """Jobs that were found without work on them at the last look."""
        self._thread = threading.Thread(target=self._serve, name="steward", daemon=True)
        self._thread.start()

    def end(self) -> None:
        """Stop."""
        self._ended.set()
        self._thread.join()

    def _serve(self) -> None:
        database: FleetDatabase | None = None
        while not self._ended.is_set():
            try:
                if database is None:
                    name = f"{self._desk.name}, steward"
                    database = FleetDatabase(self._url, name, make=False)
                self._look_after(database)
            except ConfigurationError:
                if database is not None:
                    database.close()
                database = None
            self._ended.wait(_TICK_S)
        if database is not None:
            database.close()

    def _look_after(self, database: FleetDatabase) -> None:
        database.run("tick")
        now = self._clock.monotonic()
        if now - self._aged > _AGE_S:
            self._aged = now
            database.run("age")
        if now - self._looked > self._desk.takeover / _LOOKS:
            self._looked = now
            take_over(database, self._desk)
            self._take_back(database)
            database.run("bury")

    def _take_back(self, database: FleetDatabase) -> None:
        """Queue this worker's own rounds again that it is not at work on.

        Between two looks a round may be about to begin or to end, so both looks must find it.
        """
        names = self._desk.at_work()
        found = dict(database.run("forgotten", worker=self._desk.worker, names=names).fetchall())
        for job in self._forgotten & found.keys():
            queue_again(database, job, found[job])
        self._forgotten = set(found)


def take_over(database: FleetDatabase, desk: Desk) -> None:
    """Put the rounds of workers without a heartbeat into the queue again.

    First the database sessions that hold the organisations' journals are ended. A worker that was
    only frozen can then write no more, and a worker writes into the journal before each request.
    """
    for job, organisation, worker in database.run("stalled", takeover=desk.takeover).fetchall():
        lock = desk.journal_lock(organisation)
        if lock is not None:
            database.run("end_sessions", lock=lock)
        if queue_again(database, job, organisation):
            desk.report(f"{organisation}: taken over from {worker}, which does not answer any more")


def queue_again(database: FleetDatabase, job: int, organisation: str) -> bool:
    """Give the round another job; returns False if another worker has just done so."""
    with database.transaction():
        if database.run("drop_stalled", id=job).fetchone() is None:
            return False
        database.run("hint", name=organisation)
    return True
