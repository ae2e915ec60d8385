"""Keeps the planner's statistics current while a database fills.

PostgreSQL keeps the plan of a prepared statement until the statistics change, and does not analyse
a new table in its first minute. A plan made for an empty table scans all rows of an organisation,
so an import would slow down with each row. Therefore tables are analysed here each time they have
doubled.
"""

from __future__ import annotations

import logging
import threading

from headrace.store.engine.postgres_connection import (
    ConnectionLost,
    DatabaseError,
    PostgresConnection,
)
from headrace.store.queries import STATISTICS as SQL

_LOGGER = logging.getLogger("headrace.store")
_FIRST = 100
_FACTOR = 4


class Statistics:
    """Counts committed writes and analyses the tables at growing intervals."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._lock = threading.Lock()
        self._written = 0
        self._due = 1
        self._thread: threading.Thread | None = None

    def count(self, writes: int) -> None:
        """Add a number of committed writes. Callable from any thread; never blocks."""
        with self._lock:
            self._written += writes
            if self._written < self._due or (self._thread and self._thread.is_alive()):
                return
            self._due = max(_FIRST, self._written * _FACTOR)
            self._thread = threading.Thread(target=self._collect, daemon=True)
            self._thread.start()

    def close(self) -> None:
        """Wait for the analysis in progress."""
        if self._thread is not None:
            self._thread.join()

    def _collect(self) -> None:
        try:
            db = PostgresConnection(self._url)
            try:
                collect(db)
            finally:
                db.close()
        except (ConnectionLost, DatabaseError) as error:
            _LOGGER.warning("table statistics can't be collected: %s", error)


def collect(db: PostgresConnection) -> list[str]:
    """Analyse the tables that have doubled since the last time; returns their names."""
    names = [name for (name,) in db.execute(SQL["grown"])]
    for name in names:
        db.execute(f'ANALYZE "{name}"')
        db.settle()
    return names
