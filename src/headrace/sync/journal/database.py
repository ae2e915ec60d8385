"""The interface of a journal's database engine, and the migration of a journal's schema."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import AbstractContextManager
from importlib import resources
from typing import Any, Protocol

import duckdb

from headrace.model.errors import ConfigurationError

_FOLDER = resources.files(__package__).joinpath("migrations")


class JournalDatabase(Protocol):
    """One organisation's journal, open on one connection; statements are run by name."""

    is_server: bool
    """Whether a server executes the statements, so that a call mostly waits for it."""

    def run(self, name: str, values: Sequence[Any] = ()) -> Any:
        """Run a statement; returns a cursor over its rows."""

    def run_all(self, name: str, rows: Iterable[Sequence[Any]]) -> None:
        """Run a statement once for each row."""

    def transaction(self) -> AbstractContextManager[None]:
        """Commit all statements of the block together, or none of them."""

    def scan(self, connection: duckdb.DuckDBPyConnection, query: str, create: str) -> None:
        """Run `create` in DuckDB, where `stream` is the result of `query` as Arrow batches."""

    def lock(self) -> None:
        """Lock the journal for writing until `close`. Raises Busy, which names the holder."""

    def begin_work(self) -> None:
        """Show other processes that a run is active, until `end_work`, `close` or a crash."""

    def end_work(self) -> None:
        """Show other processes that the run has ended."""

    def is_at_work(self) -> bool | None:
        """Whether any process has an active run; None if that can't be determined."""

    def rewrite(self) -> bool:
        """Rewrite the database's files so that no deleted data remains in them.

        Returns False where that was not possible because another process was reading.
        """

    def close(self) -> None:
        """Close the connection, which also releases the lock."""


class Migrating(Protocol):
    """An engine, as the migration uses it."""

    def transaction(self) -> AbstractContextManager[None]:
        """Begin a transaction that excludes other migrations of the same journal."""

    def version(self) -> int:
        """Return the number of the last migration; 0 for an empty database."""

    def make(self, statement: str) -> None:
        """Execute a statement of a migration, translated to the engine's types."""

    def set_version(self, version: int) -> None:
        """Record the number of the last migration."""


def migrate(database: Migrating, where: str) -> None:
    """Execute the missing migrations, all in one transaction.

    Raises ConfigurationError if a newer headrace wrote the journal; `where` names it in messages.
    """
    known = sorted(
        (int(folder.name[:4]), folder.joinpath("up.sql").read_text("utf-8"))
        for folder in _FOLDER.iterdir()
        if folder.name[:4].isdecimal()
    )
    newest = known[-1][0]
    if database.version() == newest:
        return
    with database.transaction():
        present = database.version()
        if present > newest:
            raise ConfigurationError(
                f"{where} was written by a newer headrace (journal version {present}; this one "
                f"knows {newest}). Update headrace."
            )
        for number, script in known:
            for statement in script.split(";\n") if number > present else ():
                if statement.strip():
                    database.make(statement)
        database.set_version(newest)
