"""The only access to time: every module gets the present, waits and parses dates through here."""

from __future__ import annotations

import asyncio
import functools
import time
from collections.abc import Awaitable
from datetime import UTC, date, datetime, timedelta
from typing import Protocol

_COUNTS_SLEEP = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)
"""Python's monotonic clock stops while the machine sleeps: a worker that was suspended would take
its lease for valid, and an expired token for fresh. On macOS, the system's own does not stop."""


class Clock(Protocol):
    """The interface of a clock: real in production, simulated in tests."""

    def now(self) -> datetime:
        """Return the wall-clock time, as timezone-aware UTC."""

    def monotonic(self) -> float:
        """Return seconds that never decrease and that count sleep; for intervals, limits and
        leases."""

    def sleep(self, seconds: float) -> Awaitable[None]:
        """Wait without blocking the event loop."""


class SystemClock:
    """The machine's own clock."""

    def now(self) -> datetime:
        return datetime.now(UTC)

    def monotonic(self) -> float:
        return time.clock_gettime(_COUNTS_SLEEP)

    def sleep(self, seconds: float) -> Awaitable[None]:
        return asyncio.sleep(seconds)


SYSTEM_CLOCK = SystemClock()


def until_next(period: float, clock: Clock) -> float:
    """Return the seconds until the monotonic clock's next multiple of a period in seconds.

    What looks around regularly does so at these moments, so that a process with many such tasks
    wakes up once for all of them.
    """
    return period - clock.monotonic() % period


def parse_instant(text: str) -> datetime:
    """Parse an ISO 8601 date or date-time as UTC; without a zone it is UTC, a bare date is its
    midnight.

    Raises ValueError for anything else, and for a moment before year 1 or after 9999 in UTC.
    (docs/api-evidence.md, Dates)
    """
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        return moment.replace(tzinfo=UTC)
    try:
        return moment.astimezone(UTC)
    except OverflowError:
        raise ValueError(f"{text!r} lies outside the years 1 to 9999 in UTC") from None


def format_instant(moment: datetime) -> str:
    """Format as UTC with milliseconds and `Z`, as the API does: `2015-05-05T12:30:00.000Z`."""
    return moment.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="milliseconds") + "Z"


@functools.lru_cache(maxsize=4096)
def normalise_instant(text: str) -> str:
    """Convert an accepted date to the one format that is stored, compared and answered.

    Raises ValueError for anything else. Cached, because the same few days fill most of a book.
    """
    if len(text) == 24 and text[23] == "Z" and text[10] == "T" and text[19] == ".":
        datetime.fromisoformat(text)
        return text
    return format_instant(parse_instant(text))


_INTERVAL_MAX = 3650 * 86_400
"""In seconds."""
_DIGITS_MAX = 18


def parse_interval(text: str) -> timedelta:
    """Parse `30s`, `5m`, `2h` or `1d` as a duration. Raises ValueError for anything else."""
    units = {"s": 1, "m": 60, "h": 3600, "d": 86400}
    number, unit = text[:-1], text[-1:]
    if unit not in units or not (number.isascii() and number.isdecimal()) or not number.strip("0"):
        raise ValueError(
            f"{text[:40]!r} is not an interval: write a number and s, m, h or d, as in 5m"
        )
    if len(number) > _DIGITS_MAX or int(number) * units[unit] > _INTERVAL_MAX:
        raise ValueError(f"{text[:40]!r} is too long: an interval is at most 3650d")
    return timedelta(seconds=int(number) * units[unit])


def is_overdue(due: str, today: date) -> bool:
    """Whether a normalised due date is before `today`."""
    return due[:10] < today.isoformat()
