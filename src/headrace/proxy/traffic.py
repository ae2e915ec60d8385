"""How busy the server is, as far as a proxy can know it.

A request arrives at some moment between its sending and its answer. All counts are therefore
bounds: what certainly was, and what may have been.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right, insort
from collections import deque
from math import inf

from headrace.oracle.exchange import Traffic
from headrace.oracle.vocabulary import PER_MINUTE

WINDOW_S = 60.0
_KEPT = 4 * PER_MINUTE


class _Passed:
    __slots__ = ("began", "client", "counted", "ended", "forgotten")

    def __init__(self, client: int, began: float) -> None:
        self.client = client
        self.began = began
        self.ended: float | None = None
        self.counted = False
        """Whether it is among those that the server counts."""
        self.forgotten = False


class Arrivals:
    """All requests that were passed on, the oldest first.

    A busy proxy asks about each request, so counting looks at none of those that don't matter.
    """

    def __init__(self) -> None:
        self._passed: deque[_Passed] = deque()
        self._open = 0
        """Requests without an answer yet."""
        self._ended: list[float] = []
        """When those that the server counts were answered, ascending."""
        self._of: dict[int, list[tuple[float, float]]] = {}
        """By client, when these were answered and when they had been sent."""
        self._sent: dict[int, list[float]] = {}
        """By client, when they had been sent, ascending."""

    def began(self, client: int, now: float) -> _Passed:
        """Note a request that is being sent."""
        entry = _Passed(client, now)
        self._passed.append(entry)
        self._open += 1
        return entry

    def ended(self, entry: _Passed, now: float, status: int) -> Traffic:
        """Note its answer; returns how busy the server was when it arrived."""
        entry.ended = now
        if not entry.forgotten:
            self._open -= 1
        while self._passed and self._is_old(self._passed[0], now):
            self._forget(self._passed.popleft())
        # Most requests are far from any limit.
        traffic = Traffic()
        if status == 429 or len(self._passed) >= PER_MINUTE:
            traffic = self._count(entry, now)
        # The server counts no refused request, nor one without a valid key.
        if status not in (401, 429) and not entry.forgotten:
            entry.counted = True
            self._ended.append(now)
            self._of.setdefault(entry.client, []).append((now, entry.began))
            insort(self._sent.setdefault(entry.client, []), entry.began)
        return traffic

    def _is_old(self, entry: _Passed, now: float) -> bool:
        old = entry.ended is not None and entry.ended < now - 2 * WINDOW_S
        return old or len(self._passed) > _KEPT

    def _forget(self, entry: _Passed) -> None:
        entry.forgotten = True
        if entry.ended is None:
            self._open -= 1
        if entry.counted:
            assert entry.ended is not None
            del self._ended[bisect_left(self._ended, entry.ended)]
            times, sent = self._of[entry.client], self._sent[entry.client]
            times.remove((entry.ended, entry.began))
            del sent[bisect_left(sent, entry.began)]
            if not times:
                del self._of[entry.client], self._sent[entry.client]

    def _count(self, own: _Passed, now: float) -> Traffic:
        start = now - WINDOW_S
        times, sent = self._of.get(own.client, []), self._sent.get(own.client, [])
        # Sent in the window and answered before its own: all but those that were under way then.
        beside = times[bisect_right(times, (own.began, inf)) :]
        least = len(sent) - bisect_right(sent, start) - sum(began > start for _, began in beside)
        most = self._open + self._since(own.began - WINDOW_S)
        return Traffic(least, most, self._open + self._since(own.began))

    def _since(self, moment: float) -> int:
        return len(self._ended) - bisect_left(self._ended, moment)
