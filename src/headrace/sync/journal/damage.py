"""Detects a damaged journal file, which must never be taken for a new one."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import adbc_driver_manager
import duckdb

from headrace.model.errors import DamagedJournal

_HEADER = b"SQLite format 3\0"
_CODES = {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB}
_WORDS = ("malformed", "not a database", "no such table", "no such column", "already exists")
"""Of a driver that has no codes, and of a file that has other tables than a journal."""


def raise_if_foreign(path: Path) -> None:
    """DamagedJournal for a file that is there and is no database, an empty one too: a new journal
    in its place would know nothing of what the API has."""
    try:
        with path.open("rb") as file:
            start = file.read(len(_HEADER))
    except OSError:  # not there, or not to be opened: whoever opens it says why
        return
    if start == _HEADER:
        return
    if not start and not (path.parent / "cache.duckdb").exists():
        return  # nothing was ever planned against it: it was made and then killed
    raise DamagedJournal(_sentence(path, "it is empty" if not start else "it is no SQLite file"))


@contextmanager
def damage_reported(path: Path) -> Iterator[None]:
    """Errors that a damaged file makes as DamagedJournal; all others as they are."""
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
        f"The journal {path} can't be read ({why}). It alone knows what the API was told, so it is "
        "never made anew by itself: put its last backup in its place, or move it away and take up "
        "what the API has with `headrace adopt --write`; nothing was sent."
    )
