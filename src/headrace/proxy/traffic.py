"""How busy the server is, as far as a proxy can know it.

A request arrives at some moment between its sending and its answer. All counts are therefore
bounds: what certainly was, and what may have been.
"""

from __future__ import annotations

from collections import deque

from headrace.oracle.exchange import Traffic
from headrace.oracle.vocabulary import PER_MINUTE

WINDOW_S = 60.0
_KEPT = 4 * PER_MINUTE


class _Passed:
    __slots__ = ("admitted", "began", "client", "ended")

    def __init__(self, client: int, began: float) -> None:
        self.client = client
        self.began = began
        self.ended: float | None = None
        self.admitted = True


class Arrivals:
    """All requests that were passed on, the oldest first."""

    def __init__(self) -> None:
        self._passed: deque[_Passed] = deque()

    def began(self, client: int, now: float) -> _Passed:
        """Note a request that is being sent."""
        entry = _Passed(client, now)
        self._passed.append(entry)
        return entry

    def ended(self, entry: _Passed, now: float, status: int) -> Traffic:
        """Note its answer; returns how busy the server was when it arrived."""
        entry.ended = now
        while self._passed and self._is_old(self._passed[0], now):
            self._passed.popleft()
        others = len(self._passed)
        # Counting costs time, and most requests are far from any limit.
        traffic = Traffic()
        if status == 429 or others >= PER_MINUTE:
            traffic = self._count(entry, now)
        # The server counts no refused request, nor one without a valid key.
        entry.admitted = status not in (401, 429)
        return traffic

    def _is_old(self, entry: _Passed, now: float) -> bool:
        old = entry.ended is not None and entry.ended < now - 2 * WINDOW_S
        return old or len(self._passed) > _KEPT

    def _count(self, own: _Passed, now: float) -> Traffic:
        least = most = beside = 0
        for other in self._passed:
            if other is own or not other.admitted:
                continue
            ended = now if other.ended is None else other.ended
            most += other.began <= now and ended >= own.began - WINDOW_S
            beside += ended >= own.began
            certain = other.client == own.client and other.ended is not None
            least += certain and ended <= own.began and other.began > now - WINDOW_S
        return Traffic(least, most, beside)
