"""Counters of a running delivery, written by the delivery and read by displays."""

from __future__ import annotations

import msgspec

from headrace.client.pace import Pace
from headrace.model.clock import Clock
from headrace.sync.journal import State
from headrace.sync.planning.plan import Plan, duration


class Progress:
    """Counters of one delivery; times by the clock's monotonic seconds."""

    def __init__(self, plan: Plan, clock: Clock, pace: Pace) -> None:
        self._clock = clock
        self._pace = pace
        self._plan = plan
        self.total = plan.requests
        self.open_total = plan.open_requests
        self.done = 0
        self.open_done = 0
        self.rejected = 0
        self.held = 0
        self.drifted = 0
        """Of those done, the records whose response differs from what was sent."""
        self.retries = 0
        self.throttled = 0
        self.failed: list[str] = []
        """Sentences about records that were given up for this run."""
        self.started = clock.monotonic()
        self.open_complete_after: float | None = None
        self.note = ""
        """A remark for the user, such as why nothing moves."""
        self._answers = 0
        self._latency = 0.0

    def answered(self, seconds: float) -> None:
        """Count an answer that took so many seconds."""
        self._answers += 1
        self._latency += seconds

    @property
    def latency(self) -> float | None:
        """Mean seconds per answer; None before the first."""
        return self._latency / self._answers if self._answers else None

    @property
    def settled(self) -> int:
        """Operations that need nothing more in this run."""
        return self.done + self.rejected + self.held

    @property
    def left(self) -> int:
        """Operations still to come."""
        return max(0, self.total - self.settled)

    @property
    def elapsed(self) -> float:
        """Seconds since the start."""
        return self._clock.monotonic() - self.started

    @property
    def in_last_minute(self) -> int:
        """Requests that count at the API now, of the `rate` that it allows."""
        return self._pace.used()

    @property
    def paused_for(self) -> float:
        """Seconds until the API takes another request, because the minute's are used up."""
        return self._pace.wait() or 0.0

    @property
    def open_left(self) -> int:
        """Of the operations that bring the open items, those still to come."""
        if self.open_complete_after is not None:
            return 0
        return min(self.left, max(0, self.open_total - self.open_done))

    @property
    def seconds_left(self) -> float:
        """About how long the rest takes: the whole by arithmetic, less what has passed."""
        return self._rest(self.left, self._measured.seconds)

    @property
    def open_seconds_left(self) -> float:
        """The same of the open items."""
        return self._rest(self.open_left, self._measured.open_seconds)

    @property
    def _measured(self) -> Plan:
        """The plan with the latency of this run."""
        return msgspec.structs.replace(self._plan, latency=self.latency or self._plan.latency)

    def _rest(self, left: int, whole: float) -> float:
        if not left:
            return 0.0
        plan = self._measured
        rest = self.paused_for + duration(left, plan.rate, plan.in_flight, plan.latency, 0)
        return max(rest if left <= plan.in_flight else whole - self.elapsed, rest, 0.0)

    def state(self) -> State:
        """Return a snapshot for the journal."""
        return State(
            noted_at=self._clock.now().timestamp(),
            done=self.done,
            left=self.left,
            rejected=self.rejected,
            per_minute=self.in_last_minute,
            rate=self._plan.rate,
            open_left=self.open_left,
            open_complete_in=self.open_seconds_left,
            complete_in=self.seconds_left,
            note=self.note,
        )
