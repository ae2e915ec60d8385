"""Translates exceptions of one organisation into sentences that say what to do.

An unexpected exception is a defect: its traceback goes to the project's log file, and the other
organisations go on.
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

from headrace.book.file import discard, is_damage
from headrace.fleet.project import LoadedProject
from headrace.model.clock import Clock, format_instant
from headrace.model.errors import Busy, ConfigurationError, Defect, HeadraceError

T = TypeVar("T")

LOG = "headrace.log"
"""In the project's data folder."""
_LOG_MAX = 1_000_000
"""Bytes; a log that has grown beyond is put aside once, for a defect may come in every round."""

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
    """Runs `work` for one organisation; its exceptions become a HeadraceError, except `passing`.

    If the book turns out to be damaged, it is made anew and the work repeated once.
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
        # A pipe that nobody reads is no trouble of the organisation's either.
        if isinstance(error, (HeadraceError, BrokenPipeError, *passing)):
            raise
        raise translated(loaded, name, clock, error) from error


def translated(loaded: LoadedProject, name: str, clock: Clock, error: Exception) -> HeadraceError:
    """Returns the error as one for the user; writes the traceback of a defect to the log."""
    if isinstance(error, HeadraceError):
        return error
    text = " ".join(str(error).split())
    if isinstance(error, MemoryError | duckdb.OutOfMemoryException):
        return ConfigurationError(
            "there is not enough memory or room to spill to"
            + (f" ({text})" if text else "")
            + ": nothing is lost, run it again with more, or with fewer organisations at_once."
        )
    code = getattr(error, "sqlite_errorcode", None)
    if code is not None and code & 0xFF in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
        return Busy(f"its journal is in use by another program ({text}): run it again later.")
    if _is_disk(error, code, _FULL, _SQLITE_FULL, "No space left on device"):
        return ConfigurationError(
            f"the disk is full ({text}): what the API acknowledged is noted as far as there was "
            "room, and sent once more otherwise; make room and run it again."
        )
    if _is_disk(error, code, _READ_ONLY, _SQLITE_READ_ONLY, "IO Error"):
        return ConfigurationError(
            f"a file can't be opened or written ({text}): check who owns "
            f"{loaded.data_folder(name)}, whether it is a folder, and whether its disk is "
            "writable and has room."
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
    """Where the tracebacks of defects go."""
    try:
        return loaded.data_folder(name).parent / LOG
    except HeadraceError:  # the address that is a part of it is not known
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
    """Only its owner reads it: a traceback may show a record."""
    file.parent.mkdir(parents=True, exist_ok=True)
    if file.exists() and file.stat().st_size > _LOG_MAX:
        file.replace(file.with_suffix(".log.1"))
    handle = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    with os.fdopen(handle, "a", encoding="utf-8", errors="backslashreplace") as log:
        log.write(text)
