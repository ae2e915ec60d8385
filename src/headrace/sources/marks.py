"""Detects without reading a file that it has not changed."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

_SETTLED_S = 2.0
"""A file changed within this many seconds may change again and keep the same timestamp."""

_MOVING = re.compile(
    r"\b(now|random\w*|current_\w+|date|time|datetime|julianday|unixepoch|strftime|timediff"
    r"|changes|last_insert_rowid|load_extension|readfile)\b",
    re.IGNORECASE,
)


def files_mark(paths: Iterable[Path], now: float) -> str | None:
    """Return the state of files, existing or not; None when one was changed just now.

    Includes the inode's change time, which programs can't set: it reveals a copy that preserves the
    original's timestamps.
    """
    parts = []
    for path in paths:
        try:
            state = path.stat()
        except FileNotFoundError:
            continue
        except OSError:
            return None
        if max(state.st_mtime, state.st_ctime) > now - _SETTLED_S:
            return None
        numbers = (state.st_dev, state.st_ino, state.st_size, state.st_mtime_ns, state.st_ctime_ns)
        parts.append(f"{path} {numbers}")
    return "\n".join(parts)


def may_move(sql: str) -> bool:
    """Whether a SQLite query may return different rows from the same tables, through the clock or
    randomness.

    May return True for a query that can't.
    """
    return _MOVING.search(sql) is not None
