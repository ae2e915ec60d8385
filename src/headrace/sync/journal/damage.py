"""Detects a damaged journal file.

A damaged journal must never be treated as a new one. A new journal knows of no record at the API,
so the next plan would send everything, and would never delete what the source no longer has.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import adbc_driver_manager
import duckdb

from headrace.model.errors import DamagedJournal

_PAGE_MIN = 512
"""Size in bytes of SQLite's smallest page."""
_CODES = {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB}
_WORDS = ("malformed", "not a database", "no such table", "no such column", "already exists")
"""Parts of messages: of a driver without error codes, and of a file with other tables."""


def raise_if_empty(path: Path) -> None:
    """Raise DamagedJournal for an existing file that SQLite would take for a new one, because it
    has no page.

    The file is not opened: closing it would release the locks of other connections that this
    process has to the journal.
    """
    try:
        size = path.stat().st_size
    except OSError:  # missing or not readable: opening it reports why
        return
    if size >= _PAGE_MIN:
        return
    if not size and not (path.parent / "cache.duckdb").exists():
        return  # a process was killed while it created the file; no plan was made from it
    raise DamagedJournal(_sentence(path, "it is empty" if not size else "it is not a SQLite file"))


@contextmanager
def damage_reported(path: Path) -> Iterator[None]:
    """Raise DamagedJournal for errors that a damaged file causes; other errors pass unchanged."""
    try:
        yield
    except (sqlite3.DatabaseError, adbc_driver_manager.Error, duckdb.Error) as error:
        code = getattr(error, "sqlite_errorcode", None)
        words = " ".join(str(error).split())
        sqlites = isinstance(error, sqlite3.DatabaseError) or "sqlite" in words.lower()
        if (code or 0) & 0xFF in _CODES or (sqlites and any(word in words for word in _WORDS)):
            raise DamagedJournal(_sentence(path, words.rstrip("."))) from None
        raise


def _sentence(path: Path, why: str) -> str:
    return (
        f"The journal {path} can't be read ({why}). Nothing was sent. Only the journal knows what "
        "the API acknowledged, so headrace does not replace it. Restore its last backup, or move "
        "it away and fill a new one from the API with `headrace adopt --write`."
    )
