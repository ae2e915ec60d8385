"""A SQLite file and how it can be opened where it lies, also where nothing can be written.

A database in WAL mode needs two files beside it, for readers too, and SQLite makes them anew after
the last writer has gone. In a folder that can't be written, such as a read-only mount, that fails;
the file by itself is then read as one that nobody changes, and held against that afterwards.
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
"""The file format's numbers for writing and reading."""


class SqliteFile:
    """One file, read only."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._uri = f"file:{quote(str(path))}?mode=ro"

    @contextmanager
    def address(self) -> Iterator[str]:
        """The URI to open it by, for the length of a `with`. SourceError says why it can't be
        read, or that it changed meanwhile where that could not be kept out."""
        header = self._header()
        if header[_WAL_BYTES] != _IS_WAL or self._opens():
            yield self._uri
            return
        # What the log has is in no other file: without it, rows would be missing.
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
        """False only where SQLite can't make what it needs; other errors show when it is read."""
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
