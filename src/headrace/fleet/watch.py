"""The project file while a loop runs: read anew when it changes, the last good one until then."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from headrace.fleet.project import FILE_NAME, LoadedProject, load_project
from headrace.model.errors import ConfigurationError


class WatchedProject:
    """Calls `complain` once for each edit that can't be used."""

    def __init__(self, path: Path, complain: Callable[[str], None]) -> None:
        """Reads the file. ConfigurationError."""
        self._file = path / FILE_NAME if path.is_dir() else path
        self._complain = complain
        self._seen = self._state()
        self.project: LoadedProject = load_project(path)

    def look(self) -> LoadedProject:
        """The project as the file says now, or as it said last when it can't be used."""
        state = self._state()
        if state != self._seen:
            self._seen = state
            try:
                self.project = load_project(self._file)
            except ConfigurationError as error:
                self._complain(f"{error} Until that is mended, the last good one holds.")
        return self.project

    def _state(self) -> tuple[int, ...]:
        """An editor may replace the file, and may do so twice in one tick of its clock."""
        try:
            state = self._file.stat()
        except OSError:
            return ()
        return state.st_ino, state.st_size, state.st_mtime_ns, state.st_ctime_ns
