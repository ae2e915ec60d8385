"""Time that jumps: an event loop which never waits, and a clock that tells its time.

When nothing is ready the loop moves its own time to the next timer, so an hour of pacing costs what
its requests cost. VirtualClock is for code that waits by the loop alone: no sockets, no threads.
"""

from __future__ import annotations

import asyncio
import selectors
import time
from collections.abc import Awaitable, Callable, Coroutine
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

T = TypeVar("T")

_STEP = 1e-6
"""Even virtual code takes a moment: a wait below a float's precision would never end."""
_EPOCH = datetime(2026, 11, 20, tzinfo=UTC)


class VirtualClock:
    """A headrace.model.clock.Clock whose seconds pass only by `run`."""

    def __init__(self) -> None:
        self.seconds = 1_000.0

    def now(self) -> datetime:
        return _EPOCH + timedelta(seconds=self.seconds)

    def monotonic(self) -> float:
        return self.seconds

    def sleep(self, seconds: float) -> Awaitable[None]:
        return asyncio.sleep(seconds)

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """Runs `work` to its end, however long it takes by this clock."""
        with asyncio.Runner(loop_factory=lambda: _Loop(self, self._selector())) as runner:
            return runner.run(work)

    def _selector(self) -> selectors.SelectSelector:
        return _Selector(self)


class HastyClock(VirtualClock):
    """For code with sockets: time passes as it does while an answer is awaited, and jumps else.

    `busy` tells whether one is awaited; when nothing comes for `silence` real seconds all the same,
    time jumps to whatever ends the wait, such as the client's own patience.
    """

    def __init__(self, silence: float) -> None:
        super().__init__()
        self.silence = silence
        self.busy: Callable[[], bool] = lambda: False

    def _selector(self) -> selectors.SelectSelector:
        return _HastySelector(self)


class _Loop(asyncio.SelectorEventLoop):
    def __init__(self, clock: VirtualClock, selector: selectors.SelectSelector) -> None:
        super().__init__(selector)
        self._virtual = clock

    def time(self) -> float:
        return self._virtual.seconds


class _Selector(selectors.SelectSelector):
    def __init__(self, clock: VirtualClock) -> None:
        super().__init__()
        self._clock = clock

    def select(self, timeout: float | None = None) -> Any:
        if timeout is None:
            raise RuntimeError("nothing will ever happen: everything waits for something else")
        self._clock.seconds += max(_STEP, timeout)
        return super().select(0)


class _HastySelector(selectors.SelectSelector):
    def __init__(self, clock: HastyClock) -> None:
        super().__init__()
        self._clock = clock

    def select(self, timeout: float | None = None) -> Any:
        clock = self._clock
        whole = clock.silence if timeout is None else timeout
        real = min(whole, clock.silence if clock.busy() else 0.0)
        began = time.monotonic()
        events = super().select(real)
        clock.seconds += max(_STEP, time.monotonic() - began)
        if not events and timeout is not None and whole > real:
            clock.seconds += whole - real
        return events
