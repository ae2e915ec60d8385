"""Translates exceptions of one organisation into messages that say what to do.

An unexpected exception is a defect: its traceback goes to the project's log file, and the other
organisations continue.
"""

from __future__ import annotations

import errno
import os
import sqlite3
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import duckdb

from headrace.book.engine.file import discard, is_damage
from headrace.fleet.project import LoadedProject
from headrace.model.clock import Clock, format_instant
from headrace.model.errors import Busy, ConfigurationError, Defect, HeadraceError

T = TypeVar("T")

LOG = "headrace.log"
"""Name of the log file in the project's data folder."""
_LOG_MAX = 1_000_000
"""Maximum size in bytes. A larger log is renamed and a new one begun, because a defect may repeat
in every round."""

_FULL = (errno.ENOSPC, errno.EDQUOT)
_READ_ONLY = (
    *(errno.EROFS, errno.EACCES, errno.EPERM, errno.EIO, errno.EFBIG, errno.EMFILE),
    *(errno.EEXIST, errno.ENOTDIR, errno.EISDIR, errno.ENAMETOOLONG),
)
_SQLITE_FULL = (sqlite3.SQLITE_FULL,)
_SQLITE_READ_ONLY = (
    *(sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PERM),
    *(sqlite3.SQLITE_IOERR, sqlite3.SQLITE_AUTH),
)


def attempt(
    loaded: LoadedProject,
    name: str,
    clock: Clock,
    work: Callable[[], T],
    passing: tuple[type[Exception], ...] = (),
) -> T:
    """Run `work` for one organisation; exceptions other than `passing` become a HeadraceError.

    If the book turns out to be damaged, it is discarded and the work is repeated once.
    """
    try:
        try:
            return work()
        except (duckdb.Error, RuntimeError) as error:
            if not is_damage(error):
                raise
        discard(loaded.book_file(name))
        return work()
    except Exception as error:
        # A closed pipe of the output is no error of the organisation either.
        if isinstance(error, (HeadraceError, BrokenPipeError, *passing)):
            raise
        raise translated(loaded, name, clock, error) from error


def translated(loaded: LoadedProject, name: str, clock: Clock, error: Exception) -> HeadraceError:
    """Return the error as one for the user; writes the traceback of a defect to the log."""
    if isinstance(error, HeadraceError):
        return error
    text = " ".join(str(error).split())
    if isinstance(error, MemoryError | duckdb.OutOfMemoryException):
        return ConfigurationError(
            "there is not enough memory, or disk space for temporary data"
            + (f" ({text})" if text else "")
            + ". Nothing is lost. Run the command again with more, or with a smaller at_once."
        )
    code = getattr(error, "sqlite_errorcode", None)
    if code is not None and code & 0xFF in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
        return Busy(
            f"its journal is in use by another program ({text}). Run the command again later."
        )
    if _is_disk(error, code, _FULL, _SQLITE_FULL, "No space left on device"):
        return ConfigurationError(
            f"the disk is full ({text}). Nothing is lost: records whose acknowledgement could not "
            "be written are sent once more. Free some space and run the command again."
        )
    if _is_disk(error, code, _READ_ONLY, _SQLITE_READ_ONLY, "IO Error"):
        return ConfigurationError(
            f"a file can't be opened or written ({text}). Check the owner of "
            f"{loaded.data_folder(name)}, whether it is a folder, and whether its disk is "
            "writable and has space."
        )
    return _defect(loaded, name, clock, error)


def _is_disk(
    error: Exception,
    code: int | None,
    numbers: tuple[int, ...],
    codes: tuple[int, ...],
    *words: str,
) -> bool:
    if code is not None:
        return code & 0xFF in codes
    if isinstance(error, OSError):
        return error.errno in numbers
    return isinstance(error, duckdb.Error) and any(word in str(error) for word in words)


def log_file(loaded: LoadedProject, name: str) -> Path:
    """Return the log file for tracebacks of defects."""
    try:
        return loaded.data_folder(name).parent / LOG
    except HeadraceError:  # the folder's name contains the API's address, which is not set
        return loaded.folder / LOG


def _defect(loaded: LoadedProject, name: str, clock: Clock, error: Exception) -> Defect:
    file = log_file(loaded, name)
    said = " ".join(str(error).split())[:300]
    kind = type(error).__name__
    where = f"its traceback is in {file}"
    try:
        _append(file, f"{format_instant(clock.now())} {name}\n" + _trace(error))
    except OSError as trouble:
        where = f"its traceback can't be written to {file}: {trouble.strerror}"
    return Defect(f"a defect of headrace, {kind}{f': {said}' if said else ''}; {where}")


def _trace(error: Exception) -> str:
    return "".join(traceback.format_exception(error)) + "\n"


def _append(file: Path, text: str) -> None:
    """Append to a file that only its owner can read, because a traceback may show a record."""
    file.parent.mkdir(parents=True, exist_ok=True)
    if file.exists() and file.stat().st_size > _LOG_MAX:
        file.replace(file.with_suffix(".log.1"))
    handle = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    with os.fdopen(handle, "a", encoding="utf-8", errors="backslashreplace") as log:
        log.write(text)
