"""The circuit breaker: distinguishes failing records from a failing API.

Failures in several lanes may mean either. The breaker then calls for a request that no record can
affect, one short list. If it is answered, the records are at fault and the other lanes continue. If
not, the API is down, and only that request is repeated until it answers.

Example: four records that always get 500 would otherwise occupy all lanes and stop the whole
delivery, although every other record could be sent.
"""

from __future__ import annotations

from headrace.model.clock import Clock

_STEP = 20
"""Further consecutive failures after which the API is probed again."""
_MOST = 200
"""Consecutive failures after which the API counts as down, even if it answers reads."""


class Breaker:
    """Counts failures since the API last decided on a record."""

    def __init__(self, clock: Clock, lanes: int, patience: float) -> None:
        """Opens on failures in that many `lanes`; gives the API up after `patience` seconds."""
        self._clock = clock
        self._lanes = lanes
        self._patience = patience
        self._failing: set[int] = set()
        self._since: float | None = None
        self._limit = lanes
        self.is_down = False
        """Whether nothing may be sent until the API answers again."""

    def decided(self) -> None:
        """Record that the API decided on a record: it is up."""
        if self._failing:
            self._failing.clear()
            self._limit = self._lanes
        self._since = None
        self.is_down = False

    def failed(self, number: int) -> None:
        """Record an operation that ended without a decision."""
        if self._since is None:
            self._since = self._clock.monotonic()
        self._failing.add(number)

    @property
    def needs_probe(self) -> bool:
        """Whether it is time to probe the API."""
        return not self.is_down and len(self._failing) >= self._limit

    @property
    def is_wide(self) -> bool:
        """Whether records of several lanes have failed since the API last decided on one."""
        return len(self._failing) >= self._lanes

    def probe_answered(self) -> None:
        """Record an answered probe: the records are at fault, unless too many of them fail."""
        if len(self._failing) >= _MOST:
            self.is_down = True
            return
        self._limit = len(self._failing) + _STEP
        self.is_down = False
        self._since = self._clock.monotonic()

    def probe_failed(self) -> None:
        """Record an unanswered probe."""
        self.is_down = True

    @property
    def patience_left(self) -> float:
        """Seconds for which the API may still be down; 0 when it rejects every record."""
        if len(self._failing) >= _MOST:
            return 0.0
        since = self._clock.monotonic() if self._since is None else self._since
        return since + self._patience - self._clock.monotonic()
