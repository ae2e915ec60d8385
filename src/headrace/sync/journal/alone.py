"""Lets one connection of this process have a SQLite file to itself for a moment.

A process loses all its locks on a file when any part of it closes the file. SQLite takes care of
that for the connections of one library, but a second library in the same process does not know of
them. While that one works, no other connection of the first may be open.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_WAIT_S = 2.0
"""Seconds to wait for the other connections, which are open for milliseconds; a page or an alert
that takes longer must not stop a sync."""
_TURN_S = 30.0

_changed = threading.Condition()
_open: Counter[Path] = Counter()
_alone: set[Path] = set()


def note_opened(path: Path) -> None:
    """Count a connection that is about to be opened; waits while another is alone."""
    with _changed:
        _changed.wait_for(lambda: path not in _alone, _TURN_S)
        _open[path] += 1


def note_closed(path: Path) -> None:
    """Count a connection that was closed."""
    with _changed:
        _open[path] -= 1
        if not _open[path]:
            del _open[path]
        _changed.notify_all()


@contextmanager
def alone_with(path: Path) -> Iterator[None]:
    """Wait until one of the connections that were counted is the only one, and let no other be
    opened until the end of the block."""
    with _changed:
        _changed.wait_for(lambda: _open[path] < 2 and path not in _alone, _WAIT_S)
        _alone.add(path)
    try:
        yield
    finally:
        with _changed:
            _alone.discard(path)
            _changed.notify_all()
