"""Opens a SQLite file where it is, even in a folder that can't be written.

A database in WAL mode needs two more files next to it, for readers too; SQLite recreates them after
the last writer has closed. In a read-only folder, such as a read-only mount, that fails. The file
is then opened as immutable, and checked afterwards for changes.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from urllib.parse import quote

from headrace.model.errors import SourceError

_HEADER = 20
_WAL_BYTES = slice(18, 20)
_IS_WAL = b"\x02\x02"
"""The file format's version numbers for writing and reading."""


class SqliteFile:
    """One SQLite file, read only."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._uri = f"file:{quote(str(path))}?mode=ro"

    @contextmanager
    def address(self) -> Iterator[str]:
        """Yield the URI to open it by. Raises SourceError when it can't be read, or when it
        changed meanwhile and that could not be prevented."""
        header = self._header()
        if header[_WAL_BYTES] != _IS_WAL or self._opens():
            yield self._uri
            return
        # The log's contents are in no other file: without it, rows would be missing.
        if self._has_log():
            raise SourceError(
                f"{self._path} has changes in its write-ahead log, {self._path.name}-wal, that "
                "can't be read where its folder can't be written: mount it with "
                f"{self._path.name}-shm beside it, or let the billing program write the log back "
                "(`pragma wal_checkpoint(truncate)`)."
            )
        before = self._state()
        yield f"{self._uri}&immutable=1"
        if self._state() != before or self._has_log():
            raise SourceError(
                f"{self._path} was changed while it was read, in a folder that can't be written: "
                "run it again."
            )

    def _header(self) -> bytes:
        try:
            if not self._path.is_file():
                raise SourceError(f"There is no SQLite file {self._path}: check source.url.")
            with self._path.open("rb") as file:
                return file.read(_HEADER)
        except OSError as error:
            raise SourceError(f"{self._path} can't be read: {error.strerror}.") from None

    def _opens(self) -> bool:
        """Return False only where SQLite can't create the files it needs; other errors appear on
        reading."""
        try:
            with closing(sqlite3.connect(self._uri, 0.0, uri=True)) as database:
                database.execute("select 1 from sqlite_master limit 1").fetchall()
        except sqlite3.Error as error:
            code = getattr(error, "sqlite_errorcode", 0) & 0xFF
            return code not in (sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY)
        return True

    def _has_log(self) -> bool:
        try:
            return Path(f"{self._path}-wal").stat().st_size > 0
        except OSError:
            return False

    def _state(self) -> tuple[int, ...]:
        state = self._path.stat()
        return state.st_ino, state.st_size, state.st_mtime_ns, state.st_ctime_ns
