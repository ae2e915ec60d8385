"""A journal in a SQLite file, which other processes can read while it is written."""

from __future__ import annotations

import fcntl
import json
import os
import sqlite3
import threading
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Any
from urllib.parse import quote

import adbc_driver_manager
import adbc_driver_sqlite
import duckdb

from headrace.model.private_files import make_folder
from headrace.model.repeated import run
from headrace.sources.source import scanned
from headrace.sync.journal.alone import alone_with, note_closed, note_opened
from headrace.sync.journal.damage import damage_reported, raise_if_empty
from headrace.sync.journal.database import migrate
from headrace.sync.journal.statements import SQLITE

_FEW = 5_000
"""Rows that Python's own connection reads; more are read as Arrow batches, much faster."""


def _make(path: Path) -> None:
    """Create an empty database at the path, atomically.

    A kill or a full disk must not leave an empty file, which would count as a damaged journal. So
    the database is created under another name and linked to its own when it is complete.
    """
    part = path.with_name(f"{path.name}.{os.getpid()}-{threading.get_ident()}.new")
    try:
        with closing(sqlite3.connect(part)) as database:
            # Writes the first page. Setting the journal mode would do so too, but fail silently.
            database.execute("pragma user_version = 0")
        # A link, unlike a rename, never replaces a journal that another process just created.
        with suppress(OSError):
            path.hardlink_to(part)
    finally:
        part.unlink(missing_ok=True)


def _hand_over(
    connection: duckdb.DuckDBPyConnection,
    names: Sequence[str],
    rows: Sequence[Sequence[Any]],
    create: str,
) -> None:
    """Run `create` in DuckDB, where `stream` has these rows: texts and whole numbers."""
    kinds = {
        name: "VARCHAR" if any(isinstance(row[place], str) for row in rows) else "BIGINT"
        for place, name in enumerate(names)
    }
    text = json.dumps([dict(zip(names, row, strict=True)) for row in rows])
    run(
        connection,
        "create or replace temp table stream as "
        "select unnest(from_json($1, $2), recursive := true)",
        [text, json.dumps([kinds])],
    )
    try:
        run(connection, create)
    finally:
        run(connection, "drop table temp.stream")


class SqliteDatabase:
    """A journal in SQLite. The book in the same folder is locked, so the file needs no lock."""

    is_server = False

    def __init__(self, path: Path) -> None:
        """Open, create or migrate the file.

        Raises ConfigurationError if a newer headrace wrote it. Raises DamagedJournal if it can't be
        read; so do all methods.
        """
        make_folder(path.parent)
        self._path = path
        self._counted = path.absolute()
        self._closed = False
        self._work: int | None = None
        raise_if_empty(path)
        if not path.exists():
            _make(path)
        note_opened(self._counted)
        try:
            self._db = self._connected()
            try:
                with damage_reported(path):
                    migrate(self, str(path))
            except BaseException:
                self._db.close()
                raise
        except BaseException:
            note_closed(self._counted)
            raise

    def _connected(self) -> sqlite3.Connection:
        # Used by one thread at a time, but not always by the one that opened it.
        made = sqlite3.connect(
            self._path, isolation_level=None, timeout=30.0, check_same_thread=False
        )
        try:
            with damage_reported(self._path):
                made.execute("pragma journal_mode = wal")
                # A power cut may lose the newest acknowledgements. That is safe: their records are
                # sent once more. In return, a commit does not wait for the disk.
                made.execute("pragma synchronous = normal")
                # Fewer, larger checkpoints, because no request is sent during one.
                made.execute("pragma wal_autocheckpoint = 4000")
        except BaseException:
            made.close()
            raise
        return made

    def run(self, name: str, values: Sequence[Any] = ()) -> sqlite3.Cursor:
        try:
            return self._db.execute(SQLITE[name], values)
        except sqlite3.DatabaseError:
            with damage_reported(self._path):
                raise

    def run_all(self, name: str, rows: Iterable[Sequence[Any]]) -> None:
        with damage_reported(self._path):
            self._db.executemany(SQLITE[name], rows)

    @contextmanager
    def transaction(self) -> Iterator[None]:
        with damage_reported(self._path):
            self._db.execute("begin immediate")
            try:
                yield
            except BaseException:
                self._db.execute("rollback")
                raise
            self._db.execute("commit")

    def scan(self, connection: duckdb.DuckDBPyConnection, query: str, create: str) -> None:
        with damage_reported(self._path):
            cursor = self._db.execute(query)
            rows = cursor.fetchmany(_FEW + 1)
            cursor.close()
        if len(rows) <= _FEW:
            _hand_over(connection, [name for name, *_ in cursor.description], rows, create)
            return
        # The driver brings a SQLite library of its own, and a process loses all its locks on a file
        # when any part of it closes the file. Without its locks, this connection would be destroyed
        # by the next process that opens and closes the journal, such as `headrace status`.
        with alone_with(self._counted):
            self._db.close()
            try:
                self._scan(connection, query, create)
            finally:
                self._db = self._connected()

    def _scan(self, connection: duckdb.DuckDBPyConnection, query: str, create: str) -> None:
        uri = f"file:{quote(str(self._path.resolve()))}?mode=ro"
        driver = adbc_driver_sqlite._driver_path()
        with (
            damage_reported(self._path),
            adbc_driver_manager.AdbcDatabase(driver=driver, uri=uri) as base,
            adbc_driver_manager.AdbcConnection(base) as session,
            adbc_driver_manager.AdbcStatement(session) as statement,
        ):
            statement.set_options(**{"adbc.sqlite.query.batch_rows": "65536"})
            statement.set_sql_query(query)
            stream, _ = statement.execute_query()
            with scanned(connection, stream):
                connection.execute(create)

    def lock(self) -> None:
        """Do nothing: opening the book has locked the organisation."""

    def begin_work(self) -> None:
        with suppress(OSError):  # some network file systems do not support such locks
            self._work = self._folder()
            fcntl.flock(self._work, fcntl.LOCK_SH)

    def end_work(self) -> None:
        if self._work is not None:
            os.close(self._work)
            self._work = None

    def is_at_work(self) -> bool | None:
        """Whether any process has an active run, by a lock on the folder.

        The file itself can't be used: closing it would release SQLite's own locks of this process.
        """
        try:
            folder = self._folder()
            try:
                fcntl.flock(folder, fcntl.LOCK_EX | fcntl.LOCK_NB)
            finally:
                os.close(folder)
        except BlockingIOError:
            return True
        except OSError:
            return None
        return False

    def _folder(self) -> int:
        return os.open(self._path.parent, os.O_RDONLY | os.O_CLOEXEC)

    def rewrite(self) -> bool:
        # First move the log into the file, then overwrite the file, then empty the log.
        self._db.execute("pragma secure_delete = on")
        for statement in ("pragma wal_checkpoint(truncate)", "vacuum"):
            self._db.execute(statement).fetchall()
        busy, *_ = self._db.execute("pragma wal_checkpoint(truncate)").fetchone()
        return not busy

    def version(self) -> int:
        return int(self._db.execute("pragma user_version").fetchone()[0])

    def make(self, statement: str) -> None:
        self._db.execute(statement)

    def set_version(self, version: int) -> None:
        self._db.execute(f"pragma user_version = {version}")

    def close(self) -> None:
        self.end_work()
        self._db.close()
        if not self._closed:
            self._closed = True
            note_closed(self._counted)
