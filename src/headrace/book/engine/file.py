"""The book's file. It is a cache: an unusable file is silently replaced."""

from __future__ import annotations

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb

from headrace.model.errors import BusyCache

_DAMAGE = (duckdb.FatalException, duckdb.InternalException, duckdb.SerializationException)
_WORDS = ("corrupt", "checksum", "not a valid duckdb", "version number")
_HELD = ("Could not set lock on file", "Unique file handle conflict")
"""Held by another process, and by this one."""


def attach(connection: duckdb.DuckDBPyConnection, path: Path) -> None:
    """Attach the file as `staging`; creates a new one in place of an unusable one.

    Raises BusyCache when another process has it open, duckdb.IOException where no file can be
    created.
    """
    try:
        _attach(connection, path)
        return
    except duckdb.Error as error:
        _raise_if_held(error, path)
    with _alone(path):
        # Another process may have replaced it in the meantime and be using it.
        try:
            _attach(connection, path)
        except duckdb.Error as error:
            _raise_if_held(error, path)
            _remove(path)
            _attach(connection, path)


def discard(path: Path) -> None:
    """Delete the file; its contents can be rebuilt from the source and the journal.

    Raises BusyCache when another process has it open.
    """
    with _alone(path), duckdb.connect() as connection:
        # Hold it while it is deleted, so that no process can have started to use it.
        try:
            _attach(connection, path)
        except duckdb.Error as error:
            _raise_if_held(error, path)
        _remove(path)


def _remove(path: Path) -> None:
    for name in (path.name, f"{path.name}.wal"):
        path.with_name(name).unlink(missing_ok=True)


def is_damage(error: BaseException | None) -> bool:
    """Whether the error may come from the file's contents; a new file then fixes it."""
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
        raise BusyCache(
            f"Another command works on {path.parent.name} (it holds {path}): wait until it is "
            "done, or stop it; `headrace status` works in the meantime."
        ) from None


@contextmanager
def _alone(path: Path) -> Iterator[None]:
    """Allow one process at a time; otherwise one could delete the file that another has just
    created."""
    with path.with_suffix(".lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
