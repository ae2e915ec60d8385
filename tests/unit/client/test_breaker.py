"""The breaker: failing records and a failing API are told apart."""

from __future__ import annotations

import pytest

from headrace.client.breaker import Breaker
from virtual_time import VirtualClock

LANES, PATIENCE, STEP, MOST = 3, 60.0, 20, 200


@pytest.fixture
def clock() -> VirtualClock:
    return VirtualClock()


@pytest.fixture
def breaker(clock: VirtualClock) -> Breaker:
    return Breaker(clock, LANES, PATIENCE)


def fail(breaker: Breaker, number: int, first: int = 0) -> None:
    for one in range(first, first + number):
        breaker.failed(one)


def test_nothing_is_in_doubt_before_anything_fails(breaker: Breaker) -> None:
    assert breaker.is_down is False
    assert not breaker.needs_probe
    assert not breaker.is_wide


def test_failures_of_as_many_records_as_lanes_ask_for_a_probe(breaker: Breaker) -> None:
    fail(breaker, LANES - 1)
    breaker.failed(0)
    assert (breaker.needs_probe, breaker.is_wide) == (False, False)
    breaker.failed(LANES)
    assert (breaker.needs_probe, breaker.is_wide) == (True, True)


def test_a_decision_about_any_record_ends_the_doubt(breaker: Breaker) -> None:
    fail(breaker, LANES)
    breaker.probe_failed()
    breaker.decided()
    assert (breaker.is_down, breaker.needs_probe, breaker.is_wide) == (False, False, False)
    fail(breaker, LANES - 1)
    assert not breaker.needs_probe


def test_an_answered_probe_lets_twenty_more_fail(breaker: Breaker) -> None:
    fail(breaker, LANES)
    breaker.probe_answered()
    assert (breaker.needs_probe, breaker.is_wide, breaker.is_down) == (False, True, False)
    fail(breaker, STEP - 1, first=LANES)
    assert not breaker.needs_probe
    breaker.failed(LANES + STEP)
    assert breaker.needs_probe


def test_a_decision_takes_back_the_twenty_more(breaker: Breaker) -> None:
    fail(breaker, LANES)
    breaker.probe_answered()
    breaker.decided()
    fail(breaker, LANES)
    assert breaker.needs_probe


def test_while_it_is_down_it_is_not_asked_again(breaker: Breaker) -> None:
    fail(breaker, LANES)
    breaker.probe_failed()
    assert breaker.is_down
    assert not breaker.needs_probe
    breaker.probe_answered()
    assert not breaker.is_down


def test_an_api_that_fails_two_hundred_records_is_down_though_it_answers(breaker: Breaker) -> None:
    fail(breaker, MOST - 1)
    breaker.probe_answered()
    assert not breaker.is_down
    assert breaker.patience_left == PATIENCE
    breaker.failed(MOST)
    breaker.probe_answered()
    assert breaker.is_down
    assert breaker.patience_left == 0


def test_patience_is_counted_from_the_first_failure(clock: VirtualClock, breaker: Breaker) -> None:
    assert breaker.patience_left == PATIENCE
    clock.seconds += 5
    breaker.failed(1)
    clock.seconds += 10
    breaker.failed(2)
    assert breaker.patience_left == PATIENCE - 10


def test_patience_begins_anew_with_an_answered_probe_and_with_a_decision(
    clock: VirtualClock, breaker: Breaker
) -> None:
    breaker.failed(1)
    clock.seconds += 10
    breaker.probe_answered()
    clock.seconds += 4
    assert breaker.patience_left == PATIENCE - 4
    breaker.decided()
    clock.seconds += 9
    assert breaker.patience_left == PATIENCE
    breaker.failed(1)
    clock.seconds += 3
    assert breaker.patience_left == PATIENCE - 3
