"""Groups the small writes of a delivery into one transaction (group commit)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import duckdb

from headrace.sync.journal.database import JournalDatabase


class WriteBehind:
    """A database whose small writes are queued until `flush`.

    Every other call flushes first, so reads see the queued writes and writes keep their order.
    """

    # A commit waits for the disk or the database server, much longer than the statements take, and
    # blocks the event loop meanwhile. With a commit for each acknowledgement, a delivery could be
    # no faster than that. So writes are queued, and one commit covers them.
    #
    # Two rules keep this safe, and the scheduler has to obey both:
    # - It flushes before a request leaves. The request is then recorded as asked, and so are the
    #   earlier acknowledgements of its customer. Example: with five requests in flight, three
    #   answers arrive in one turn of the event loop, and the three lanes continue. The first of the
    #   next three requests flushes three acknowledgements and three asked operations; the other
    #   two find an empty queue.
    # - It flushes before it waits, so that nothing stays queued while the process is idle.
    #
    # After a crash only queued writes are lost. All of these belong to requests that were recorded
    # as asked, so the next run knows that their outcome is in doubt and sends them again.

    def __init__(self, database: JournalDatabase) -> None:
        self._database = database
        self._waiting: list[tuple[str, Sequence[Any]]] = []

    def later(self, name: str, values: Sequence[Any] = ()) -> None:
        """Queue a statement for the next flush."""
        self._waiting.append((name, values))

    def flush(self) -> None:
        """Execute the queued statements in one transaction; on an error none takes effect."""
        if not self._waiting:
            return
        waiting, self._waiting = self._waiting, []
        with self._database.transaction():
            for name, values in waiting:
                self._database.run(name, values)

    def run(self, name: str, values: Sequence[Any] = ()) -> Any:
        self.flush()
        return self._database.run(name, values)

    def run_all(self, name: str, rows: Iterable[Sequence[Any]]) -> None:
        self.flush()
        self._database.run_all(name, rows)

    @contextmanager
    def transaction(self) -> Iterator[None]:
        self.flush()
        with self._database.transaction():
            yield

    def scan(self, connection: duckdb.DuckDBPyConnection, query: str, create: str) -> None:
        self.flush()
        self._database.scan(connection, query, create)

    def rewrite(self) -> bool:
        self.flush()
        return self._database.rewrite()

    def lock(self) -> None:
        self._database.lock()

    def begin_work(self) -> None:
        self._database.begin_work()

    def end_work(self) -> None:
        self.flush()
        self._database.end_work()

    def is_at_work(self) -> bool | None:
        return self._database.is_at_work()

    def close(self) -> None:
        self.flush()
        self._database.close()
