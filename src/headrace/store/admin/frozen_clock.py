"""The current time of an organisation: real time, or the moment at which a test has frozen it.

A frozen clock is stored with the organisation and counts as a change of its keys, so every process
on the database uses it from the next request on.
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
"""Latest moment accepted: ids encode the moment of their creation, and links expire some time after
it."""


class Times:
    """Returns the current time of organisations; frozen clocks apply in test mode only."""

    def __init__(self, clock: Clock, *, test_mode: bool = False) -> None:
        self.clock = clock
        """The real clock, used for keys, limits and the hub's own housekeeping."""
        self.test_mode = test_mode

    def now(self, organisation: Organisation) -> datetime:
        """Return the organisation's current time, as timezone-aware UTC."""
        if self.test_mode and organisation.clock is not None:
            return parse_instant(organisation.clock)
        return self.clock.now()


def check_moment(at: datetime) -> None:
    """Raise BadRequest for a moment that no clock can be stopped at."""
    if not _FIRST <= at < _LAST:
        raise BadRequest(
            f"at: {format_instant(at)} can't be used: a test clock goes from 1970 to 8999."
        )


def stop_clock(db: Connection, organisation: int, at: datetime) -> None:
    """Freeze the organisation's clock at a moment. Raises BadRequest for a moment out of range."""
    check_moment(at)
    _set(db, organisation, format_instant(at))


def advance_clock(db: Connection, organisation: Organisation, by: timedelta, now: datetime) -> None:
    """Move a frozen clock forward; a running clock is frozen that much after `now`."""
    start = parse_instant(organisation.clock) if organisation.clock else now
    try:
        end = start + by
    except OverflowError:
        end = _LAST
    stop_clock(db, organisation.seq, end)


def release_clock(db: Connection, organisation: int) -> None:
    """Return the organisation to real time."""
    _set(db, organisation, None)


def _set(db: Connection, organisation: int, clock: str | None) -> None:
    db.execute(ORGANISATION["set_clock"], (clock, organisation))
    db.execute(KEY["bump_version"])
