"""Shedding, against a simulated server of a known speed."""

from __future__ import annotations

import heapq
from collections import Counter
from random import Random

import pytest

from headrace.model.clock import SYSTEM_CLOCK, Clock
from headrace.server.admission.load import BOUND_S, Load


class _Clock:
    """Time as the simulation has it."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def monotonic(self) -> float:
        return self.seconds

    def __getattr__(self, name: str) -> object:
        return getattr(SYSTEM_CLOCK, name)


def _simulate(
    rate: float, arrivals: list[tuple[float, int]]
) -> tuple[dict[int, list[float]], Counter[int]]:
    """A server that answers `rate` requests a second in their order. Waits of the accepted and
    numbers of the refused, by organisation; arrivals are (time, organisation)."""
    clock = _Clock()
    load = Load(as_clock(clock))
    free_at = 0.0
    due: list[tuple[float, int]] = []
    waits: dict[int, list[float]] = {}
    refused: Counter[int] = Counter()
    for at, organisation in arrivals:
        while due and due[0][0] <= at:
            clock.seconds, done = heapq.heappop(due)
            load.leave(done)
        clock.seconds = at
        if not load.enter(organisation):
            refused[organisation] += 1
            continue
        free_at = max(free_at, at) + 1 / rate
        waits.setdefault(organisation, []).append(free_at - at)
        heapq.heappush(due, (free_at, organisation))
    return waits, refused


def as_clock(clock: _Clock) -> Clock:
    return clock  # type: ignore[return-value]


def _stream(random: Random, per_second: float, seconds: float, organisation: int, start: float):
    at = start
    while (at := at + random.expovariate(per_second)) < start + seconds:
        yield at, organisation


@pytest.mark.parametrize("rate", [200.0, 1_000.0, 5_000.0])
def test_three_times_the_capacity_waits_no_longer_than_the_bound(rate: float) -> None:
    random = Random(1)
    arrivals = list(_stream(random, 3 * rate, 20, 7, 0.0))
    waits, refused = _simulate(rate, arrivals)
    settled = sorted(waits[7][len(waits[7]) // 10 :])
    assert settled[int(len(settled) * 0.99)] < 3 * BOUND_S
    assert len(waits[7]) > 0.9 * rate * 20, "the server is never idle"
    assert refused[7] > 0.5 * len(arrivals)


def test_half_of_the_capacity_is_never_refused() -> None:
    arrivals = list(_stream(Random(2), 500, 30, 7, 0.0))
    assert _simulate(1_000, arrivals)[1] == Counter()


def test_nobody_is_refused_two_seconds_after_an_overload() -> None:
    random = Random(3)
    arrivals = list(_stream(random, 3_000, 10, 7, 0.0))
    calm = list(_stream(random, 300, 10, 8, 12.0))
    assert _simulate(1_000, arrivals + calm)[1][8] == 0


def test_a_quiet_organisation_is_served_beside_a_greedy_one() -> None:
    random = Random(4)
    arrivals = sorted([*_stream(random, 3_000, 20, 1, 0.0), *_stream(random, 10, 20, 2, 0.0)])
    _, refused = _simulate(1_000, arrivals)
    assert refused[1] > 20_000
    assert refused[2] < 10
