"""A journal in a SQLite file, readable by others while it is written."""

from __future__ import annotations

import fcntl
import os
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Any
from urllib.parse import quote

import adbc_driver_manager
import adbc_driver_sqlite
import duckdb

from headrace.model.private_files import make_folder
from headrace.sources.adbc import scanned
from headrace.sync.journal.damage import damage_reported, raise_if_foreign
from headrace.sync.journal.database import migrate
from headrace.sync.journal.statements import SQLITE


def _make(path: Path) -> None:
    """A database in the journal's place as a whole, or nothing there: an empty file, as a full disk
    or a kill would leave it, would be taken for a journal that was damaged."""
    part = path.with_name(f"{path.name}.{os.getpid()}.new")
    try:
        with closing(sqlite3.connect(part)) as database:
            # The first page; a change of the journal mode would fail without a word.
            database.execute("pragma user_version = 0")
        # Never over one that another process has made meanwhile.
        with suppress(OSError):
            path.hardlink_to(part)
    finally:
        part.unlink(missing_ok=True)


class SqliteDatabase:
    """The book beside it is locked by its only user, so the file needs no lock of its own."""

    def __init__(self, path: Path) -> None:
        """Opens, makes or migrates the file. ConfigurationError for a newer one, DamagedJournal,
        from every method too, for one that can't be read."""
        make_folder(path.parent)
        self._path = path
        self._work: int | None = None
        raise_if_foreign(path)
        if not path.exists():
            _make(path)
        # One user at a time, though not always on the thread that opened it.
        self._db = sqlite3.connect(
            path, isolation_level=None, timeout=30.0, check_same_thread=False
        )
        try:
            with damage_reported(path):
                self._db.execute("pragma journal_mode = wal")
                # A power cut may lose the newest acknowledgements: they are sent again, never lost.
                self._db.execute("pragma synchronous = normal")
                # Fewer, larger checkpoints: each holds up the requests that could go meanwhile.
                self._db.execute("pragma wal_autocheckpoint = 4000")
                migrate(self, str(path))
        except BaseException:
            self._db.close()
            raise

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
        """Nothing: who has the book open is alone."""

    def begin_work(self) -> None:
        with suppress(OSError):  # some network file systems know no such locks
            self._work = self._folder()
            fcntl.flock(self._work, fcntl.LOCK_SH)

    def end_work(self) -> None:
        if self._work is not None:
            os.close(self._work)
            self._work = None

    def is_at_work(self) -> bool | None:
        """By a lock of the folder: closing a database's own file would end the locks that this
        process has on it."""
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
        # What is written first is what the log has; then the file itself is overwritten.
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
