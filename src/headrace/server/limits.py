"""The API's limits per organisation: so many requests in any 60 seconds, so many at a time.

Exact: the arrivals of the last 60 seconds are kept, refused ones left out (api-facts (f), 429).
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
"""The vendor's (guide)."""
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

    def __init__(self, message: str, headers: tuple[tuple[bytes, bytes], ...]) -> None:
        super().__init__(message)
        self.headers = headers


class Gate:
    """One organisation's requests: who enters must leave."""

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self.in_flight = 0
        self._arrivals: deque[float] = deque()

    def enter(self, now: float) -> None:
        """Let a request in that arrives at `now` (monotonic seconds), or raise RateRefusal."""
        limits, arrivals = self.limits, self._arrivals
        if limits.per_minute is not None:
            while arrivals and arrivals[0] <= now - WINDOW_S:
                arrivals.popleft()
            if len(arrivals) >= limits.per_minute:
                wait = arrivals[0] + WINDOW_S - now
                raise self._refusal(
                    f"More than {limits.per_minute} requests in 60 seconds", wait, wait
                )
        if limits.concurrent is not None and self.in_flight >= limits.concurrent:
            reset = arrivals[0] + WINDOW_S - now if arrivals else 0.0
            raise self._refusal(f"More than {limits.concurrent} requests at a time", 1, reset)
        if limits.per_minute is not None:
            arrivals.append(now)
        self.in_flight += 1

    def leave(self) -> None:
        """The request is answered."""
        self.in_flight -= 1

    def _refusal(self, problem: str, wait: float, reset: float) -> RateRefusal:
        after = max(1, math.ceil(wait))
        limit = self.limits.per_minute
        headers = [(b"retry-after", b"%d" % after)]
        if limit is not None:
            headers += [
                (b"x-ratelimit-limit", b"%d" % limit),
                (b"x-ratelimit-remaining", b"%d" % (limit - len(self._arrivals))),
                (b"x-ratelimit-reset", b"%d" % max(0, math.ceil(reset))),
            ]
        return RateRefusal(
            f"{problem}: wait {after} second{'' if after == 1 else 's'}, then send it again.",
            tuple(headers),
        )
