"""Distinguishes failures of a disk or folder from bugs."""

from __future__ import annotations

import errno
import sqlite3
import sys

_OF_THE_DISK = frozenset(
    {
        errno.EACCES, errno.EDQUOT, errno.EFBIG, errno.EIO, errno.EISDIR, errno.ELOOP,
        errno.ENAMETOOLONG, errno.ENOSPC, errno.ENOTDIR, errno.EEXIST, errno.EPERM, errno.EROFS,
        errno.EMFILE, errno.ENFILE,
    }
)  # fmt: skip
_OF_SQLITE = ("full", "readonly", "unable to open", "disk i/o")


def disk_trouble(error: Exception) -> str:
    """Return the message to show instead of a traceback; empty for any other error."""
    if isinstance(error, OSError) and error.errno in _OF_THE_DISK:
        where = f"{error.filename} can't be used" if error.filename else "a file can't be used"
        return f"{where}: {error.strerror}. Mend that and run it again."
    if isinstance(error, sqlite3.OperationalError) and any(
        part in str(error).lower() for part in _OF_SQLITE
    ):
        return f"a database can't be written: {error}. Mend that and run it again."
    engine = sys.modules.get("duckdb")
    if engine is not None and isinstance(error, engine.IOException):
        words = str(error).splitlines()[0].removeprefix("IO Error: ")
        return f"{words}. Mend that and run it again."
    return ""
