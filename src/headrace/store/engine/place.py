"""Where a hub's data are, and opening them: to serve them, or for a command's transactions."""

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
"""The folder of PDFs in a data folder."""
_SCAN_CACHE_KB = 64_000
_SCHEMES = ("postgresql://", "postgres://")


class Place(Struct, frozen=True):
    """A folder with a SQLite database, or the URL of a PostgreSQL database."""

    folder: Path | None = None
    url: str | None = None

    def __str__(self) -> str:
        """For messages; a URL may hold a password, so it is not shown."""
        return "the database" if self.url else f"{self.folder}"


def find_place(
    data: Path | None, database: str | None, environment: Mapping[str, str] = os.environ
) -> Place:
    """The place that `--data` and `--database` name.

    `database` is a URL, or `env:NAME` or `file:PATH` of one. With both, the data folder holds what
    a database does not. Raises ConfigurationError without either, or for what is no such URL.
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
    """The engine of the place, made or migrated; ConfigurationError if it can't be used.

    A database on a disk may be told not to be `durable`; a server keeps its own rules.
    """
    if place.url is not None:
        return PostgresStore(place.url)
    assert place.folder is not None
    return SqliteStore(place.folder / DATABASE, durable=durable)


class Transact:
    """Runs store functions one by one, each in a write transaction of its own."""

    def __init__(self, begin: Callable[..., Any]) -> None:
        self._begin = begin

    def __call__(self, run: Callable[..., T], *arguments: Any) -> T:
        result: T = self._begin(run, *arguments)
        return result


@contextlib.contextmanager
def transactions(place: Place, *, make: bool = False) -> Iterator[Transact]:
    """For commands, also while a hub runs on the place.

    Brings the schema up to date. Raises ConfigurationError where there is no database yet, unless
    `make` is given; PostgreSQL's are made by their administrator.
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
    """Writes the database's files anew, so that nothing deleted is left in them; False where that
    could not be done as a whole: in PostgreSQL it is the administrator's, by `vacuum full`."""
    return place.url is None and sqlite.rewrite(database_file(place))


@contextlib.contextmanager
def snapshot(place: Place) -> Iterator[Connection]:
    """The database as it is at one moment, for reading only, also while hubs serve it.

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
    """ConfigurationError unless what was opened is a hub's database of this version's schema."""
    try:
        check_version(db)
    except sqlite3.DatabaseError as error:
        raise ConfigurationError(f"{path} is no database of a hub: {error}.") from None


def database_file(place: Place, *, make: bool = False) -> Path:
    """The SQLite database of a data folder; ConfigurationError where it is not there, unless it is
    to be made."""
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
