"""Admission of requests where several hubs serve one PostgreSQL database.

The hubs share two counts per organisation, by the server's clock: the arrivals of the last 60
seconds, and the requests in flight. Each hub updates them in a short transaction that locks the
organisation's row in `gate`, so the limits hold as exactly as in one process. What a hub had in
flight is released when its connection is gone.
"""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct

from headrace.store.connection import Connection, Cursor
from headrace.store.queries import ADMISSION, KEY

_SPACE = 1_214_603_621
"""Namespace of the locks that mark a hub as alive, apart from other advisory locks."""
_SECOND = 1_000_000
_FORGET_EVERY = 500
"""Number of expired arrivals that may accumulate before they are deleted together."""


class Want(Struct, frozen=True):
    """What one hub requests for an organisation."""

    organisation: int
    wanted: int
    """Requests waiting to be admitted; 0 when the hub only reports what it holds."""
    held: int
    """Requests that this hub has admitted and not yet answered."""
    per_minute: int | None
    concurrent: int | None
    """The organisation's limits; None means unlimited."""


class Grant(Struct, frozen=True):
    """The decision on one `Want`."""

    granted: int
    in_flight: int
    """Requests in flight at all hubs, before those granted now."""
    used: int
    """Arrivals of the last 60 seconds, including those granted now."""
    wait: float
    """Seconds until the oldest arrival leaves the window; 0 when everything wanted was granted."""
    too_fast: bool
    """Whether the rate limit refused; if not, it was the concurrency limit."""
    others: bool
    """Whether other hubs have requests in flight."""


class Granted(Struct, frozen=True):
    """The decisions, in the order of the wants, and the version of the keys at the same moment."""

    grants: tuple[Grant, ...]
    keys_version: int
    process: int
    """The server's process id of the hub's connection; it changes with the connection."""


class _Rows(Struct):
    """The rows that a decision needs; their statements are queued but not yet answered."""

    gate: Cursor
    before: Cursor
    held: Cursor


class Admissions:
    """One hub's side of the shared limits. All methods run on the thread that owns the
    connection."""

    def __init__(self, window_s: float) -> None:
        self._window = int(window_s * _SECOND)
        self._process = 0
        self._forgotten: dict[int, int] = {}

    def prepare(self, db: Connection) -> None:
        """Create the tables where they are missing."""
        for name in ("make_gate", "make_arrival", "make_arrival_index", "make_in_flight"):
            db.execute(ADMISSION[name])

    def register(self, db: Connection) -> None:
        """Register this hub as alive on a new connection, and drop what an earlier process of that
        id left."""
        self._process = db.execute(ADMISSION["register"], (_SPACE,)).fetchone()[0]
        db.execute(ADMISSION["forget_process"], (self._process,))

    def admit(self, db: Connection, wants: Sequence[Want]) -> Granted:
        """Decide on all wants at once.

        `wants` must be sorted by organisation: all hubs then lock the rows of `gate` in the same
        order and can't deadlock.
        """
        locked = [self._lock(db, want) for want in wants]
        version = db.execute(KEY["version"])
        grants = tuple(
            self._decide(db, want, rows) for want, rows in zip(wants, locked, strict=True)
        )
        row = version.fetchone()
        return Granted(grants, row[0] if row else 0, self._process)

    def forget(self, db: Connection, organisation: int) -> None:
        """Drop what was counted of an organisation that is gone."""
        self._forgotten.pop(organisation, None)
        for name in ("drop_arrivals", "drop_in_flight", "drop_gate"):
            db.execute(ADMISSION[name], (organisation,))

    def _lock(self, db: Connection, want: Want) -> _Rows:
        organisation = want.organisation
        return _Rows(
            db.execute(ADMISSION["lock"], (organisation,)),
            db.execute(ADMISSION["before"], (organisation, organisation, self._window)),
            db.execute(ADMISSION["held"], (organisation,)),
        )

    def _decide(self, db: Connection, want: Want, rows: _Rows) -> Grant:
        at, total = rows.gate.fetchone()
        row = rows.before.fetchone()
        before = row[0] if row else 0
        others = [entry for entry in rows.held.fetchall() if entry[0] != self._process]
        used = total - before
        allowed = want.wanted
        if want.per_minute is not None:
            allowed = min(allowed, max(0, want.per_minute - used))
        slots = self._free_slots(want, others)
        if allowed > slots and others:
            others = self._living(db, others)
            slots = self._free_slots(want, others)
        granted = min(allowed, max(0, slots))
        wait = 0.0
        if granted < want.wanted and want.per_minute is not None:
            first = db.execute(
                ADMISSION["oldest"], (want.organisation, at - self._window)
            ).fetchone()
            wait = (first[0] + self._window - at) / _SECOND if first else 0.0
        self._count(db, want, at, total, granted)
        self._forget(db, want.organisation, at, before)
        in_flight = want.held + sum(held for _, held in others)
        too_fast = granted == allowed < want.wanted
        return Grant(granted, in_flight, used + granted, wait, too_fast, bool(others))

    def _free_slots(self, want: Want, others: Sequence[tuple[int, int]]) -> int:
        """Return how many more requests the concurrency limit allows."""
        if want.concurrent is None:
            return want.wanted
        return want.concurrent - want.held - sum(held for _, held in others)

    def _living(self, db: Connection, others: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
        """Return the hubs that are still alive; releases what the dead ones held."""
        living = []
        for process, held in others:
            if db.execute(ADMISSION["is_gone"], (_SPACE, process)).fetchone()[0]:
                db.execute(ADMISSION["forget_process"], (process,))
            else:
                living.append((process, held))
        return living

    def _count(self, db: Connection, want: Want, at: int, total: int, granted: int) -> None:
        if granted and want.per_minute is not None:
            total += granted
            db.execute(ADMISSION["arrive"], (want.organisation, at, total))
            db.execute(ADMISSION["count"], (total, want.organisation))
        db.execute(ADMISSION["set_held"], (want.organisation, self._process, want.held + granted))

    def _forget(self, db: Connection, organisation: int, at: int, before: int) -> None:
        if before - self._forgotten.get(organisation, 0) >= _FORGET_EVERY:
            self._forgotten[organisation] = before
            end = at - self._window
            db.execute(ADMISSION["forget_arrivals"], (organisation, end, before))
