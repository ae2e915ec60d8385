"""The threads of a process with many organisations, of which some may never return.

A database that hangs, a tap that waits or a network drive that is gone holds a thread for as long
as it likes, and a thread can't be ended from outside. Its round keeps the organisation, and leaves
its place among those at work and its thread to others: two such sources would stop all other
organisations of a process on two cores.
"""

from __future__ import annotations

import asyncio
import os
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import ParamSpec, TypeVar

from msgspec import Struct

from headrace.model.clock import Clock

P = ParamSpec("P")
T = TypeVar("T")

BLOCKED_S = 30.0
"""Seconds after which a thread that hardly used the processor counts as blocked."""
_IDLE = 0.05
"""Share of the time; one that reads millions of rows uses far more."""
_MOST = 32
"""Blocked threads that are replaced: each may have an engine in memory."""
_THREADS = min(32, (os.cpu_count() or 1) + 4)
"""Python's default."""


class _Work(Struct, frozen=True):
    """What a thread is at work on: its beginning, on the clock and in the thread's own time."""

    began: float
    used: float
    own_clock: int | None


class Threads(ThreadPoolExecutor):
    """As many threads as usual, and one more for each that is blocked."""

    def __init__(self, clock: Clock) -> None:
        super().__init__(_THREADS, "round")
        self._clock = clock
        self._replaced = 0
        self._at_work: dict[int, _Work] = {}

    def submit(self, fn: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        """Run a call on a thread, and note when it began there."""

        def watched() -> T:
            number = threading.get_ident()
            own = time.pthread_getcpuclockid(number) if _HAS_OWN_CLOCKS else None
            self._at_work[number] = _Work(self._clock.monotonic(), time.thread_time(), own)
            try:
                return fn(*args, **kwargs)
            finally:
                del self._at_work[number]

        return super().submit(watched)

    def blocked(self) -> int:
        """Return how many threads are blocked, up to a limit, and replace them.

        There are never fewer threads again: one that returns after all is one more.
        """
        now = self._clock.monotonic()
        count = min(_MOST, sum(_is_blocked(work, now) for work in list(self._at_work.values())))
        for _ in range(self._replaced, count):
            self._max_workers += 1
            super().submit(_nothing)  # lets what waits have the new thread
        self._replaced = max(self._replaced, count)
        return count


_HAS_OWN_CLOCKS = hasattr(time, "pthread_getcpuclockid")
"""Not on macOS, where every thread that takes long counts as blocked."""


def _is_blocked(work: _Work, now: float) -> bool:
    seconds = now - work.began
    if seconds < BLOCKED_S:
        return False
    if work.own_clock is None:
        return True
    return time.clock_gettime(work.own_clock) - work.used < _IDLE * seconds


def _nothing() -> None:
    pass


def use_threads(clock: Clock) -> Threads:
    """Let the running event loop use such threads from now on."""
    threads = Threads(clock)
    asyncio.get_running_loop().set_default_executor(threads)
    return threads
