"""The base of all sections of a journal: database, clock and change numbers."""

from __future__ import annotations

from headrace.model.clock import Clock
from headrace.sync.journal.database import JournalDatabase
from headrace.sync.journal.records import Key
from headrace.sync.journal.write_behind import WriteBehind


class Section:
    """Base class of the journal's sections. Not thread-safe, but for `flushed`."""

    def __init__(self, database: JournalDatabase, clock: Clock, keep_payloads: bool) -> None:
        self._db = WriteBehind(database)
        self._clock = clock
        self._keep_payloads = keep_payloads
        self._db.run("identify")
        self._identity = str(self._db.run("identity").fetchone()[0])
        self._change = self._last_change()
        self._keys_in_trouble: set[Key] | None = None
        self.run_id = 0
        """Number of the current run; 0 outside of a run."""

    def flush(self) -> None:
        """Commit queued writes; reading or closing the journal does so too."""
        self._db.flush()

    async def flushed(self) -> None:
        """Commit queued writes without blocking the event loop where the journal is on a database
        server."""
        await self._db.flushed()

    def _last_change(self) -> int:
        return int(self._db.run("last_change").fetchone()[0])

    def _troubled(self) -> set[Key]:
        """Return a superset of the rejected and drifted records.

        It is cached, because only the delivering process adds to them. Acknowledging any other
        record then needs no deletes.
        """
        if self._keys_in_trouble is None:
            self._keys_in_trouble = set(self._db.run("troubled").fetchall())
        return self._keys_in_trouble

    def _next_change(self) -> int:
        self._change += 1
        return self._change
