"""Sheds load: refuses requests at once that would have to wait longer than a bound."""

from __future__ import annotations

from headrace.model.clock import Clock

BOUND_S = 0.3
"""Estimated wait from which requests are refused. What a client sees is up to three times as much:
the estimate does not include what waits in the kernel."""

_FLOOR = 32
"""So many requests are always admitted: an estimate from fewer says nothing."""
_FIRST_RATE = 1_000.0
"""Answers a second that are assumed before any was measured."""
_WINDOW_S = 0.25
_WEIGHT = 0.5
"""Of the newest window in the average."""


class Load:
    """The requests that this process is carrying out, and how long another one would wait.

    The wait is estimated by Little's law: requests under way, divided by the answers per second.
    Near the bound, organisations with more than their share are refused first, so that a greedy one
    costs the others little.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._under_way: dict[int, int] = {}
        """Requests by organisation; those without any are left out."""
        self._count = 0
        self._rate = _FIRST_RATE
        self._since = clock.monotonic()
        self._answers = 0
        self._was_busy = False

    def enter(self, organisation: int) -> bool:
        """Begin a request. Returns False, and counts nothing, if it would wait too long."""
        own = self._under_way.get(organisation, 0)
        if self._count >= _FLOOR and not self._has_room(own):
            return False
        self._count += 1
        self._under_way[organisation] = own + 1
        if self._count >= _FLOOR:
            self._was_busy = True
        return True

    def leave(self, organisation: int) -> None:
        """End a request that was begun."""
        self._count -= 1
        own = self._under_way[organisation] - 1
        if own:
            self._under_way[organisation] = own
        else:
            del self._under_way[organisation]
        self._answers += 1
        passed = self._clock.monotonic() - self._since
        if passed >= _WINDOW_S:
            self._measure(passed)

    def _has_room(self, own: int) -> bool:
        most = max(_FLOOR, self._rate * BOUND_S)
        if self._count >= most:
            # Whoever has nothing under way gets a last reserve.
            return own == 0 and self._count < 2 * most
        if self._count >= most / 2:
            return own <= most / (2 * max(1, len(self._under_way)))
        return True

    def _measure(self, passed: float) -> None:
        # Only a process that was busy all the time shows how fast it is.
        if self._was_busy and self._count >= _FLOOR // 4:
            self._rate += _WEIGHT * (self._answers / passed - self._rate)
        self._since += passed
        self._answers = 0
        self._was_busy = self._count >= _FLOOR
