"""The pace: keeps the requests in any window within the server's limit, as the server counts them.

The server counts arrivals, whose time the client can't know: a request arrives somewhere between
its sending and its answer. The one bound that holds for any latency is therefore: requests in
flight + answers within the last window < limit.

Why sending times are not enough: with a limit of 600 and 600 requests sent within second 0, one of
which is stuck in the network until second 50, a client that counts sending times sends 600 more in
second 60. The server then sees 601 arrivals between seconds 50 and 60 and answers 429. Here the
stuck request keeps its slot until 60 seconds after its answer.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Iterable

from headrace.model.clock import Clock

WINDOW = 60.0
"""Length in seconds of the window in which the API counts (docs/api-evidence.md, Rate limit)."""
_MARGIN = 0.005
"""Seconds added to the window, because the server's clock may differ slightly."""


class Pace:
    """Grants slots for sending; every request takes one, retries included.

    `recent` are the ages in seconds of answers that an earlier process received for this
    organisation; the server still counts them.
    """

    def __init__(
        self, limit: int, in_flight: int, clock: Clock, recent: Iterable[float] = ()
    ) -> None:
        self.limit = limit
        self.in_flight_limit = in_flight
        self.in_flight = 0
        self._clock = clock
        now = clock.monotonic()
        self._answered = deque(sorted(now - age for age in recent if age < WINDOW))
        self._closed_until = 0.0
        self._changed = asyncio.Event()

    def wait(self) -> float | None:
        """Return the seconds until a slot is free: 0 for now, None when only an answer can free
        one."""
        now = self._clock.monotonic()
        horizon = now - WINDOW - _MARGIN
        while self._answered and self._answered[0] <= horizon:
            self._answered.popleft()
        if now < self._closed_until:
            return self._closed_until - now
        if self.in_flight >= self.in_flight_limit:
            return None
        if self.in_flight + len(self._answered) < self.limit:
            return 0.0
        return self._answered[0] - horizon if self._answered else None

    async def acquire(self) -> None:
        """Wait for a slot and take it."""
        while (seconds := self.wait()) != 0.0:
            self._changed.clear()
            waiting = asyncio.ensure_future(self._changed.wait())
            pause = None if seconds is None else asyncio.ensure_future(self._clock.sleep(seconds))
            tasks = {waiting} if pause is None else {waiting, pause}
            try:
                await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            finally:
                for task in tasks:
                    task.cancel()
        self.take()

    def take(self) -> None:
        """Take a slot; only directly after `wait` returned 0."""
        self.in_flight += 1

    def release(self) -> None:
        """Record that the answer came or the attempt failed; the slot becomes free one window
        later."""
        self.in_flight -= 1
        self._answered.append(self._clock.monotonic())
        self._changed.set()

    def close_for(self, seconds: float) -> None:
        """Pause sending for that many seconds, after a 429. A shorter pause never shortens a
        longer one."""
        self._closed_until = max(self._closed_until, self._clock.monotonic() + seconds)
        self._changed.set()

    def used(self) -> int:
        """Return the maximum number of requests that the server counts now."""
        self.wait()
        return self.in_flight + len(self._answered)
