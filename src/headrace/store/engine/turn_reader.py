"""Lookups by key on the event loop's own thread.

Beginning and ending a read transaction in SQLite costs as much as the read itself, so all reads in
one turn of the loop share a snapshot. The snapshot contains every commit that any of them may
expect: a request handled in this turn arrived before the turn began.
"""

from __future__ import annotations

import asyncio
import contextlib
import sqlite3
from collections.abc import Callable
from typing import Any, TypeVar

T = TypeVar("T")


class TurnReader:
    """A reader on one connection; every call must come from a running event loop."""

    def __init__(self, db: sqlite3.Connection) -> None:
        self._db = db
        self._turns = db.cursor()
        """Begins and ends snapshots; a cursor for each would cost more than the statement."""
        self._loop: asyncio.AbstractEventLoop | None = None
        """The loop in whose current turn a snapshot is open."""
        self._version = 0

    def read(self, run: Callable[..., T], *arguments: Any) -> T:
        """Run `run(db, *arguments)` on the current turn's snapshot."""
        self._begin()
        return run(self._db, *arguments)

    def changes(self) -> int:
        """Return a number that changes with every commit, of this process or another."""
        self._begin()
        return self._version

    def close(self) -> None:
        """Close the connection, which also ends the snapshot."""
        self._db.close()

    def _begin(self) -> None:
        loop = asyncio.get_running_loop()
        if self._loop is loop:
            return
        if self._loop is not None:
            self._end()  # a loop that stopped in the middle of a turn
        self._turns.execute("BEGIN")
        self._loop = loop
        loop.call_soon(self._end)
        (self._version,) = self._turns.execute("PRAGMA data_version").fetchone()

    def _end(self) -> None:
        self._loop = None
        with contextlib.suppress(sqlite3.Error):  # for example, the snapshot could not be begun
            self._turns.execute("COMMIT")
