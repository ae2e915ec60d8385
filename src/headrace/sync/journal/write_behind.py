"""Groups the small writes of a delivery into one transaction (group commit)."""

from __future__ import annotations

import asyncio
import threading
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import duckdb

from headrace.sync.journal.database import JournalDatabase

_HANDS = ThreadPoolExecutor(8, "journal")
"""Threads that wait for the database servers of all journals. They are not those of the event loop,
which may be busy with plans for a while."""


class WriteBehind:
    """A database whose small writes are queued until `flush`.

    Every other call flushes first, so reads see the queued writes and writes keep their order.
    """

    # A commit waits for the disk or the database server, much longer than the statements take. With
    # a commit for each acknowledgement, a delivery could be no faster than that. So writes are
    # queued, and one commit covers them.
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
    #
    # With a database server, the flushes of a delivery run on threads (`flushed`), so that the
    # event loop serves other organisations meanwhile. A flush takes the lock before it takes from
    # the queue, and so does every other use of the connection. Who waits for the lock then finds
    # its writes committed, by its own flush or by the one before. If a flush fails, writes of
    # several requests are lost at once, and each of them has to learn of it: so all later ones fail
    # as well.

    def __init__(self, database: JournalDatabase) -> None:
        self._database = database
        self._waiting: deque[tuple[str, Sequence[Any]]] = deque()
        self._lock = threading.RLock()
        self._flushing = False
        self._failure: BaseException | None = None

    def later(self, name: str, values: Sequence[Any] = ()) -> None:
        """Queue a statement for the next flush."""
        self._waiting.append((name, values))

    def flush(self) -> None:
        """Execute the queued statements in one transaction; on an error none takes effect."""
        with self._lock:
            if not self._waiting:
                return
            self._flushing = True
            try:
                self._flush()
            finally:
                self._flushing = False

    def _flush(self) -> None:
        taken = [self._waiting.popleft() for _ in range(len(self._waiting))]
        try:
            with self._database.transaction():
                for name, values in taken:
                    self._database.run(name, values)
        except BaseException as error:
            self._failure = error
            raise

    async def flushed(self) -> None:
        """Flush without blocking the event loop where the database is a server.

        Returns when everything is committed that was queued before. Raises like `flush`, also if an
        earlier flush failed.
        """
        if not self._database.is_server:
            self.flush()
            return
        if self._waiting or self._flushing:
            await asyncio.get_running_loop().run_in_executor(_HANDS, self.flush)
        if self._failure is not None:
            raise self._failure

    def run(self, name: str, values: Sequence[Any] = ()) -> Any:
        with self._lock:
            self.flush()
            return self._database.run(name, values)

    def run_all(self, name: str, rows: Iterable[Sequence[Any]]) -> None:
        with self._lock:
            self.flush()
            self._database.run_all(name, rows)

    @contextmanager
    def transaction(self) -> Iterator[None]:
        with self._lock:
            self.flush()
            with self._database.transaction():
                yield

    def scan(self, connection: duckdb.DuckDBPyConnection, query: str, create: str) -> None:
        with self._lock:
            self.flush()
            self._database.scan(connection, query, create)

    def rewrite(self) -> bool:
        with self._lock:
            self.flush()
            return self._database.rewrite()

    def lock(self) -> None:
        with self._lock:
            self._database.lock()

    def begin_work(self) -> None:
        with self._lock:
            self._database.begin_work()

    def end_work(self) -> None:
        with self._lock:
            self.flush()
            self._database.end_work()

    def is_at_work(self) -> bool | None:
        with self._lock:
            return self._database.is_at_work()

    def close(self) -> None:
        with self._lock:
            self.flush()
            self._database.close()
