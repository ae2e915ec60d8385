"""The lease: how a worker knows that its rounds are still its own."""

from __future__ import annotations

import threading

from headrace.fleet.register.database import FleetDatabase
from headrace.model.clock import Clock
from headrace.model.errors import Busy, ConfigurationError

_BEATS = 5
"""Heartbeats in the time after which other workers take over."""
_VALID = 0.6
"""Share of that time for which the last heartbeat lets the worker send."""


class Lease:
    """Renews the worker's heartbeat in the database, on a thread, and says whether it is recent.

    Other workers take this one's rounds over when its heartbeat is `takeover` seconds old. This one
    must have stopped sending by then, although it may be cut off from the database, or may have
    been frozen and know of no time that has passed. So before each request it compares the time of
    its last heartbeat with a clock that does not stop. An example with 20 s: the last heartbeat is
    sent at 0 s, the connection breaks at 1 s, from 12 s on nothing is sent, at 20 s another worker
    takes over.
    """

    # After a long pause, such as that of a laptop or of a virtual machine that is moved, the first
    # heartbeat succeeds again, but the rounds may have been taken over meanwhile. Each such gap
    # begins a new term, and a round belongs to the term in which it began.

    def __init__(self, url: str, worker: int, name: str, takeover: float, clock: Clock) -> None:
        """Begin to renew it; `worker` is Procrastinate's number of the worker."""
        self._clock = clock
        self._url = url
        self._worker = worker
        self._name = name
        self._takeover = takeover
        self._ended = threading.Event()
        self._renewed = self._clock.monotonic()
        self._term = 0
        self.lost = threading.Event()
        """Set when the database does not know this worker any more."""
        self._thread = threading.Thread(target=self._beat, name="heartbeat", daemon=True)
        self._thread.start()

    @property
    def term(self) -> int:
        """Number of the time span without a gap that is now."""
        return self._term

    def check(self, term: int) -> None:
        """Raise Busy unless the worker may send for a round that began in this term."""
        late = self._clock.monotonic() - self._renewed
        if term != self._term or late > self._takeover * _VALID or self.lost.is_set():
            raise Busy(
                "This worker lost its connection to the database that the workers share, so "
                "another one may work on the organisation: nothing more was sent. What was "
                "acknowledged is recorded, and the next round continues from there."
            )

    def end(self) -> None:
        """Stop the heartbeat."""
        self._ended.set()
        self._thread.join()

    def _beat(self) -> None:
        database: FleetDatabase | None = None
        while not self._ended.is_set():
            try:
                database = database or FleetDatabase(self._url, f"{self._name}, beat", make=False)
                began = self._clock.monotonic()
                if database.run("beat", id=self._worker).fetchone() is None:
                    self.lost.set()
                    return
                self._renew(began)
            except ConfigurationError:
                if database is not None:
                    database.close()
                database = None
            self._ended.wait(self._takeover / _BEATS)
        if database is not None:
            database.close()

    def _renew(self, began: float) -> None:
        # The database may have taken the heartbeat down later, but not before it was sent.
        if began - self._renewed > self._takeover * _VALID:
            self._term += 1
        self._renewed = began
