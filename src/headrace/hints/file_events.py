"""File events of all organisations by one watcher: a system allows only so many watchers."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from headrace.model.lazy import lazily

if TYPE_CHECKING:
    import watchfiles
else:
    watchfiles = lazily("watchfiles")

Listener = Callable[[], None]
_DEBOUNCE_MS = 50
_STEP_MS = 10
_WAKE_MS = 60_000


class FileEvents:
    """Calls listeners when something changes in their folders, not in subfolders."""

    def __init__(self) -> None:
        self._listeners: dict[Path, list[Listener]] = defaultdict(list)
        self._regroup = asyncio.Event()

    @contextmanager
    def listening(self, folder: Path, listener: Listener) -> Iterator[None]:
        """Call `listener` for each change in the folder, for the length of a `with`.

        It is also called once the folder is watched, because changes before that were missed, and
        with the first change anywhere after the set of folders changed, for the same reason.
        """
        real = folder.resolve()
        self._listeners[real].append(listener)
        self._regroup.set()
        try:
            yield
        finally:
            self._listeners[real].remove(listener)
            if not self._listeners[real]:
                del self._listeners[real]
                self._regroup.set()

    async def run(self) -> None:
        """Watch until cancelled."""
        watched: set[Path] = set()
        while True:
            self._regroup.clear()
            folders = [folder for folder in self._listeners if folder.is_dir()]
            if folders:
                # Watching begins before the loop gets to this.
                new = [folder for folder in folders if folder not in watched]
                asyncio.get_running_loop().call_soon(self._call, new)
                await self._watch(folders)
            else:
                await self._regroup.wait()
            watched = set(folders)

    async def _watch(self, folders: list[Path]) -> None:
        """Watch these folders until the set of folders changes."""
        first = True
        async for changes in watchfiles.awatch(
            *folders,
            watch_filter=None,
            debounce=_DEBOUNCE_MS,
            step=_STEP_MS,
            stop_event=self._regroup,
            rust_timeout=_WAKE_MS,
            yield_on_timeout=False,
            recursive=False,
            ignore_permission_denied=True,
        ):
            touched = {Path(path).parent for _, path in changes} | {
                Path(path) for _, path in changes
            }
            self._call(touched if not first else {*touched, *folders})
            first = False

    def _call(self, folders: Iterable[Path]) -> None:
        for folder in folders:
            for listener in list(self._listeners.get(folder, ())):
                listener()
