"""What tells without reading it that a file is as it was."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

_SETTLED_S = 2.0
"""A file that was changed within so many seconds may change again and show the same time."""

_MOVING = re.compile(
    r"\b(now|random\w*|current_\w+|date|time|datetime|julianday|unixepoch|strftime|timediff"
    r"|changes|last_insert_rowid|load_extension|readfile)\b",
    re.IGNORECASE,
)


def files_mark(paths: Iterable[Path], now: float) -> str | None:
    """The state of files that are there or not; None when one was changed just now.

    A time of change is taken from the inode too, which no program sets: a copy that keeps its
    original's times shows.
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
    """Whether a query of SQLite may give other rows of the same tables: by the clock or by chance.

    Some that do not are taken for such ones.
    """
    return _MOVING.search(sql) is not None
