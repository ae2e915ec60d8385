"""The project file while a loop runs: read again when it changes."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from headrace.fleet.project import FILE_NAME, LoadedProject, load_project
from headrace.model.errors import ConfigurationError


class WatchedProject:
    """A project file that is read again when it changes; an invalid edit is reported once."""

    def __init__(self, path: Path, complain: Callable[[str], None]) -> None:
        """Read the file; `complain` gets the messages about invalid edits.

        Raises ConfigurationError if the file is invalid now.
        """
        self._file = path / FILE_NAME if path.is_dir() else path
        self._complain = complain
        self._seen = self._state()
        self.project: LoadedProject = load_project(path)

    def look(self) -> LoadedProject:
        """Return the project as in the file, or the last valid one if the file is invalid."""
        state = self._state()
        if state != self._seen:
            self._seen = state
            try:
                self.project = load_project(self._file)
            except ConfigurationError as error:
                self._complain(f"{error} Until it is corrected, the last valid version is used.")
        return self.project

    def _state(self) -> tuple[int, ...]:
        """Return a mark of the file's state.

        An editor may replace the file, and may do so twice within the resolution of its times, so
        inode and change time are included.
        """
        try:
            state = self._file.stat()
        except OSError:
            return ()
        return state.st_ino, state.st_size, state.st_mtime_ns, state.st_ctime_ns
