"""Reads by key on the event loop's own thread.

To begin and end a read of SQLite costs as much as the read, so all reads of one turn of the loop
share a snapshot. It has every commit that any of them may expect: what a turn handles had come in
before the turn began.
"""

from __future__ import annotations

import asyncio
import contextlib
import sqlite3
from collections.abc import Callable
from typing import Any, TypeVar

T = TypeVar("T")


class TurnReader:
    """One connection; every call comes from a running event loop."""

    def __init__(self, db: sqlite3.Connection) -> None:
        self._db = db
        self._loop: asyncio.AbstractEventLoop | None = None
        """The loop in whose turn a snapshot is open."""
        self._version = 0

    def read(self, run: Callable[..., T], *arguments: Any) -> T:
        """`run(db, *arguments)` on the turn's snapshot."""
        self._begin()
        return run(self._db, *arguments)

    def changes(self) -> int:
        """A number that moves when anyone, this process or another, has committed."""
        self._begin()
        return self._version

    def close(self) -> None:
        """Ends the snapshot, too."""
        self._db.close()

    def _begin(self) -> None:
        loop = asyncio.get_running_loop()
        if self._loop is loop:
            return
        if self._loop is not None:
            self._end()  # a loop that ended in the middle of a turn
        self._db.execute("BEGIN")
        self._loop = loop
        loop.call_soon(self._end)
        (self._version,) = self._db.execute("PRAGMA data_version").fetchone()

    def _end(self) -> None:
        self._loop = None
        with contextlib.suppress(sqlite3.Error):  # such as a snapshot that could not be begun
            self._db.execute("COMMIT")
