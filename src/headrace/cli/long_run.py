"""The event loop and garbage collector of commands that run for long and keep much in memory."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Coroutine
from typing import Any, TypeVar

import uvloop

T = TypeVar("T")

_NEW = 50_000
"""Objects that are made, and not freed at once, between two collections of the young ones."""
_OLDER = 20


def run_long(work: Coroutine[Any, Any, T]) -> T:
    """Run the coroutine to its end, and return its result.

    Python's collector looks at the objects of this process less often. By default it does after
    every 700 new ones. A worker with 100 organisations keeps 50,000 operations in memory, all of
    them without cycles, and looking at them over and over took 40 % of its time. Cycles are still
    found, a few seconds of work later.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(_NEW, _OLDER, _OLDER)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(work)
