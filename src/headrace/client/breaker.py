"""The circuit breaker: tells records that fail from an API that fails.

Failures over several lanes may be either. Then something that no record can spoil is asked, one
short list: if that is answered, the records are at fault and the others go on; if not, the API is
down, and only that one request is repeated until it is back.
"""

from __future__ import annotations

from headrace.model.clock import Clock

_STEP = 20
"""Further records that fail in a row before the API is asked again whether it is there."""
_MOST = 200
"""Records that fail in a row before it is the API whatever it answers to reads."""


class Breaker:
    """Counts what failed since the API last decided on a record."""

    def __init__(self, clock: Clock, lanes: int, patience: float) -> None:
        """It opens on failures of so many `lanes`, and the API is given up after `patience`
        seconds."""
        self._clock = clock
        self._lanes = lanes
        self._patience = patience
        self._failing: set[int] = set()
        self._since: float | None = None
        self._limit = lanes
        self.is_down = False
        """Whether nothing is to be sent until the API answers again."""

    def decided(self) -> None:
        """The API decided on a record: it is there."""
        if self._failing:
            self._failing.clear()
            self._limit = self._lanes
        self._since = None
        self.is_down = False

    def failed(self, number: int) -> None:
        """No decision on this operation."""
        if self._since is None:
            self._since = self._clock.monotonic()
        self._failing.add(number)

    @property
    def doubts(self) -> bool:
        """Whether it is time to ask if the API is there."""
        return not self.is_down and len(self._failing) >= self._limit

    @property
    def is_wide(self) -> bool:
        """Whether records of several lanes failed since the API last decided on one."""
        return len(self._failing) >= self._lanes

    def lives(self) -> None:
        """It answers: the records are at fault, unless too many of them are."""
        if len(self._failing) >= _MOST:
            self.is_down = True
            return
        self._limit = len(self._failing) + _STEP
        self.is_down = False
        self._since = self._clock.monotonic()

    def dead(self) -> None:
        """It does not."""
        self.is_down = True

    @property
    def patience_left(self) -> float:
        """Seconds for which it may still be down; none where it takes no record at all."""
        if len(self._failing) >= _MOST:
            return 0.0
        since = self._clock.monotonic() if self._since is None else self._since
        return since + self._patience - self._clock.monotonic()
