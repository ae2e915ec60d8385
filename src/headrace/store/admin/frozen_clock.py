"""What time it is in an organisation: the real one, or that at which a test has stopped it.

A stopped clock is kept with the organisation and counts as a change of its keys, so that every
process on the database goes by it from the next request on.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from headrace.model.clock import Clock, format_instant, parse_instant
from headrace.model.errors import BadRequest
from headrace.store.connection import Connection
from headrace.store.context import Organisation
from headrace.store.queries import KEY, ORGANISATION

_FIRST = datetime(1970, 1, 1, tzinfo=UTC)
_LAST = datetime(9000, 1, 1, tzinfo=UTC)
"""Ids hold the moment they were made at, and links end some time after it."""


class Times:
    """Tells the time of organisations; stopped clocks are heeded in test mode only."""

    def __init__(self, clock: Clock, *, test_mode: bool = False) -> None:
        self.clock = clock
        """The real one: for keys, limits and the hub's own housekeeping."""
        self.test_mode = test_mode

    def now(self, organisation: Organisation) -> datetime:
        """The organisation's moment, timezone-aware UTC."""
        if self.test_mode and organisation.clock is not None:
            return parse_instant(organisation.clock)
        return self.clock.now()


def stop_clock(db: Connection, organisation: int, at: datetime) -> None:
    """Stop the organisation's time at a moment; BadRequest for one that can't be used."""
    if not _FIRST <= at < _LAST:
        raise BadRequest(
            f"at: {format_instant(at)} can't be used: a test clock goes from 1970 to 8999."
        )
    _set(db, organisation, format_instant(at))


def advance_clock(db: Connection, organisation: Organisation, by: timedelta, now: datetime) -> None:
    """Move a stopped clock on; one that goes is stopped that much after `now`."""
    start = parse_instant(organisation.clock) if organisation.clock else now
    try:
        end = start + by
    except OverflowError:
        end = _LAST
    stop_clock(db, organisation.seq, end)


def release_clock(db: Connection, organisation: int) -> None:
    """Give the organisation real time again."""
    _set(db, organisation, None)


def _set(db: Connection, organisation: int, clock: str | None) -> None:
    db.execute(ORGANISATION["set_clock"], (clock, organisation))
    db.execute(KEY["bump_version"])
