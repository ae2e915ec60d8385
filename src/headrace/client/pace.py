"""The pace: never more requests in any window than the server allows, as the server counts them.

The server counts arrivals. An arrival lies somewhere between our send and its answer, so the only
bound that holds whatever the latency is: requests in flight + answers of the last window < limit.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Iterable

from headrace.model.clock import Clock

WINDOW = 60.0
"""Seconds over which the API counts (docs/api-evidence.md, Rate limit)."""
_MARGIN = 0.005
"""Seconds added to a window, for the server's clock is not ours."""


class Pace:
    """Hands out the right to send; every request, retries included, takes one slot.

    `recent` holds the ages in seconds of answers that an earlier process of this organisation got:
    they still count at the server.
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
        """Seconds until a slot is free: 0 now, None when only an answer can free one."""
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
        """Returns once a slot is taken."""
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
        """Takes a slot; only when `wait` has just said 0."""
        self.in_flight += 1

    def release(self) -> None:
        """The answer came, or the attempt failed: from now on the slot ages."""
        self.in_flight -= 1
        self._answered.append(self._clock.monotonic())
        self._changed.set()

    def close_for(self, seconds: float) -> None:
        """The server said 429: nothing is sent before that many seconds have passed."""
        self._closed_until = max(self._closed_until, self._clock.monotonic() + seconds)
        self._changed.set()

    def used(self) -> int:
        """Requests that count at the server now, at most."""
        self.wait()
        return self.in_flight + len(self._answered)
