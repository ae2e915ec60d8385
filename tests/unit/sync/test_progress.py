"""The counters of a delivery, and the outcome that is read off them."""

from __future__ import annotations

from typing import Any

import pytest
from deliveries import plan

from headrace.client.pace import Pace
from headrace.sync.delivery.outcome import DeliveryOutcome, outcome_of
from headrace.sync.delivery.progress import Progress
from virtual_time import VirtualClock


def measured(requests: int, open_requests: int = 0, **more: Any) -> tuple[VirtualClock, Progress]:
    clock = VirtualClock()
    return clock, Progress(plan(requests, open_requests, **more), clock, Pace(600, 5, clock))


def test_progress_counts_what_needs_nothing_more() -> None:
    _, progress = measured(10)
    assert (progress.settled, progress.left, progress.note) == (0, 10, "")
    progress.done, progress.rejected, progress.held = 4, 2, 1
    assert (progress.settled, progress.left) == (7, 3)
    progress.done = 40
    assert progress.left == 0


def test_the_latency_is_the_mean_of_all_answers() -> None:
    _, progress = measured(10)
    assert progress.latency is None
    progress.answered(1.0)
    progress.answered(2.0)
    assert progress.latency == 1.5


def test_open_items_are_left_until_they_are_complete() -> None:
    _, progress = measured(10, 6)
    assert progress.open_left == 6
    progress.open_done = progress.done = 2
    assert progress.open_left == 4
    progress.rejected = 6
    assert progress.open_left == 2
    progress.open_complete_after = 3.0
    assert progress.open_left == 0
    _, progress = measured(10, 1)
    progress.open_done = 2
    assert progress.open_left == 0


def test_the_time_left_is_that_of_the_plan_less_what_has_passed() -> None:
    clock, progress = measured(1_200, 600)
    whole = plan(1_200, 600)
    assert progress.seconds_left == whole.seconds
    assert progress.open_seconds_left == whole.open_seconds
    clock.seconds += 10
    assert progress.elapsed == 10
    assert progress.seconds_left == whole.seconds  # nothing is done yet
    progress.done = 1_100
    assert progress.seconds_left == whole.seconds - 10
    progress.answered(0.4)
    slower = plan(1_200, 600, latency=0.4)
    assert progress.seconds_left == slower.seconds - 10


def test_the_last_few_requests_take_as_long_as_they_take() -> None:
    clock, progress = measured(1_200)
    progress.done = 1_195
    assert progress.seconds_left == pytest.approx(0.2)
    clock.seconds += 1_000
    assert 0 < progress.seconds_left <= 0.4
    progress.done = 1_194
    assert 0 < progress.seconds_left <= 1
    progress.done = 1_199
    assert progress.seconds_left == pytest.approx(0.04)
    progress.done = 1_200
    assert progress.seconds_left == 0


def test_the_state_for_other_commands_is_a_snapshot() -> None:
    clock, progress = measured(10, 6)
    progress.done, progress.rejected, progress.note = 3, 1, "slow"
    progress._pace.take()
    state = progress.state()
    assert (state.done, state.left, state.rejected, state.open_left) == (3, 6, 1, 6)
    assert (state.per_minute, state.rate, state.note) == (1, 600, "slow")
    assert state.noted_at == clock.now().timestamp()
    assert state.complete_in == progress.seconds_left
    assert state.open_complete_in == progress.open_seconds_left
    assert progress.in_last_minute == 1


def test_a_pause_of_the_api_is_shown() -> None:
    _, progress = measured(10)
    assert progress.paused_for == 0
    progress._pace.close_for(7)
    assert progress.paused_for == 7
    progress.done = 9
    assert progress.seconds_left == pytest.approx(7.04)
    for _ in range(5):
        progress._pace.take()
    progress._pace.close_for(0)
    assert progress.paused_for == pytest.approx(7)


def outcome(**more: Any) -> DeliveryOutcome:
    fields: dict[str, Any] = {
        "sent": 1,
        "rejected": 2,
        "held": 3,
        "drifted": 4,
        "left": 5,
        "retries": 6,
        "throttled": 7,
        "failed": ["a"],
        "seconds": 8.0,
        "open_complete_after": None,
        "interrupted": False,
        "sliced": True,
    }
    return DeliveryOutcome(**(fields | more))


def test_the_outcome_of_a_run_is_that_of_its_slices() -> None:
    later = outcome(
        sent=10,
        rejected=20,
        held=30,
        drifted=40,
        left=50,
        retries=60,
        throttled=70,
        seconds=80.0,
        failed=["b"],
        interrupted=True,
        sliced=False,
    )
    assert later.after(outcome()) == outcome(
        sent=11,
        rejected=22,
        held=30,
        drifted=44,
        left=50,
        retries=66,
        throttled=77,
        seconds=88.0,
        failed=["b"],
        interrupted=True,
        sliced=False,
    )


@pytest.mark.parametrize(
    ("earlier", "later", "whole"),
    [(None, None, None), (3.0, None, 3.0), (3.0, 1.0, 3.0), (None, 1.0, 9.0), (0.0, 1.0, 0.0)],
)
def test_open_items_are_complete_once(
    earlier: float | None, later: float | None, whole: float | None
) -> None:
    first, second = outcome(open_complete_after=earlier), outcome(open_complete_after=later)
    assert second.after(first).open_complete_after == whole


def test_the_outcome_is_read_off_the_progress() -> None:
    clock, progress = measured(10)
    progress.done, progress.rejected, progress.held, progress.drifted = 1, 2, 3, 4
    progress.retries, progress.throttled, progress.failed = 5, 6, ["a"]
    progress.open_complete_after = 7.0
    clock.seconds += 8
    assert outcome_of(progress, interrupted=True) == DeliveryOutcome(
        sent=1,
        rejected=2,
        held=3,
        drifted=4,
        left=4,
        retries=5,
        throttled=6,
        failed=["a"],
        seconds=8.0,
        open_complete_after=7.0,
        interrupted=True,
        sliced=False,
    )
    assert outcome_of(progress, interrupted=False, sliced=True).sliced
