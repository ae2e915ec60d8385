"""Waits for the next answer, the end of a pause or the end of a slice."""

from __future__ import annotations

import asyncio

from headrace.model.clock import Clock
from headrace.sync.delivery.progress import Progress
from headrace.sync.journal import Journal

_SAY_EVERY = 1.0


class Waiting:
    """Where a delivery waits. The journal is flushed before every pause."""

    def __init__(self, clock: Clock, journal: Journal, progress: Progress) -> None:
        self._clock = clock
        self._journal = journal
        self._progress = progress
        self._moved = asyncio.Event()
        self._said_at = -_SAY_EVERY
        self._ends_at: float | None = None

    def wake(self) -> None:
        """End the pause: there is an answer, or something else to act on."""
        self._moved.set()

    def end_after(self, seconds: float) -> None:
        """Limit all pauses to the end of the slice, so many seconds from now."""
        self._ends_at = self._clock.monotonic() + seconds

    @property
    def is_over(self) -> bool:
        """Whether the slice has ended."""
        return self._ends_at is not None and self._clock.monotonic() >= self._ends_at

    async def pause(self, seconds: float | None = None) -> bool:
        """Wait for `wake`, so many seconds, or the end of the slice. Returns whether it was
        woken."""
        self._moved.clear()
        limited = self._until_end(seconds)
        self._say(at_once=limited is not None and limited >= _SAY_EVERY)
        await self._journal.flushed()
        seconds = self._until_end(seconds)
        if seconds is None:
            await self._moved.wait()
            return True
        moved = asyncio.create_task(self._moved.wait())
        tasks = {moved, asyncio.ensure_future(self._clock.sleep(seconds))}
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in tasks:
            task.cancel()
        return self._moved.is_set()

    def _until_end(self, seconds: float | None) -> float | None:
        if self._ends_at is None:
            return seconds
        rest = max(0.0, self._ends_at - self._clock.monotonic())
        return rest if seconds is None else min(seconds, rest)

    def _say(self, *, at_once: bool) -> None:
        """Write the progress to the journal, at most once a second unless `at_once`."""
        if at_once or self._clock.monotonic() - self._said_at >= _SAY_EVERY:
            self._said_at = self._clock.monotonic()
            self._journal.note_state(self._progress.state())
