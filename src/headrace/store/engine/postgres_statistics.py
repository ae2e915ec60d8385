"""The planner's statistics of a database that is filling.

PostgreSQL keeps the plan of a prepared statement until it has new statistics, and by itself it
collects none in a table's first minute. A plan made for an empty table would go through all rows
of an organisation, so an import would become slower with each row. Here statistics are collected
when tables have doubled.
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
    """Told how much is written, it looks after the tables at ever longer distances."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._lock = threading.Lock()
        self._written = 0
        self._due = 1
        self._thread: threading.Thread | None = None

    def count(self, writes: int) -> None:
        """So many more writes are committed; from any thread, and never waits."""
        with self._lock:
            self._written += writes
            if self._written < self._due or (self._thread and self._thread.is_alive()):
                return
            self._due = max(_FIRST, self._written * _FACTOR)
            self._thread = threading.Thread(target=self._collect, daemon=True)
            self._thread.start()

    def close(self) -> None:
        """Wait for what is under way."""
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
            _LOGGER.warning("statistics of the tables can't be collected: %s", error)


def collect(db: PostgresConnection) -> list[str]:
    """Collect those of the tables that have doubled since the last time; gives their names."""
    names = [name for (name,) in db.execute(SQL["grown"])]
    for name in names:
        db.execute(f'ANALYZE "{name}"')
        db.settle()
    return names
