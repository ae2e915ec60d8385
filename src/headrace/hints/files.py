"""Files: SQLite and DuckDB databases and folders of exports, by file events.

An event only leads to a look at the files' states, because headrace's own reading causes events as
well. For SQLite the state includes the change counter in the file's header, which is what `pragma
data_version` shows, and the head of its write-ahead log. A pragma would need an open connection,
and an open connection keeps the writer from removing its log.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any

from headrace.hints.file_events import FileEvents
from headrace.hints.way import Hint, Subject
from headrace.model.clock import Clock
from headrace.sources.files.folder import folders_read

_LOOK_S = 5.0
"""Seconds between looks without an event: network drives have no events."""
_COUNTER = slice(24, 28)
_LOG_HEAD = 32


class FilesWay:
    """Events of the file system, and a look every few seconds."""

    name = "files"
    delay = "at once, on network drives within 5 s"

    def __init__(self, subject: Subject, clock: Clock, events: FileEvents) -> None:
        self._clock = clock
        self._events = events
        self._folders, self._state = _watched(subject)

    async def objection(self) -> str:
        missing = [folder for folder in self._folders if not folder.is_dir()]
        return f"there is no folder {missing[0]}" if missing else ""

    async def watch(self, hint: Hint) -> None:
        happened = asyncio.Event()
        with ExitStack() as stack:
            for folder in self._folders:
                stack.enter_context(self._events.listening(folder, happened.set))
            before: Any = None
            while True:
                happened.clear()
                now = await asyncio.to_thread(self._state)
                if now != before:
                    hint()
                before = now
                await self._wait(happened)

    async def _wait(self, happened: asyncio.Event) -> None:
        """Wait for an event, or until it is time for a look."""
        waiting = asyncio.ensure_future(happened.wait())
        resting = asyncio.ensure_future(self._clock.sleep(_LOOK_S))
        try:
            await asyncio.wait({waiting, resting}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            waiting.cancel()
            resting.cancel()


def _watched(subject: Subject) -> tuple[list[Path], Callable[[], Any]]:
    """Return the folders to watch, and what tells the state of their files."""
    source = subject.source
    if source.kind == "files":
        root = subject.folder.absolute() / source.path
        folders = list(dict.fromkeys(folders_read(root, source.tables.values())))
        return folders, lambda: [_folder_state(folder) for folder in folders]
    scheme, _, rest = source.url.partition("://")
    path = (subject.folder / rest.removeprefix("/")).absolute()
    if scheme == "sqlite":
        return [path.parent], lambda: _sqlite_state(path)
    return [path.parent], lambda: [_state(path), _state(Path(f"{path}.wal"))]


def _folder_state(folder: Path) -> list[Any]:
    with suppress(OSError):
        return sorted(
            (entry.name, *(_state(entry) or ())) for entry in folder.iterdir() if entry.is_file()
        )
    return []


def _sqlite_state(path: Path) -> list[Any]:
    log = Path(f"{path}-wal")
    state = _state(log)
    # Reading leaves an empty log behind, or removes it.
    written = state if state and state[1] else None
    return [
        _state(path),
        _bytes(path, _COUNTER.stop)[_COUNTER],
        _state(Path(f"{path}-journal")),
        written,
        _bytes(log, _LOG_HEAD) if written else b"",
    ]


def _state(path: Path) -> tuple[int, ...] | None:
    try:
        state = path.stat()
    except OSError:
        return None
    return state.st_ino, state.st_size, state.st_mtime_ns


def _bytes(path: Path, count: int) -> bytes:
    with suppress(OSError), path.open("rb") as file:
        return file.read(count)
    return b""
