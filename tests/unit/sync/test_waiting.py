"""How long a delivery waits, and what it says meanwhile."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

import pytest
from deliveries import FakeJournal, plan

from headrace.client.pace import Pace
from headrace.sync.delivery.progress import Progress
from headrace.sync.delivery.waiting import Waiting
from virtual_time import VirtualClock


class Wait:
    """A delivery that waits, by a clock of its own."""

    def __init__(self) -> None:
        self.clock = VirtualClock()
        self.journal = FakeJournal()
        progress = Progress(plan(9, 9), self.clock, Pace(600, 5, self.clock))
        self.waiting = Waiting(self.clock, self.journal, progress)  # type: ignore[arg-type]

    async def pause(self, seconds: float | None = None, woken_after: float | None = None) -> Any:
        """Whether the pause was woken, and the seconds that it took."""
        if woken_after is not None:
            asyncio.get_running_loop().call_later(woken_after, self.waiting.wake)
        before = self.clock.monotonic()
        woken = await self.waiting.pause(seconds)
        return woken, pytest.approx(self.clock.monotonic() - before, abs=0.01)

    @property
    def states(self) -> int:
        """How often it said how far it is."""
        return len(self.journal.of("note_state"))


def waited(story: Callable[[Wait], Coroutine[Any, Any, None]]) -> Callable[[], None]:
    """The story as a test, in virtual time."""

    def test() -> None:
        wait = Wait()
        wait.clock.run(story(wait))

    return test


@waited
async def test_a_pause_ends_with_its_time_or_when_it_is_woken(wait: Wait) -> None:
    assert await wait.pause(5) == (False, 5)
    assert await wait.pause(5, woken_after=2) == (True, 2)
    assert await wait.pause(woken_after=7) == (True, 7)


@waited
async def test_no_pause_is_longer_than_the_slice(wait: Wait) -> None:
    assert not wait.waiting.is_over
    wait.waiting.end_after(3)
    assert await wait.pause(1) == (False, 1)
    assert not wait.waiting.is_over
    assert await wait.pause(5) == (False, 2)
    assert wait.waiting.is_over
    assert await wait.pause() == (False, 0)


@waited
async def test_progress_is_said_before_a_long_pause_and_else_once_a_second(wait: Wait) -> None:
    await wait.pause(0.1)
    assert wait.states == 1, "the first time at once"
    await wait.pause(0.5)
    await wait.pause(0.3)
    assert wait.states == 1
    await wait.pause(0.2)
    await wait.pause(0.1)
    assert wait.states == 2
    await wait.pause(1)
    assert wait.states == 3, "a long pause"
    await wait.pause(5)
    assert wait.states == 4
    await wait.pause(woken_after=0.1)
    await wait.pause(woken_after=0.1)
    assert wait.states == 5, "a pause without an end may be short"
