"""The API's limits per organisation: so many requests in any 60 seconds, so many at a time.

Exact: the arrivals of the last 60 seconds are kept, refused ones left out
(docs/api-evidence.md, Rate limit).
"""

from __future__ import annotations

import math
from collections import deque

from msgspec import Struct

from headrace.model.errors import ConfigurationError, TooManyRequests

WINDOW_S = 60.0


class Limits(Struct, frozen=True):
    """What an organisation may do; None is without end."""

    per_minute: int | None
    concurrent: int | None


UPFLOW = Limits(600, 10)
"""The vendor's (docs/api-evidence.md, Rate limit)."""
OFF = Limits(None, None)


def parse_limits(text: str) -> Limits:
    """`upflow`, `off`, or a number of requests a minute with the vendor's concurrency.

    Raises ConfigurationError for anything else.
    """
    if text == "upflow":
        return UPFLOW
    if text == "off":
        return OFF
    if text.isascii() and text.isdecimal() and int(text) > 0:
        return Limits(int(text), UPFLOW.concurrent)
    raise ConfigurationError(
        f"--limits {text}: write upflow (600 a minute, 10 at a time), off, or a number a minute."
    )


class RateRefusal(TooManyRequests):
    """Too many; `headers` tell when to come back."""

    def __init__(
        self, message: str, headers: tuple[tuple[bytes, bytes], ...], in_flight: int
    ) -> None:
        super().__init__(message)
        self.headers = headers
        self.in_flight = in_flight
        """Requests under way, the refused one included."""


def too_fast(limits: Limits, in_flight: int, wait: float) -> RateRefusal:
    """The minute is used up; the next request passes in `wait` seconds."""
    problem = f"More than {limits.per_minute} requests in 60 seconds"
    headers = _headers(limits, wait, limits.per_minute or 0, wait)
    return RateRefusal(_sentence(problem, wait), headers, in_flight + 1)


def too_many(limits: Limits, in_flight: int, used: int, reset: float) -> RateRefusal:
    """As many are under way as may be. `used` are the minute's requests, of which the first leaves
    the window in `reset` seconds."""
    problem = f"More than {limits.concurrent} requests at a time"
    return RateRefusal(_sentence(problem, 1), _headers(limits, 1, used, reset), in_flight + 1)


def _sentence(problem: str, wait: float) -> str:
    after = max(1, math.ceil(wait))
    return f"{problem}: wait {after} second{'' if after == 1 else 's'}, then send it again."


def _headers(
    limits: Limits, wait: float, used: int, reset: float
) -> tuple[tuple[bytes, bytes], ...]:
    headers = [(b"retry-after", b"%d" % max(1, math.ceil(wait)))]
    if limits.per_minute is not None:
        headers += [
            (b"x-ratelimit-limit", b"%d" % limits.per_minute),
            (b"x-ratelimit-remaining", b"%d" % max(0, limits.per_minute - used)),
            (b"x-ratelimit-reset", b"%d" % max(0, math.ceil(reset))),
        ]
    return tuple(headers)


class Gate:
    """One organisation's requests in one process: who enters must leave."""

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self.in_flight = 0
        self._arrivals: deque[float] = deque()

    def enter(self, now: float) -> int:
        """Let a request in that arrives at `now` (monotonic seconds), or raise RateRefusal.

        Gives how many are under way, itself included.
        """
        limits, arrivals = self.limits, self._arrivals
        if limits.per_minute is not None:
            while arrivals and arrivals[0] <= now - WINDOW_S:
                arrivals.popleft()
            if len(arrivals) >= limits.per_minute:
                raise too_fast(limits, self.in_flight, arrivals[0] + WINDOW_S - now)
        if limits.concurrent is not None and self.in_flight >= limits.concurrent:
            reset = arrivals[0] + WINDOW_S - now if arrivals else 0.0
            raise too_many(limits, self.in_flight, len(arrivals), reset)
        if limits.per_minute is not None:
            arrivals.append(now)
        self.in_flight += 1
        return self.in_flight

    def leave(self) -> None:
        """The request is answered."""
        self.in_flight -= 1


class LocalGates:
    """The gates of a hub that is one process."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._gates: dict[int, Gate] = {}

    def enter(self, organisation: int, now: float) -> int:
        """As `Gate.enter`, for one organisation of many."""
        gate = self._gates.get(organisation)
        if gate is None:
            gate = self._gates[organisation] = Gate(self._limits)
        return gate.enter(now)

    def leave(self, organisation: int) -> None:
        """As `Gate.leave`."""
        self._gates[organisation].leave()
