"""Writes to a database by its URL: SQLite and PostgreSQL by their drivers, others by SQLAlchemy.

All SQL is written once, with `?` for values.
"""

from __future__ import annotations

import importlib
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol

from headrace.model.errors import ConfigurationError
from headrace.model.extras import load_extra

Row = tuple[Any, ...]


class Database(Protocol):
    """An open transaction on a database."""

    def run(self, sql: str, *values: object) -> None:
        """Run one statement."""

    def rows(self, sql: str, *values: object) -> list[Row]:
        """Return the rows of one query."""

    def insert(self, table: str, rows: Sequence[Row]) -> None:
        """Insert rows, each with a value for every column in the table's order."""


class _Sqlite:
    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def run(self, sql: str, *values: object) -> None:
        self._connection.execute(sql, values)

    def rows(self, sql: str, *values: object) -> list[Row]:
        return self._connection.execute(sql, values).fetchall()

    def insert(self, table: str, rows: Sequence[Row]) -> None:
        marks = ", ".join("?" * len(rows[0]))
        self._connection.executemany(f"insert into {table} values ({marks})", rows)


class _Postgres:
    def __init__(self, connection: Any) -> None:
        self._connection = connection

    def run(self, sql: str, *values: object) -> None:
        self._connection.execute(sql.replace("?", "%s"), values)

    def rows(self, sql: str, *values: object) -> list[Row]:
        return list(self._connection.execute(sql.replace("?", "%s"), values).fetchall())

    def insert(self, table: str, rows: Sequence[Row]) -> None:
        with (
            self._connection.cursor() as cursor,
            cursor.copy(f"copy {table} from stdin") as copy,
        ):
            for row in rows:
                copy.write_row(row)


class _Alchemy:
    def __init__(self, connection: Any, text: Any) -> None:
        self._connection = connection
        self._text = text

    def run(self, sql: str, *values: object) -> None:
        self._execute(sql, values)

    def rows(self, sql: str, *values: object) -> list[Row]:
        return [tuple(row) for row in self._execute(sql, values)]

    def insert(self, table: str, rows: Sequence[Row]) -> None:
        names = [f"v{place}" for place in range(len(rows[0]))]
        marks = ", ".join(f":{name}" for name in names)
        statement = self._text(f"insert into {table} values ({marks})")
        self._connection.execute(statement, [dict(zip(names, row, strict=True)) for row in rows])

    def _execute(self, sql: str, values: tuple[object, ...]) -> Any:
        first, *others = sql.split("?")
        text = first + "".join(f":v{place}{part}" for place, part in enumerate(others))
        named = {f"v{place}": value for place, value in enumerate(values)}
        return self._connection.execute(self._text(text), named)


@contextmanager
def opened(address: str | Path, *, careless: bool = False) -> Iterator[Database]:
    """Open a transaction on a file's path or a database's URL; it is committed at the end of the
    `with`.

    `careless` trades safety in a power cut for speed, where the database supports it. A missing
    folder is created. Raises ConfigurationError, with nothing written, when the database can't be
    opened or refuses a statement, and when the driver is not installed.
    """
    path = sqlite_path(address)
    if path is not None:
        with _sqlite(path, careless) as database:
            yield database
    elif str(address).startswith(("postgresql://", "postgres://")):
        psycopg = load_extra("psycopg", "postgres", "PostgreSQL")
        with _explained(psycopg.Error), psycopg.connect(str(address)) as connection:
            yield _Postgres(connection)
    else:
        with _alchemy(str(address)) as connection:
            yield connection


@contextmanager
def _alchemy(url: str) -> Iterator[Database]:
    missing: tuple[Any, ...] = (ImportError,)
    try:
        sqlalchemy = importlib.import_module("sqlalchemy")
        # The driver's own module may be missing too, which create_engine finds out.
        missing = (ImportError, sqlalchemy.exc.NoSuchModuleError)
        engine = sqlalchemy.create_engine(url)
    except missing:
        raise ConfigurationError(
            f"A database of kind {url.partition(':')[0]} needs SQLAlchemy and a driver for it: pip "
            "install them, or write to a SQLite file or PostgreSQL."
        ) from None
    with _explained(sqlalchemy.exc.DBAPIError), engine.begin() as connection:
        yield _Alchemy(connection, sqlalchemy.text)
    engine.dispose()


@contextmanager
def _explained(errors: type[Exception]) -> Iterator[None]:
    """Return the first line of the database's message; the others show statements and values."""
    try:
        yield
    except errors as error:
        first = str(getattr(error, "orig", error)).partition("\n")[0]
        raise ConfigurationError(
            f"The database can't be written ({first}): check its URL, and name one that has no "
            "billing tables yet."
        ) from None


def sqlite_path(address: str | Path) -> Path | None:
    """Return the file of a path or of `sqlite:///FILE`; None for another database."""
    text = str(address)
    if text.startswith("sqlite:///"):
        return Path(text.removeprefix("sqlite:///"))
    return None if "://" in text else Path(text)


@contextmanager
def _sqlite(path: Path, careless: bool) -> Iterator[_Sqlite]:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        connection = sqlite3.connect(path)
    except (OSError, sqlite3.Error) as error:
        raise ConfigurationError(f"{path} can't be opened as a database: {error}.") from None
    try:
        if careless:
            connection.execute("pragma journal_mode = off")
            connection.execute("pragma synchronous = off")
        yield _Sqlite(connection)
        connection.commit()
    finally:
        connection.close()
