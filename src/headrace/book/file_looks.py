"""Looks at files by their names, in bounded time.

A network mount whose server is gone holds up for good whoever looks there. So the looks are made
on a thread that is left behind when it comes no further.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Mapping
from pathlib import Path

from msgspec import Struct

_PATIENCE_S = 5.0
"""For one look."""
_MOST_SILENT = 3
"""Folders that may keep silent; then all that was not looked at counts as silent."""


class Looks(Struct, frozen=True):
    """What was seen of files, by their locations."""

    states: dict[str, os.stat_result | None]
    """None for what is not there."""
    silent: set[str]
    """Where nothing answered."""


class _Walk:
    """One thread's way through the files."""

    def __init__(self, paths: Mapping[str, Path]) -> None:
        self._paths = paths
        self._ended = threading.Event()
        self._left = False
        self.at = ""
        self.states: dict[str, os.stat_result | None] = {}

    def came_through(self) -> bool:
        """False when one look took too long; it is then `at` that one, and is left behind."""
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
    """Looks at each path once; of a folder where one keeps silent, none but those seen before."""
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
