"""The slots of the pace, one rule at a time; `tests/sync/test_pace.py` runs whole deliveries."""

from __future__ import annotations

import asyncio

import pytest

from headrace.client.pace import WINDOW, Pace
from virtual_time import VirtualClock

MARGIN = 0.005


def test_a_slot_is_free_until_the_limit_is_sent() -> None:
    pace = Pace(2, 5, VirtualClock())
    assert (pace.wait(), pace.used()) == (0.0, 0)
    pace.take()
    assert (pace.wait(), pace.used()) == (0.0, 1)
    pace.take()
    assert pace.wait() is None
    assert (pace.in_flight, pace.used()) == (2, 2)


def test_no_more_are_in_flight_than_allowed() -> None:
    pace = Pace(10, 2, VirtualClock())
    pace.take()
    assert pace.wait() == 0.0
    pace.take()
    assert pace.wait() is None
    pace.release()
    assert pace.wait() == 0.0


def test_an_answer_holds_its_slot_for_a_window_and_a_margin() -> None:
    clock = VirtualClock()
    pace = Pace(1, 5, clock)
    pace.take()
    clock.seconds += 50
    pace.release()
    assert (pace.in_flight, pace.used()) == (0, 1)
    assert pace.wait() == pytest.approx(WINDOW + MARGIN, abs=1e-6)
    clock.seconds += WINDOW
    assert pace.wait() == pytest.approx(MARGIN, abs=1e-6)
    assert pace.used() == 1
    clock.seconds += 2 * MARGIN
    assert (pace.wait(), pace.used()) == (0.0, 0)


def test_the_oldest_answer_frees_the_first_slot() -> None:
    clock = VirtualClock()
    pace = Pace(2, 5, clock)
    for _ in range(2):
        pace.take()
        clock.seconds += 10
        pace.release()
    assert pace.wait() == pytest.approx(WINDOW + MARGIN - 10, abs=1e-6)
    clock.seconds += WINDOW - 9
    assert (pace.wait(), pace.used()) == (0.0, 1)


def test_an_answer_exactly_a_window_and_a_margin_old_no_longer_counts() -> None:
    clock = VirtualClock()
    now = clock.seconds
    clock.seconds = now - WINDOW - MARGIN
    pace = Pace(1, 5, clock)
    pace.take()
    pace.release()
    clock.seconds = now
    assert pace.wait() == 0.0


def test_nothing_is_paused_when_the_clock_has_just_begun() -> None:
    clock = VirtualClock()
    clock.seconds = 0.0
    assert Pace(1, 1, clock).wait() == 0.0


def test_what_an_earlier_process_received_still_counts() -> None:
    clock = VirtualClock()
    pace = Pace(3, 5, clock, recent=[10.0, 50.0, 60.0, 75.0])
    assert pace.used() == 2
    assert pace.wait() == 0.0
    pace.take()
    assert pace.wait() == pytest.approx(10 + MARGIN, abs=1e-6)
    clock.seconds += 11
    assert pace.used() == 2


def test_a_shorter_pause_never_shortens_a_longer_one() -> None:
    clock = VirtualClock()
    pace = Pace(10, 5, clock)
    pace.close_for(30)
    pace.close_for(5)
    assert pace.wait() == pytest.approx(30)
    pace.close_for(40)
    assert pace.wait() == pytest.approx(40)
    clock.seconds += 39
    assert pace.wait() == pytest.approx(1)
    clock.seconds += 1
    assert pace.wait() == 0.0


def test_a_pause_counts_even_while_everything_is_in_flight() -> None:
    pace = Pace(1, 1, VirtualClock())
    pace.take()
    pace.close_for(0)
    assert pace.wait() is None
    pace.close_for(3)
    assert pace.wait() == pytest.approx(3)


def _acquired_at(clock: VirtualClock, pace: Pace, *events: tuple[float, str]) -> float:
    """The moment at which one `acquire` ends, while these things happen after so many seconds."""
    began = clock.seconds

    async def run() -> float:
        acquiring = asyncio.ensure_future(pace.acquire())
        for after, event in events:
            await clock.sleep(began + after - clock.seconds)
            if event == "release":
                pace.release()
            else:
                pace.close_for(float(event))
        await acquiring
        return clock.seconds - began

    return clock.run(run())


def test_a_waiting_request_goes_as_soon_as_another_is_answered() -> None:
    clock = VirtualClock()
    pace = Pace(10, 1, clock)
    pace.take()
    assert _acquired_at(clock, pace, (7, "release")) == pytest.approx(7, abs=0.01)
    assert pace.in_flight == 1


def test_a_waiting_request_goes_when_the_window_has_passed() -> None:
    clock = VirtualClock()
    pace = Pace(1, 5, clock)
    pace.take()
    pace.release()
    assert _acquired_at(clock, pace) == pytest.approx(WINDOW + MARGIN, abs=0.01)
    assert pace.in_flight == 1


def test_a_waiting_request_heeds_a_pause_that_begins_meanwhile() -> None:
    clock = VirtualClock()
    pace = Pace(10, 1, clock)
    pace.take()
    assert _acquired_at(clock, pace, (3, "20"), (5, "release")) == pytest.approx(23, abs=0.01)


def test_one_answer_lets_one_of_two_waiting_requests_go() -> None:
    clock = VirtualClock()
    pace = Pace(10, 1, clock)
    pace.take()

    async def run() -> int:
        waiting = [asyncio.ensure_future(pace.acquire()) for _ in range(2)]
        await clock.sleep(1)
        pace.release()
        await clock.sleep(1)
        done = sum(one.done() for one in waiting)
        for one in waiting:
            one.cancel()
        return done

    assert clock.run(run()) == 1
    assert pace.in_flight == 1


def test_waiting_leaves_no_task_behind() -> None:
    clock = VirtualClock()
    pace = Pace(1, 5, clock)
    pace.take()
    pace.release()

    async def run() -> int:
        acquiring = asyncio.ensure_future(pace.acquire())
        await clock.sleep(1)
        acquiring.cancel()
        await asyncio.wait([acquiring])
        await clock.sleep(0)
        return len(asyncio.all_tasks())

    assert clock.run(run()) == 1
