"""The hub's limits, by moments that the test chooses."""

from __future__ import annotations

import pytest

from headrace.model.errors import ConfigurationError
from headrace.server.admission.limits import (
    OFF,
    UPFLOW,
    Gate,
    Limits,
    LocalGates,
    RateRefusal,
    limits_of,
    parse_limits,
)
from headrace.store.context import Organisation


def refused(gate: Gate, now: float) -> RateRefusal:
    with pytest.raises(RateRefusal) as caught:
        gate.enter(now)
    return caught.value


def headers(error: RateRefusal) -> dict[str, int]:
    return {name.decode(): int(value) for name, value in error.headers}


def test_limits_are_upflows_or_off_or_a_number_a_minute() -> None:
    assert parse_limits("upflow") == UPFLOW == Limits(600, 10)
    assert parse_limits("off") == OFF == Limits(None, None)
    assert parse_limits("1") == Limits(1, 10)
    for text in ("0", "-1", "1.5", "", "²"):
        with pytest.raises(ConfigurationError, match="--limits"):
            parse_limits(text)


def test_requests_are_counted_while_they_are_in_flight() -> None:
    gate = Gate(Limits(None, 2))
    assert gate.enter(0.0) == 1
    assert gate.enter(0.0) == 2
    error = refused(gate, 0.0)
    assert error.in_flight == 3
    assert headers(error) == {"retry-after": 1}
    assert str(error) == "More than 2 requests at a time: wait 1 second, then send it again."
    gate.leave()
    assert gate.in_flight == 1
    assert gate.enter(0.0) == 2


def test_the_window_is_exact_and_leaves_out_what_was_refused() -> None:
    gate = Gate(Limits(2, None))
    assert gate.enter(10.0) == 1
    gate.leave()
    assert gate.enter(20.0) == 1
    for now in (20.0, 40.0, 69.9):
        assert refused(gate, now).in_flight == 2
    assert gate.enter(70.0) == 2
    assert refused(gate, 79.9).in_flight == 3
    assert gate.enter(80.0) == 3


def test_a_refusal_for_the_rate_says_when_the_next_is_taken() -> None:
    gate = Gate(Limits(2, None))
    gate.enter(10.0)
    gate.enter(20.0)
    error = refused(gate, 47.5)
    assert headers(error) == {
        "retry-after": 23,
        "x-ratelimit-limit": 2,
        "x-ratelimit-remaining": 0,
        "x-ratelimit-reset": 23,
    }
    assert str(error) == (
        "More than 2 requests in 60 seconds: wait 23 seconds, then send it again."
    )
    soon = refused(gate, 69.5)
    assert (headers(soon)["retry-after"], headers(soon)["x-ratelimit-reset"]) == (1, 1)
    assert "wait 1 second, then" in str(soon)


def test_a_refusal_for_concurrency_says_what_is_left_of_the_rate() -> None:
    gate = Gate(Limits(5, 1))
    gate.enter(10.0)
    gate.leave()
    gate.enter(20.0)
    assert headers(refused(gate, 30.0)) == {
        "retry-after": 1,
        "x-ratelimit-limit": 5,
        "x-ratelimit-remaining": 3,
        "x-ratelimit-reset": 40,
    }
    assert headers(refused(gate, 90.0)) == {
        "retry-after": 1,
        "x-ratelimit-limit": 5,
        "x-ratelimit-remaining": 5,
        "x-ratelimit-reset": 0,
    }
    assert gate.in_flight == 1


def test_without_limits_nothing_is_kept_of_a_request() -> None:
    gate = Gate(OFF)
    assert [gate.enter(float(n)) for n in range(1_000)] == list(range(1, 1_001))
    assert not gate._arrivals


def test_each_organisation_has_a_gate_of_its_own() -> None:
    gates = LocalGates(Limits(2, 1))
    assert gates.enter(1, 0.0) == 1
    assert gates.enter(2, 0.0) == 1
    with pytest.raises(RateRefusal):
        gates.enter(1, 0.0)
    gates.leave(1)
    assert gates.enter(1, 0.0) == 1
    with pytest.raises(RateRefusal):
        gates.enter(2, 100.0)


def test_a_sandbox_may_have_limits_of_its_own() -> None:
    plain = Organisation(1, "acme", "EUR", "Europe/Paris", "s")
    own = Organisation(2, "box", "EUR", "Europe/Paris", "s", limits="60")
    assert limits_of(plain, UPFLOW) is UPFLOW
    assert limits_of(own, UPFLOW) == Limits(60, 10)


def test_what_was_counted_of_an_organisation_that_is_gone_is_dropped_once_it_is_idle() -> None:
    gates = LocalGates(Limits(2, None))
    gates.enter(1, 0.0)
    gates.enter(2, 0.0)
    gates.forget(1)
    assert gates.enter(1, 0.0) == 2, "it was under way"
    gates.leave(1)
    gates.leave(1)
    with pytest.raises(RateRefusal):
        gates.enter(1, 0.0)
    gates.forget(1)
    gates.forget(3)
    assert gates.enter(1, 0.0) == 1
    assert gates.enter(2, 0.0) == 2, "another one is not dropped with it"
