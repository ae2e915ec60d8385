"""The API's limits per organisation: requests in any 60 seconds, and concurrent requests.

The limits are exact: all arrivals of the last 60 seconds are kept, without the refused ones
(docs/api-evidence.md, Rate limit).
"""

from __future__ import annotations

import functools
import math
from collections import deque

from msgspec import Struct

from headrace.model.errors import ConfigurationError, TooManyRequests
from headrace.store.context import Organisation

WINDOW_S = 60.0


class Limits(Struct, frozen=True):
    """The limits of an organisation; None means unlimited."""

    per_minute: int | None
    concurrent: int | None


UPFLOW = Limits(600, 10)
"""Upflow's own limits (docs/api-evidence.md, Rate limit)."""
OFF = Limits(None, None)


@functools.lru_cache(maxsize=256)
def parse_limits(text: str) -> Limits:
    """Parse `upflow`, `off`, or a number of requests per minute with Upflow's concurrency limit.

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


def limits_of(organisation: Organisation, default: Limits) -> Limits:
    """Return the limits of its own that a sandbox may have, else the hub's."""
    return default if organisation.limits is None else parse_limits(organisation.limits)


class RateRefusal(TooManyRequests):
    """The request exceeds a limit; `headers` say when to retry."""

    def __init__(
        self, message: str, headers: tuple[tuple[bytes, bytes], ...], in_flight: int
    ) -> None:
        super().__init__(message)
        self.headers = headers
        self.in_flight = in_flight
        """Requests in flight, the refused one included."""


def too_fast(limits: Limits, in_flight: int, wait: float) -> RateRefusal:
    """The rate limit is reached; the next request is admitted in `wait` seconds."""
    problem = f"More than {limits.per_minute} requests in 60 seconds"
    headers = _headers(limits, wait, limits.per_minute or 0, wait)
    return RateRefusal(_sentence(problem, wait), headers, in_flight + 1)


def too_many(limits: Limits, in_flight: int, used: int, reset: float) -> RateRefusal:
    """The concurrency limit is reached. `used` is the number of requests in the window, the
    oldest of which leaves it in `reset` seconds."""
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
    """Counts one organisation's requests within one process. Each `enter` needs a `leave`."""

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self.in_flight = 0
        self._arrivals: deque[float] = deque()

    def enter(self, now: float) -> int:
        """Admit a request that arrives at `now` (monotonic seconds). Raises RateRefusal.

        Returns the number of requests in flight, itself included.
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
        """Release the slot of an answered request."""
        self.in_flight -= 1


class LocalGates:
    """The gates of a hub that runs as a single process."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._gates: dict[int, Gate] = {}

    def enter(self, organisation: int, now: float, limits: Limits | None = None) -> int:
        """Like `Gate.enter`, for one organisation of many; `limits` are those of its own."""
        gate = self._gates.get(organisation)
        if gate is None:
            gate = self._gates[organisation] = Gate(limits or self._limits)
        return gate.enter(now)

    def leave(self, organisation: int) -> None:
        """Like `Gate.leave`."""
        self._gates[organisation].leave()

    def forget(self, organisation: int) -> None:
        """Drop what was counted of an organisation that is gone."""
        gate = self._gates.get(organisation)
        if gate is not None and not gate.in_flight:
            del self._gates[organisation]
