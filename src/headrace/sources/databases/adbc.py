"""Reads a database through its ADBC driver: Arrow batches go directly into DuckDB, without
Python rows."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from functools import cache
from typing import Any

import adbc_driver_manager
import duckdb

from headrace.model.errors import SourceError
from headrace.model.repeated import run
from headrace.sources.address import masked
from headrace.sources.databases.drivers import OpenDrivers
from headrace.sources.databases.keepalive import with_keepalive
from headrace.sources.source import scanned

try:
    import adbc_driver_postgresql
except ImportError:
    adbc_driver_postgresql = None

FAILURES = (adbc_driver_manager.Error, duckdb.Error)
"""Exceptions that a driver may raise, or DuckDB while it reads a driver's stream."""

_POSTGRES = OpenDrivers()
_LONGEST = 1000
_NOISE = (
    "IO: ",
    "INVALID_ARGUMENT: ",
    "INVALID_STATE: ",
    "[libpq] ",
    "[SQLite] ",
    "Failed to connect: ",
)


class Database:
    """An open connection to a billing database, and the DuckDB database that receives its rows.

    Methods raise one of `FAILURES`; `reading` converts them into SourceError.
    """

    def __init__(self, connection: Any, target: duckdb.DuckDBPyConnection) -> None:
        self._connection = connection
        self.target = target

    def run(self, sql: str) -> None:
        """Run a statement without a result."""
        with adbc_driver_manager.AdbcStatement(self._connection) as statement:
            statement.set_sql_query(sql)
            statement.execute_update()

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        """Return a small result, such as a list of tables."""
        with self._streamed(sql) as stream:
            return self.target.from_arrow(stream).fetchall()

    def columns(self, sql: str) -> list[str]:
        """Return the column names of a query, without reading its rows."""
        with self._streamed(f"select * from ({sql}\n) q limit 0") as stream:
            return self.target.from_arrow(stream).columns

    def into(self, use: str, sql: str) -> list[tuple[Any, ...]]:
        """Run `use` in DuckDB, where the relation `stream` is the result of `sql`."""
        with self._streamed(sql) as stream, scanned(self.target, stream):
            return run(self.target, use).fetchall()

    @contextmanager
    def _streamed(self, sql: str) -> Iterator[Any]:
        with adbc_driver_manager.AdbcStatement(self._connection) as statement:
            statement.set_sql_query(sql)
            stream, _ = statement.execute_query()
            yield stream


def postgres_driver() -> Any:
    """Return PostgreSQL's driver, which is an extra. Raises SourceError when it is not
    installed."""
    if adbc_driver_postgresql is None:
        raise SourceError("PostgreSQL needs its driver: pip install 'headrace[postgres]'.")
    return adbc_driver_postgresql


@contextmanager
def connected(
    database: AbstractContextManager[Any], target: duckdb.DuckDBPyConnection | None = None
) -> Iterator[Database]:
    """Open a connection to a driver's database for the length of a `with`.

    Without a `target`, small results go through a DuckDB engine of their own, because a shared one
    would reject them while it is busy.
    """
    with database as opened, adbc_driver_manager.AdbcConnection(opened) as raw:
        if target is not None:
            yield Database(raw, target)
            return
        with _scratch().cursor() as own:
            yield Database(raw, own)


def to_postgres(
    url: str, target: duckdb.DuckDBPyConnection | None = None
) -> AbstractContextManager[Database]:
    """Open a connection to PostgreSQL, as `connected` does; one that is cut without a word fails
    after a minute. Raises SourceError when its driver is not installed."""
    return connected(_POSTGRES.lent(postgres_driver(), with_keepalive(url)), target)


@cache
def _scratch() -> duckdb.DuckDBPyConnection:
    """Return an engine for small results, which takes longer to start than to ask."""
    return duckdb.connect(config={"threads": 1})


@contextmanager
def reading(what: str, secrets: tuple[str, ...] = ()) -> Iterator[None]:
    """Convert failures inside into `SourceError("<what>: <the driver's message>")`, without
    secrets."""
    try:
        yield
    except FAILURES as error:
        raise SourceError(f"{what}: {driver_words(error, secrets)}") from None


def driver_words(error: Exception, secrets: tuple[str, ...] = ()) -> str:
    """Return a driver's message on one line, without its prefixes and the given secrets."""
    words = " ".join(str(error).split())
    for noise in _NOISE:
        words = words.replace(noise, "")
    words = masked(words, secrets)
    if len(words) > _LONGEST:  # some repeat the whole statement
        words = words[:_LONGEST] + " …"
    return words.rstrip(". ?") + "."
