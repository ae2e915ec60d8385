"""From when an extraction asks for changes: the start of the last reading, less an overlap.

A record may appear later than its time says, and clocks differ. Records that are read twice do no
harm, because the last one counts.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

HOUR = timedelta(hours=1)
DAYS = timedelta(hours=50)
"""For an API whose times have days only, or some time zone: a day, and a day's time zones twice."""


def asked_from(last: Any, overlap: timedelta = HOUR) -> datetime | None:
    """Return the moment in UTC; None when everything is read. `last` has `until`, the start of the
    last reading in seconds since 1970."""
    return None if last is None else datetime.fromtimestamp(last["until"], UTC) - overlap


def iso(moment: datetime) -> str:
    """Return a moment in UTC as `2026-01-31T08:00:00Z`."""
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def newest_of(times: str | None, now: float) -> str | None:
    """Return the newest time that records of a reading had, or the start of the reading if that was
    earlier: a table that was read before lacks what was written into it afterwards.

    Times are text in UTC such as `2026-01-31 08:00:00`.
    """
    start = datetime.fromtimestamp(now, UTC).strftime("%Y-%m-%d %H:%M:%S")
    return None if times is None else min(times, start)
