"""The book's file: a cache, so one that can't be used is made anew without a word."""

from __future__ import annotations

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb

from headrace.model.errors import Busy

_DAMAGE = (duckdb.FatalException, duckdb.InternalException, duckdb.SerializationException)
_WORDS = ("corrupt", "checksum", "not a valid duckdb", "version number")
_HELD = ("Could not set lock on file", "Unique file handle conflict")
"""By another process, and by this one."""


def attach(connection: duckdb.DuckDBPyConnection, path: Path) -> None:
    """Attaches the file as `staging`, a new one in the place of one that can't be used.

    Busy when another process has it open; duckdb.IOException where no file can be made.
    """
    try:
        _attach(connection, path)
        return
    except duckdb.Error as error:
        _raise_if_held(error, path)
    with _alone(path):
        # Another process may have made it anew meanwhile, and work with it.
        try:
            _attach(connection, path)
        except duckdb.Error as error:
            _raise_if_held(error, path)
            _remove(path)
            _attach(connection, path)


def discard(path: Path) -> None:
    """Removes the file; what is in it comes from the source and the journal. Busy when another
    process has it open."""
    with _alone(path), duckdb.connect() as connection:
        # Held while it goes, so that nobody can have begun to work with it.
        try:
            _attach(connection, path)
        except duckdb.Error as error:
            _raise_if_held(error, path)
        _remove(path)


def _remove(path: Path) -> None:
    for name in (path.name, f"{path.name}.wal"):
        path.with_name(name).unlink(missing_ok=True)


def is_damage(error: BaseException | None) -> bool:
    """Whether the error may come from what is in the file; a new one then mends it."""
    while error is not None:
        if isinstance(error, _DAMAGE):
            return True
        if isinstance(error, duckdb.Error) and any(word in str(error).lower() for word in _WORDS):
            return True
        error = error.__cause__
    return False


def _attach(connection: duckdb.DuckDBPyConnection, path: Path) -> None:
    connection.execute("attach '" + str(path).replace("'", "''") + "' as staging")


def _raise_if_held(error: duckdb.Error, path: Path) -> None:
    if any(words in str(error) for words in _HELD):
        raise Busy(
            f"Another command works on {path.parent.name} (it holds {path}): wait until it is "
            "done, or stop it; `headrace status` works beside it."
        ) from None


@contextmanager
def _alone(path: Path) -> Iterator[None]:
    """One process at a time; without it, one could remove what the other has just made."""
    with path.with_suffix(".lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
