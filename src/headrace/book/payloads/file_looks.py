"""Examines files by name in bounded time.

A network mount whose server is gone blocks every access for ever. The work is therefore done on a
thread that is abandoned when it gets stuck.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Mapping
from pathlib import Path

from msgspec import Struct

_PATIENCE_S = 5.0
"""Maximum time in seconds for one file."""
_MOST_SILENT = 3
"""Maximum number of unresponsive folders; after that, all remaining files count as unresponsive."""


class Looks(Struct, frozen=True):
    """The state of files, by location."""

    states: dict[str, os.stat_result | None]
    """None for a file that does not exist."""
    silent: set[str]
    """Locations that did not respond."""


class _Walk:
    """One thread's progress through the files."""

    def __init__(self, paths: Mapping[str, Path]) -> None:
        self._paths = paths
        self._ended = threading.Event()
        self._left = False
        self.at = ""
        self.states: dict[str, os.stat_result | None] = {}

    def came_through(self) -> bool:
        """Return False when one file took too long; `at` is then that file, and the thread is
        abandoned."""
        threading.Thread(target=self._run, daemon=True, name="look").start()
        seen = -1
        while not self._ended.wait(_PATIENCE_S):
            if len(self.states) == seen:
                self._left = True
                return False
            seen = len(self.states)
        return True

    def _run(self) -> None:
        for location, path in self._paths.items():
            self.at = location
            state = _state(path)
            if self._left:
                return
            self.states[location] = state
        self._ended.set()


def look_at(paths: Mapping[str, Path]) -> Looks:
    """Examine each path once; in an unresponsive folder, only those already examined."""
    looks = Looks({}, set())
    waiting = dict(paths)
    for _ in range(_MOST_SILENT):
        if not waiting:
            break
        walk = _Walk(dict(waiting))
        through = walk.came_through()
        looks.states.update(walk.states)
        waiting = {one: path for one, path in waiting.items() if one not in looks.states}
        if not through:
            folder = paths[walk.at].parent
            silent = {one for one, path in waiting.items() if path.is_relative_to(folder)}
            looks.silent.update(silent)
            waiting = {one: path for one, path in waiting.items() if one not in silent}
    looks.silent.update(waiting)
    return looks


def _state(path: Path) -> os.stat_result | None:
    try:
        return path.stat()
    except (OSError, ValueError):
        return None
