"""What the journal asks of a database engine, and bringing one to this version's schema."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import AbstractContextManager
from importlib import resources
from typing import Any, Protocol

import duckdb

from headrace.model.errors import ConfigurationError

_FOLDER = resources.files(__package__).joinpath("migrations")


class JournalDatabase(Protocol):
    """One organisation's journal, open on one connection; statements by their names."""

    def run(self, name: str, values: Sequence[Any] = ()) -> Any:
        """A cursor over the statement's rows."""

    def run_all(self, name: str, rows: Iterable[Sequence[Any]]) -> None:
        """The statement once for each."""

    def transaction(self) -> AbstractContextManager[None]:
        """All of it or nothing."""

    def scan(self, connection: duckdb.DuckDBPyConnection, query: str, create: str) -> None:
        """Runs `create` in DuckDB, where `stream` is the result of `query` as Arrow batches."""

    def lock(self) -> None:
        """Makes this the only writer until `close`. Busy names the other one."""

    def begin_work(self) -> None:
        """Shows others that a run goes on, until `end_work`, `close` or the process's end."""

    def end_work(self) -> None:
        """It does no longer."""

    def is_at_work(self) -> bool | None:
        """Whether a run of anybody goes on; None where that can't be seen."""

    def rewrite(self) -> bool:
        """Writes its files anew, so that nothing that was deleted is left in them; whether it
        could, for somebody may be reading them."""

    def close(self) -> None:
        """Releases it."""


class Migrating(Protocol):
    """An engine while it is brought up to date."""

    def transaction(self) -> AbstractContextManager[None]:
        """One at a time, of all that migrate the same journal."""

    def version(self) -> int:
        """The number of the last migration, 0 in an empty place."""

    def make(self, statement: str) -> None:
        """Carries out a statement of a migration, in the engine's own types."""

    def set_version(self, version: int) -> None:
        """Notes the last migration."""


def migrate(database: Migrating, where: str) -> None:
    """Carries out the migrations that are missing, all in one transaction.

    ConfigurationError when a newer headrace wrote the journal; `where` names it.
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
                f"{where} was written by a newer headrace (journal version {present}, this one "
                f"knows {newest}): update headrace."
            )
        for number, script in known:
            for statement in script.split(";\n") if number > present else ():
                if statement.strip():
                    database.make(statement)
        database.set_version(newest)
