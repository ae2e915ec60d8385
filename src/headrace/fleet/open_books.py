"""Organisations that stay open between the rounds of a loop, so that a round finds its book ready.

At most a given number is kept; the one that was used longest ago is closed first. A command that
wants a kept organisation gets it (see `giving_way.py`).
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from msgspec import Struct, field

from headrace.fleet.giving_way import is_wanted, show_idle
from headrace.fleet.project import LoadedProject
from headrace.model.clock import Clock
from headrace.model.errors import ConfigurationError
from headrace.sync.session import Organisation

_FILES = ("journal.db", "journal.db-wal", "cache.duckdb")


class _Kept(Struct):
    organisation: Organisation
    made_from: Any
    data: Path
    files: Any
    """States of its files after the last round, which others may have replaced since."""
    read: threading.Lock = field(default_factory=threading.Lock)
    """Held while a page reads the book."""


class OpenBooks:
    """The open organisations of one process. Its methods may be called on any thread."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._kept: dict[str, _Kept] = {}
        """By name, the one used longest ago first."""
        self._taken = 0
        """Number of organisations that are at work."""
        self._at_work: dict[str, Organisation] = {}
        self._lent: dict[str, _Kept] = {}
        """Organisations at work whose book does not change at the moment."""
        self._lock = threading.Lock()

    def take(self, loaded: LoadedProject, name: str) -> Organisation:
        """Return the organisation, kept or newly opened. Raises like `LoadedProject.open`.

        A kept one is closed instead of used if the settings, the keys or its files changed.
        """
        with self._lock:
            kept = self._kept.pop(name, None)
            self._taken += 1
            over = self._over(loaded.at_once)
        for one in over:
            _close(one)
        try:
            taken = self._usable(kept, loaded, name) or loaded.open(name, self._clock)
        except BaseException:
            self._taken -= 1
            raise
        self._at_work[name] = taken
        return taken

    @contextmanager
    def borrowed(self, name: str, seconds: float) -> Iterator[Organisation | None]:
        """Yield an organisation to read its book on cursors of its own; None if its book is closed
        or about to change. A round waits until the block ends; this waits for other readers, at
        most `seconds`."""
        kept = self._readable(name)
        if kept is None or not kept.read.acquire(timeout=seconds):
            yield None
            return
        try:
            yield kept.organisation if self._readable(name) is kept else None
        finally:
            kept.read.release()

    def _readable(self, name: str) -> _Kept | None:
        with self._lock:
            return self._kept.get(name) or self._lent.get(name)

    def lend(self, name: str) -> None:
        """Let pages read the book of an organisation at work, until `reclaim`."""
        if (organisation := self._at_work.get(name)) is not None:
            with self._lock:
                self._lent[name] = _Kept(organisation, None, organisation.data, None)

    def reclaim(self, name: str) -> None:
        """End what `lend` began; waits for a page that reads."""
        with self._lock:
            lent = self._lent.pop(name, None)
        if lent is not None:
            with lent.read:
                pass

    def _usable(self, kept: _Kept | None, loaded: LoadedProject, name: str) -> Organisation | None:
        if kept is None:
            return None
        with kept.read:  # a page that reads comes to its end
            pass
        is_same = False
        try:
            is_same = kept.made_from == _made_from(loaded, name) and kept.files == _states(
                kept.data
            )
        finally:
            # Also when the settings or keys can't be read: an open organisation that nobody has
            # would lock out all later rounds.
            if not is_same:
                _close(kept)
        if not is_same:
            return None
        show_idle(kept.data, False)
        return kept.organisation

    def _over(self, most: int) -> list[_Kept]:
        """Take out those that are too many if at most so many are open, at work or not."""
        number = min(len(self._kept), max(0, len(self._kept) + self._taken - most))
        return [self._kept.pop(name) for name in list(self._kept)[:number]]

    def give_back(self, organisation: Organisation) -> None:
        """Close an organisation whose round failed."""
        self._at_work.pop(organisation.name, None)
        with self._lock:
            self._taken -= 1
        organisation.close()

    def keep(self, loaded: LoadedProject, organisation: Organisation) -> None:
        """Keep an organisation after a round, as long as no more are open than `at_once` says.

        It is closed if its settings or keys can't be read any more; the next round reports it.
        """
        name = organisation.name
        data = loaded.data_folder(name)
        try:
            kept = _Kept(organisation, _made_from(loaded, name), data, None)
        except ConfigurationError:
            self.give_back(organisation)
            return
        self._at_work.pop(name, None)
        with self._lock:
            self._taken -= 1
            self._kept[name] = kept
            over = self._over(loaded.at_once)
        for one in over:
            _close(one)
        if kept not in over:
            show_idle(data, True)

    def settle(self, name: str) -> None:
        """Note the states of an organisation's files, after the last write of its round."""
        with self._lock:
            if name in self._kept:
                self._kept[name].files = _states(self._kept[name].data)

    def wanted(self) -> list[str]:
        """Return the kept organisations for which a command waits."""
        now = self._clock.now().timestamp()
        with self._lock:
            return [name for name, kept in self._kept.items() if is_wanted(kept.data, now)]

    def is_wanted(self, loaded: LoadedProject, name: str) -> bool:
        """Whether a command waits for the organisation."""
        return is_wanted(loaded.data_folder(name), self._clock.now().timestamp())

    def drop(self, name: str) -> None:
        """Close an organisation if it is kept."""
        with self._lock:
            kept = self._kept.pop(name, None)
        if kept is not None:
            _close(kept)

    def close(self) -> None:
        """Close all."""
        for name in list(self._kept):
            self.drop(name)

    @property
    def names(self) -> list[str]:
        """The organisations that are kept, the one used longest ago first."""
        return list(self._kept)


def _close(kept: _Kept) -> None:
    with kept.read:
        kept.organisation.close()
    show_idle(kept.data, False)


def _made_from(loaded: LoadedProject, name: str) -> Any:
    return loaded.folder, *loaded.resolved(name), str(loaded.journal_place(name))


def _states(data: Path) -> list[tuple[int, ...] | None]:
    return [_state(data / file) for file in _FILES]


def _state(path: Path) -> tuple[int, ...] | None:
    try:
        state = path.stat()
    except OSError:
        return None
    return state.st_ino, state.st_size, state.st_mtime_ns
