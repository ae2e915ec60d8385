"""A file by which others see that a process of `headrace run` is alive.

It has the process's last sign of life and is deleted at an orderly end. A file that stays behind
belongs to a process that was killed, or whose machine went down.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path

import msgspec
from msgspec import Struct

from headrace.alerts.stores import substitute_of
from headrace.fleet.project import LoadedProject

_PREFIX = "run-"
LIFE = 45.0
"""Seconds without a sign of life after which a process counts as dead."""


class Beat(Struct, frozen=True, kw_only=True):
    """The last sign of life of a process."""

    host: str
    process: int
    at: float
    """Seconds since 1970."""
    organisations: list[str]

    def is_dead(self, now: float) -> bool:
        """Whether the process has ended without a word."""
        if now - self.at > LIFE:
            return True
        if self.host != socket.gethostname():
            return False
        try:
            os.kill(self.process, 0)
        except ProcessLookupError:
            return True
        except PermissionError:
            return False
        return False


class Heartbeat:
    """Writes the file of this process. A file that can't be written is left out."""

    def __init__(self, loaded: LoadedProject) -> None:
        self._host = socket.gethostname()
        self._file = _folder(loaded) / f"{_PREFIX}{self._host}-{os.getpid()}.json"

    def beat(self, now: float, organisations: Sequence[str]) -> None:
        """Write a sign of life."""
        beat = Beat(host=self._host, process=os.getpid(), at=now, organisations=list(organisations))
        copy = self._file.with_suffix(".new")
        with suppress(OSError):
            self._file.parent.mkdir(parents=True, exist_ok=True)
            copy.write_bytes(msgspec.json.encode(beat))
            copy.replace(self._file)

    def end(self) -> None:
        """Delete the file at an orderly end."""
        with suppress(OSError):
            self._file.unlink()


def dead(loaded: LoadedProject, now: float) -> Iterator[tuple[Path, Beat]]:
    """Yield the processes that died, each with its file."""
    for file in sorted(_folder(loaded).glob(f"{_PREFIX}*.json")):
        try:
            beat = msgspec.json.decode(file.read_bytes(), type=Beat)
        except (OSError, msgspec.DecodeError, UnicodeDecodeError):
            continue
        if beat.is_dead(now):
            yield file, beat


def take_over(file: Path, beat: Beat, names: Sequence[str]) -> None:
    """Record that another process syncs these organisations of a process that died."""
    left = [name for name in beat.organisations if name not in names]
    with suppress(OSError):
        if left:
            beat = msgspec.structs.replace(beat, organisations=left)
            file.write_bytes(msgspec.json.encode(beat))
        else:
            file.unlink()


def _folder(loaded: LoadedProject) -> Path:
    first = next(iter(loaded.settings.organisation), "")
    return substitute_of(loaded, first).parent.parent if first else loaded.folder / ".alerts"
