"""Copies the contents of a hub's database to and from a SQLite file of the same schema.

The file does not depend on the engine, so a snapshot of one can be restored on the other.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from headrace.model.errors import ConfigurationError
from headrace.store.connection import Connection
from headrace.store.engine import postgres, sqlite
from headrace.store.engine.place import DATABASE, Place, check_file, database_file
from headrace.store.migrations import check_version, migrate
from headrace.store.pdf_files import put_on_disk
from headrace.store.queries import CONSOLE, KEY, ORGANISATION, SNAPSHOT

TABLES = (
    "meta", "organisation", "sandbox", "api_key", "position", "customer", "pdf_file", "document",
    "reconciliation", "allocation", "counter", "custom_field", "custom_key", "custom_value",
    "catalogue", "action", "note", "portal_link",
    "portal_settings", "portal_answer", "portal_file", "portal_visit", "exchange_rate",
    "portal_logo", "console_user", "console_access", "console_session",
    "console_attempt",
)  # fmt: skip
"""All tables; each comes after the tables it refers to."""

_BATCH = 500
_KEYS_STEP = 1_000_000
"""Step by which the version of the keys is raised: large enough that keys created during the
restore can't reach the same number."""


def copy_out(place: Place, path: Path) -> None:
    """Write a consistent copy of the database to a new file, also while hubs serve it.

    Raises ConfigurationError when there is no database of this version's schema.
    """
    if place.url is None:
        _vacuum(place, path)
    else:
        with postgres.snapshot(place.url) as remote:
            check_version(remote)
            _download(remote, path)
    put_on_disk(path)


def copy_in(path: Path, place: Place) -> None:
    """Replace the whole contents of the database by those of the file, atomically.

    The database must already have this version's schema. The file is migrated in place, so pass a
    copy. Hubs that serve the database keep running; their writes wait until the end.
    """
    with _opened(path) as copy:
        sqlite.transact(copy, migrate)
        # Who has signed out since must not be signed in again.
        copy.execute(CONSOLE["delete_all_sessions"])
        if place.url is None:
            _swap(copy, place)
        else:
            postgres.transact(place.url, _upload, copy)


def _vacuum(place: Place, path: Path) -> None:
    source = database_file(place)
    live = sqlite.connect(source)
    try:
        check_file(live, source)
        live.execute("VACUUM INTO ?", (str(path),))
    finally:
        live.close()


def _download(remote: Connection, path: Path) -> None:
    with _opened(path) as copy:
        sqlite.transact(copy, migrate)
        sqlite.transact(copy, _fill, remote)


def _fill(copy: sqlite3.Connection, remote: Connection) -> None:
    copy.execute("DELETE FROM meta")
    for table in TABLES:
        insert = _insert(copy, table)
        # One cursor name for each table: a prepared FETCH keeps the columns of its first cursor.
        remote.execute(f"DECLARE {table}_rows CURSOR FOR {_select(copy, table)}")
        while rows := remote.execute(f"FETCH {_BATCH} FROM {table}_rows").fetchall():
            copy.executemany(insert, rows)


def _swap(copy: sqlite3.Connection, place: Place) -> None:
    """Replace a SQLite database by SQLite's own backup: one write transaction, whoever else has it
    open."""
    assert place.folder is not None
    live = sqlite.connect(place.folder / DATABASE)
    try:
        _renew_keys(copy, live)
        copy.backup(live)
    finally:
        live.close()


def _upload(remote: Any, copy: sqlite3.Connection) -> None:
    remote.execute(SNAPSHOT["lock_organisations"], (postgres.LOCK_SPACE,)).fetchall()
    _renew_keys(copy, remote)
    for table in reversed(TABLES):
        remote.execute(f"DELETE FROM {table}")
    for table in TABLES:
        insert = _insert(copy, table)
        for rows in _batches(copy.execute(_select(copy, table))):
            for row in rows:
                remote.execute(insert, row)
            remote.settle()
    for (table,) in remote.execute(SNAPSHOT["numbered_tables"]).fetchall():
        remote.execute(SNAPSHOT["renumber"].replace("TABLE_NAME", table)).fetchall()


def _renew_keys(copy: sqlite3.Connection, live: Connection) -> None:
    """Change the version of the keys, so that every process reloads them whatever it knew
    before, and keep the numbers of organisations made since from being given out again."""
    known = [row[0] for db in (copy, live) if (row := db.execute(KEY["version"]).fetchone())]
    copy.execute(KEY["set_version"], (max(known, default=0) + _KEYS_STEP,))
    last = ORGANISATION["last_seq"]
    given = [row[0] for db in (copy, live) if (row := db.execute(last).fetchone())]
    copy.execute(ORGANISATION["set_last_seq"], (max(given, default=0),))


def _select(copy: sqlite3.Connection, table: str) -> str:
    # Parents first: a child's row refers to its parent's.
    order = " ORDER BY parent IS NOT NULL, seq" if table == "customer" else ""
    return f"SELECT {', '.join(_columns(copy, table))} FROM {table}{order}"


def _insert(copy: sqlite3.Connection, table: str) -> str:
    columns = _columns(copy, table)
    places = ", ".join("?" for _ in columns)
    return f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({places})"


def _columns(copy: sqlite3.Connection, table: str) -> list[str]:
    return [row[1] for row in copy.execute(f"PRAGMA table_info({table})")]


def _batches(rows: sqlite3.Cursor) -> Iterator[list[Any]]:
    while batch := rows.fetchmany(_BATCH):
        yield batch


class _opened:
    """Open a snapshot's file; the caller owns it exclusively."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def __enter__(self) -> sqlite3.Connection:
        self._db = sqlite3.connect(self._path, isolation_level=None)
        try:
            self._db.execute("PRAGMA journal_mode=DELETE")
        except sqlite3.DatabaseError as error:
            self._db.close()
            raise ConfigurationError(f"{self._path} is no database: {error}.") from None
        return self._db

    def __exit__(self, *_: object) -> None:
        self._db.close()
