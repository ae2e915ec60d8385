"""How a command gets an organisation that `headrace run` keeps open between rounds.

While the loop keeps an idle book open, its data folder has the file `idle`. A command that finds
the organisation busy then leaves the file `wanted` and waits; the loop closes the book when it sees
it. While a round is at work there is no `idle`, and the command says at once that it is busy.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

_IDLE, _WANTED = "idle", "wanted"
_STEP_S = 0.05
_STEPS = 100
_STALE_S = 10.0
"""Age in seconds after which a request is forgotten: its command was killed."""


class Asking:
    """A command's request for one organisation."""

    def __init__(self, data: Path) -> None:
        self._data = data
        self._left = _STEPS
        self.asked = False

    def again(self) -> bool:
        """Ask for the organisation and wait a moment; returns False when it is no use."""
        idle = (self._data / _IDLE).exists()
        if self._left == 0 or not (idle or self.asked):
            return False
        with suppress(OSError):
            (self._data / _WANTED).touch(mode=0o600)
        self._left -= 1
        self.asked = True
        threading.Event().wait(_STEP_S)
        return True


@contextmanager
def asking_for(data: Path) -> Iterator[Asking]:
    """Ask for the organisation with this data folder for the length of a `with`."""
    asking = Asking(data)
    try:
        yield asking
    finally:
        if asking.asked:
            (data / _WANTED).unlink(missing_ok=True)


def show_idle(data: Path, idle: bool) -> None:
    """Say whether the organisation is open without being at work."""
    with suppress(OSError):
        if idle:
            (data / _IDLE).touch(mode=0o600)
        else:
            (data / _IDLE).unlink(missing_ok=True)


def is_wanted(data: Path, now: float) -> bool:
    """Whether a command waits for the organisation; `now` is in seconds since 1970."""
    try:
        return now - (data / _WANTED).stat().st_mtime < _STALE_S
    except OSError:
        return False
