"""Named steps of a round, timed by whoever wants to know, such as metrics and traces.

The recorder belongs to the current task and to the threads that it starts, so organisations that
are synced at the same time have recorders of their own. Without one, a step costs nothing.
"""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from contextvars import ContextVar
from typing import Protocol


class Recorder(Protocol):
    """Records the steps of one round."""

    def step(self, name: str) -> AbstractContextManager[None]:
        """Record a step from here to the end of the block."""


_RECORDER: ContextVar[Recorder | None] = ContextVar("recorder", default=None)


def record_steps(recorder: Recorder | None) -> None:
    """Let `recorder` record the steps of the current task from now on."""
    _RECORDER.set(recorder)


def step(name: str) -> AbstractContextManager[None]:
    """Return a block that is recorded as a step: `stage`, `models`, `plan` or `request`."""
    recorder = _RECORDER.get()
    return recorder.step(name) if recorder is not None else nullcontext()
