"""The steward: queues rounds that are due, and takes over those of workers that are gone.

Every worker has one. They do the same work, each on what no other has locked, so that none is
needed in particular.
"""

from __future__ import annotations

import threading
from collections.abc import Callable

from headrace.fleet.register.database import FleetDatabase
from headrace.model.clock import Clock
from headrace.model.errors import ConfigurationError

_TICK_S = 1.0
_AGE_S = 5.0
_LOOKS = 5
"""How often stalled rounds are looked for in the time after which they are taken over."""


class Steward:
    """Does its work on a thread until it is ended; trouble with the database is waited out."""

    def __init__(
        self,
        url: str,
        name: str,
        takeover: float,
        journal_lock: Callable[[str], int | None],
        report: Callable[[str], None],
        clock: Clock,
    ) -> None:
        """`journal_lock` returns the number of the lock of an organisation's journal, None if that
        is in another database; `report` gets a sentence about each round that is taken over."""
        self._url = url
        self._name = name
        self._takeover = takeover
        self._journal_lock = journal_lock
        self._report = report
        self._clock = clock
        self._ended = threading.Event()
        self._aged = self._looked = 0.0
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
                database = database or FleetDatabase(self._url, f"{self._name}, steward", False)
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
        if now - self._looked > self._takeover / _LOOKS:
            self._looked = now
            take_over(database, self._takeover, self._journal_lock, self._report)
            database.run("bury")


def take_over(
    database: FleetDatabase,
    takeover: float,
    journal_lock: Callable[[str], int | None],
    report: Callable[[str], None],
) -> None:
    """Put the rounds of workers without a heartbeat into the queue again.

    First the database sessions that hold the organisations' journals are ended. A worker that was
    only frozen can then write no more, and a worker writes into the journal before each request.
    """
    for job, organisation, worker in database.run("stalled", takeover=takeover).fetchall():
        lock = journal_lock(organisation)
        if lock is not None:
            database.run("end_sessions", lock=lock)
        with database.transaction():
            dropped = database.run("drop_stalled", id=job).fetchone()
            if dropped is not None:
                database.run("hint", name=organisation)
        if dropped is not None:
            report(f"{organisation}: taken over from {worker}, which does not answer any more")
