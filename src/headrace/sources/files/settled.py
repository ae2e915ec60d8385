"""Keeps a file that is still being written from being read."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from headrace.model.clock import SYSTEM_CLOCK, Clock
from headrace.model.errors import SourceError
from headrace.sources.files.places import FilePlace

STILL_S = 1.0
"""A file whose size and time stand still for so long is complete."""
_PATIENCE_S = 30.0

Wait = Callable[[float], object]


def wait_until_still(
    place: FilePlace,
    names: Sequence[str],
    still: float = STILL_S,
    clock: Clock = SYSTEM_CLOCK,
    wait: Wait | None = None,
) -> None:
    """Return when no file has changed for `still` seconds. Raises SourceError for one that keeps
    changing for half a minute."""
    wait = wait or threading.Event().wait
    end = clock.monotonic() + _PATIENCE_S
    while True:
        now = clock.now().timestamp()
        # A time in the future says nothing.
        fresh = [n for n in names if now - still < place.changed_at(n) <= now + still]
        if not fresh:
            return
        if clock.monotonic() > end:
            raise SourceError(
                f"{place.shown}/{fresh[0]} is still being written: it has changed for "
                f"{_PATIENCE_S:.0f} seconds. Write it under another name and rename it, or set "
                'done = "{file}.done" and write that file last.'
            )
        wait(still / 4)


@contextmanager
def unchanged(place: FilePlace, names: Sequence[str]) -> Iterator[None]:
    """Raise SourceError at the end of a `with` if one of the files has changed meanwhile."""
    before = {name: place.state(name) for name in names}
    yield
    for name, state in before.items():
        if place.state(name) != state:
            raise SourceError(f"{place.shown}/{name} was written while it was read: run it again.")


def check_done(place: FilePlace, names: Sequence[str], done: str) -> None:
    """Raise SourceError for a file whose mark of completeness is missing or older than it."""
    for name in names:
        mark = done.replace("{file}", name)
        if not place.exists(mark):
            raise SourceError(f"{place.shown}/{name} is not complete: there is no {mark} yet.")
        if place.changed_at(mark) < place.changed_at(name):
            raise SourceError(
                f"{place.shown}/{name} is not complete: it is younger than {mark}, which is "
                "written last."
            )
