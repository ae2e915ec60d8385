"""Locates a hub's data and opens it, for serving or for the transactions of a command."""

from __future__ import annotations

import contextlib
import functools
import os
import sqlite3
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, TypeVar

from msgspec import Struct

from headrace.model.errors import ConfigurationError
from headrace.model.secret_text import check_database_url, trimmed
from headrace.store.connection import Connection
from headrace.store.engine import postgres, sqlite
from headrace.store.engine.interface import Store
from headrace.store.engine.postgres import PostgresStore
from headrace.store.engine.postgres_dialect import schema_for_postgres
from headrace.store.engine.sqlite import SqliteStore
from headrace.store.migrations import check_version, migrate

T = TypeVar("T")

DATABASE = "hub.db"
PDFS = "pdfs"
"""Name of the folder of PDFs in a data folder."""
_SCAN_CACHE_KB = 64_000
_SCHEMES = ("postgresql://", "postgres://")


class Place(Struct, frozen=True):
    """Where a hub's data is: a folder with a SQLite database, or the URL of a PostgreSQL
    database."""

    folder: Path | None = None
    url: str | None = None

    def __str__(self) -> str:
        """Return a name for messages. A URL may contain a password, so it is not shown."""
        return "the database" if self.url else f"{self.folder}"


def find_place(
    data: Path | None, database: str | None, environment: Mapping[str, str] = os.environ
) -> Place:
    """Return the place that `--data` and `--database` name.

    `database` is a URL, or `env:NAME` or `file:PATH` that holds one. With both options, the data
    folder holds everything that is not in the database. Raises ConfigurationError when both are
    missing or the URL is invalid.
    """
    if database is None:
        if data is None:
            raise ConfigurationError(
                "Say where the hub's data are: --data DIR, or --database postgresql://..."
            )
        return Place(folder=data)
    url = _resolve(database, environment)
    if not url.startswith(_SCHEMES):
        raise ConfigurationError("--database takes postgresql://..., or env:NAME or file:PATH.")
    check_database_url(url, "--database")
    return Place(folder=data, url=url)


def open_store(place: Place, *, durable: bool = True) -> Store:
    """Open the engine of the place; creates or migrates the schema. Raises ConfigurationError if
    the database can't be used.

    `durable=False` turns off syncing to disk for SQLite; a PostgreSQL server's own settings apply.
    """
    if place.url is not None:
        return PostgresStore(place.url)
    assert place.folder is not None
    return SqliteStore(place.folder / DATABASE, durable=durable)


class Transact:
    """Runs store functions one by one, each in its own write transaction."""

    def __init__(self, begin: Callable[..., Any]) -> None:
        self._begin = begin

    def __call__(self, run: Callable[..., T], *arguments: Any) -> T:
        result: T = self._begin(run, *arguments)
        return result


@contextlib.contextmanager
def transactions(place: Place, *, make: bool = False) -> Iterator[Transact]:
    """Open the place for a command; hubs may serve it at the same time.

    Migrates the schema. Raises ConfigurationError where no database exists yet, unless `make` is
    given. PostgreSQL databases are created by their administrator.
    """
    if place.url is not None:
        with postgres.transactions(place.url) as run_alone:
            run_alone(migrate, schema_for_postgres)
            yield Transact(run_alone)
        return
    if make and place.folder is not None:
        place.folder.mkdir(parents=True, exist_ok=True)
    db = sqlite.connect(database_file(place, make=make))
    try:
        sqlite.transact(db, migrate)
        yield Transact(functools.partial(sqlite.transact, db))
    finally:
        db.close()


def rewrite(place: Place) -> bool:
    """Rewrite the database's files so that no deleted data remains in them.

    Returns False where that was not completely possible. On PostgreSQL the administrator has to run
    `vacuum full`.
    """
    return place.url is None and sqlite.rewrite(database_file(place))


@contextlib.contextmanager
def snapshot(place: Place) -> Iterator[Connection]:
    """Open a read-only, consistent view of the database, also while hubs serve it.

    Raises ConfigurationError where there is no database of this version's schema.
    """
    if place.url is not None:
        with postgres.snapshot(place.url) as remote:
            check_version(remote)
            yield remote
        return
    path = database_file(place)
    db = sqlite.connect(path, _SCAN_CACHE_KB)
    try:
        db.execute("PRAGMA query_only=ON")
        db.execute("BEGIN")
        check_file(db, path)
        yield db
    finally:
        db.close()


def check_file(db: sqlite3.Connection, path: Path) -> None:
    """Raise ConfigurationError unless the open file is a hub's database of this version's
    schema."""
    try:
        check_version(db)
    except sqlite3.DatabaseError as error:
        raise ConfigurationError(f"{path} is no database of a hub: {error}.") from None


def database_file(place: Place, *, make: bool = False) -> Path:
    """Return the path of the SQLite database in a data folder. Raises ConfigurationError when it is
    missing, unless `make` is given."""
    assert place.folder is not None
    path = place.folder / DATABASE
    if not make and not path.exists():
        raise ConfigurationError(
            f"There is no hub in {place.folder} yet: `headrace keys create --new` makes its first "
            "organisation."
        )
    return path


def _resolve(text: str, environment: Mapping[str, str]) -> str:
    if text.startswith("env:"):
        name = text.removeprefix("env:")
        if not environment.get(name):
            raise ConfigurationError(
                f"--database is read from the environment variable {name}, which is not set."
            )
        return trimmed(environment[name], f"--database, the environment variable {name},")
    if text.startswith("file:"):
        path = Path(text.removeprefix("file:"))
        try:
            return trimmed(path.read_text(encoding="utf-8-sig"), f"--database, the file {path},")
        except OSError as error:
            raise ConfigurationError(
                f"--database is read from {path}, which can't be read: {error.strerror}."
            ) from None
        except UnicodeDecodeError:
            raise ConfigurationError(
                f"--database is read from {path}, which is not UTF-8."
            ) from None
    return text
