"""Write-behind: what a delivery notes of one moment becomes durable in one transaction."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import duckdb

from headrace.sync.journal.database import JournalDatabase


class WriteBehind:
    """A database whose small writes wait for `flush`; whatever else is asked of it flushes first,
    so that nothing is ever read or written out of order."""

    def __init__(self, database: JournalDatabase) -> None:
        self._database = database
        self._waiting: list[tuple[str, Sequence[Any]]] = []

    def later(self, name: str, values: Sequence[Any] = ()) -> None:
        """The statement, with the next flush."""
        self._waiting.append((name, values))

    def flush(self) -> None:
        """Carries out what waits, all of it or nothing."""
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
