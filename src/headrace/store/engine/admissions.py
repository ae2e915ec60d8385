"""Who is let in, where several hubs serve one PostgreSQL database.

The hubs share what has arrived in the last 60 seconds and what is under way, by the server's
clock. Each counts in a short transaction of its own that holds the organisation's row in `gate`;
so the limits hold as exactly as in one process. What a hub had under way is free again when its
connection is gone.
"""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct

from headrace.store.connection import Connection, Cursor
from headrace.store.queries import KEY, VISIT

_SPACE = 1_214_603_621
"""Sets the locks that say which hubs live apart from other advisory locks."""
_SECOND = 1_000_000
_FORGET_EVERY = 500
"""Arrivals that are kept beyond the window until they are removed at once."""


class Want(Struct, frozen=True):
    """What one hub asks for an organisation."""

    organisation: int
    wanted: int
    """Requests that wait to be let in; none when the hub only tells what it holds."""
    held: int
    """Requests that this hub let in and has not answered."""


class Grant(Struct, frozen=True):
    """What it is given."""

    granted: int
    in_flight: int
    """Of all hubs, before those that are granted now."""
    used: int
    """Of the last 60 seconds, those that are granted now included."""
    wait: float
    """Seconds until the first of them leaves the window; 0 where all that was wanted is granted."""
    too_fast: bool
    """Whether it was the window that refused; otherwise too many were under way."""
    others: bool
    """Whether other hubs have requests under way."""


class Granted(Struct, frozen=True):
    """The answers, in the order of the wants, and the version of the keys at the same moment."""

    grants: tuple[Grant, ...]
    keys_version: int
    process: int
    """Under which number the server knows the hub; it changes with the connection."""


class _Turn(Struct):
    """The rows that a decision needs, on their way."""

    turn: Cursor
    before: Cursor
    held: Cursor


class Visits:
    """One hub's part. All its functions run on the thread that owns the connection."""

    def __init__(self, per_minute: int | None, concurrent: int | None, window_s: float) -> None:
        self._per_minute = per_minute
        self._concurrent = concurrent
        self._window = int(window_s * _SECOND)
        self._process = 0
        self._forgotten: dict[int, int] = {}

    def prepare(self, db: Connection) -> None:
        """Make the tables where they are missing."""
        for name in ("make_gate", "make_arrival", "make_arrival_index", "make_visitor"):
            db.execute(VISIT[name])

    def greet(self, db: Connection) -> None:
        """Say on a new connection that we live."""
        self._process = db.execute(VISIT["me"], (_SPACE,)).fetchone()[0]
        db.execute(VISIT["forget_visitor"], (self._process,))

    def admit(self, db: Connection, wants: Sequence[Want]) -> Granted:
        """Decide on all wants at once. `wants` are in the order of their organisations, so that
        two hubs never wait for each other."""
        turns = [self._take_turn(db, want) for want in wants]
        version = db.execute(KEY["version"])
        grants = tuple(
            self._decide(db, want, turn) for want, turn in zip(wants, turns, strict=True)
        )
        row = version.fetchone()
        return Granted(grants, row[0] if row else 0, self._process)

    def _take_turn(self, db: Connection, want: Want) -> _Turn:
        organisation = want.organisation
        return _Turn(
            db.execute(VISIT["turn"], (organisation,)),
            db.execute(VISIT["before"], (organisation, organisation, self._window)),
            db.execute(VISIT["held"], (organisation,)),
        )

    def _decide(self, db: Connection, want: Want, turn: _Turn) -> Grant:
        at, total = turn.turn.fetchone()
        row = turn.before.fetchone()
        before = row[0] if row else 0
        others = [entry for entry in turn.held.fetchall() if entry[0] != self._process]
        used = total - before
        allowed = want.wanted
        if self._per_minute is not None:
            allowed = min(allowed, max(0, self._per_minute - used))
        places = self._places(want, others)
        if allowed > places and others:
            others = self._living(db, others)
            places = self._places(want, others)
        granted = min(allowed, max(0, places))
        wait = 0.0
        if granted < want.wanted and self._per_minute is not None:
            first = db.execute(VISIT["oldest"], (want.organisation, at - self._window)).fetchone()
            wait = (first[0] + self._window - at) / _SECOND if first else 0.0
        self._count(db, want, at, total, granted)
        self._forget(db, want.organisation, at, before)
        in_flight = want.held + sum(held for _, held in others)
        too_fast = granted == allowed < want.wanted
        return Grant(granted, in_flight, used + granted, wait, too_fast, bool(others))

    def _places(self, want: Want, others: Sequence[tuple[int, int]]) -> int:
        """How many more may be under way."""
        if self._concurrent is None:
            return want.wanted
        return self._concurrent - want.held - sum(held for _, held in others)

    def _living(self, db: Connection, others: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
        """Those of the hubs that still live; what the others held is freed."""
        living = []
        for process, held in others:
            if db.execute(VISIT["is_gone"], (_SPACE, process)).fetchone()[0]:
                db.execute(VISIT["forget_visitor"], (process,))
            else:
                living.append((process, held))
        return living

    def _count(self, db: Connection, want: Want, at: int, total: int, granted: int) -> None:
        if granted and self._per_minute is not None:
            total += granted
            db.execute(VISIT["arrive"], (want.organisation, at, total))
            db.execute(VISIT["count"], (total, want.organisation))
        db.execute(VISIT["hold"], (want.organisation, self._process, want.held + granted))

    def _forget(self, db: Connection, organisation: int, at: int, before: int) -> None:
        if before - self._forgotten.get(organisation, 0) >= _FORGET_EVERY:
            self._forgotten[organisation] = before
            end = at - self._window
            db.execute(VISIT["forget_arrivals"], (organisation, end, before))
