"""Steps of a round, moments that many wait for, and what an error carries."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import copy_context

import pytest

from headrace.model.clock import until_next
from headrace.model.errors import ApprovalNeeded
from headrace.model.steps import record_steps, step
from virtual_time import VirtualClock


class Recorded:
    """A recorder that keeps the names of steps."""

    def __init__(self) -> None:
        self.names: list[str] = []

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        self.names.append(name)
        yield
        self.names.append(f"end of {name}")


def test_steps_are_recorded_by_the_recorder_of_the_task() -> None:
    recorder = Recorded()

    def task() -> None:
        with step("plan"):
            pass
        record_steps(recorder)
        with step("stage"):
            recorder.names.append("inside")
        record_steps(None)
        with step("models"):
            pass

    copy_context().run(task)
    assert recorder.names == ["stage", "inside", "end of stage"]


@pytest.mark.parametrize(("now", "left"), [(1_000.0, 5.0), (1_001.0, 4.0), (1_004.5, 0.5)])
def test_what_looks_around_does_so_at_the_same_moments(now: float, left: float) -> None:
    clock = VirtualClock()
    clock.seconds = now
    assert until_next(5.0, clock) == left


def test_a_plan_that_waits_for_a_person_says_which_and_why() -> None:
    error = ApprovalNeeded("It waits.", "p1", ["it deletes 3 invoices"])
    assert (str(error), error.id, error.clauses) == ("It waits.", "p1", ["it deletes 3 invoices"])
