"""The pace of a delivery in virtual time: exact, whole, and as announced."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from random import Random

import msgspec
import pytest
from desk import most_in_a_window
from fake_api import Bench, FakeApi, Killed, SharedBook

from headrace.client.pace import WINDOW
from headrace.sync.delivery.progress import Progress
from headrace.sync.planning.plan import Plan
from headrace.testkit.billing import changes, generate, write_project
from virtual_time import VirtualClock

OpenBench = Callable[[Path], Bench]


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SharedBook]:
    folder = tmp_path_factory.mktemp("pace")
    database = folder / "billing.db"
    assert generate(database, records=1_900, seed=11).requests > 1_801
    with closing(SharedBook(write_project(folder / "project", database, rate=600))) as book:
        yield book


@pytest.fixture
def bench(shared: SharedBook, tmp_path: Path) -> Iterator[Bench]:
    with closing(shared.bench(tmp_path / "project")) as opened:
        yield opened


@pytest.mark.parametrize(
    ("latency", "in_flight", "share"),
    [
        pytest.param(0.05, 5, 0.99, marks=pytest.mark.soak),
        (0.3, 5, 0.99),
        pytest.param(0.8, 10, 0.98, marks=pytest.mark.soak),
    ],
)
def test_the_whole_rate_is_used_and_never_more_and_the_plan_says_when(
    bench: Bench, latency: float, in_flight: int, share: float
) -> None:
    api = FakeApi(bench.clock, latency)
    plan, progress = announced_in_time(bench, api, latency, in_flight)
    assert progress.done == plan.requests == len(api.arrivals)
    assert api.statuses == {200}
    assert api.most_in_flight == in_flight
    times = sorted(arrival.at for arrival in api.arrivals)
    assert most_in_a_window(times, WINDOW) == 600
    # The first of the nth window can't come before n windows after the very first.
    windows = (len(times) - 1) // 600
    assert windows >= 3
    used = windows * WINDOW / (times[windows * 600] - times[0])
    assert share <= used <= 1


@pytest.mark.soak
def test_the_plan_is_right_too_where_the_open_items_take_several_minutes(tmp_path: Path) -> None:
    generate(tmp_path / "billing.db", records=8_000, seed=3)
    bench = Bench(
        write_project(tmp_path / "project", tmp_path / "billing.db", rate=600), VirtualClock()
    )
    plan, _ = announced_in_time(bench, FakeApi(bench.clock, 0.3), 0.3, 5)
    assert plan.open_requests > 600
    bench.close()


def announced_in_time(
    bench: Bench, api: FakeApi, latency: float, in_flight: int
) -> tuple[Plan, Progress]:
    """Both moments that the plan announces come within a tenth of it."""
    plan = msgspec.structs.replace(bench.plan(), latency=latency, in_flight=in_flight)
    progress, _ = bench.deliver(api, plan, in_flight=in_flight)
    assert progress.open_complete_after == pytest.approx(plan.open_seconds, rel=0.1)
    assert progress.elapsed == pytest.approx(plan.seconds, rel=0.1)
    return plan, progress


@pytest.mark.soak
def test_a_backlog_goes_out_at_once(tmp_path: Path) -> None:
    database = tmp_path / "billing.db"
    generate(database, records=6_000, seed=4)
    bench = Bench(write_project(tmp_path / "project", database, rate=600), VirtualClock())
    plan = bench.plan()
    bench.deliver(FakeApi(bench.clock, 0.01), plan)
    for latency in (0.05, 0.3, 0.8):
        bench.clock.seconds += 2 * WINDOW
        changes(database, seed=int(latency * 100), count=620)
        plan = bench.plan()
        assert 500 < plan.requests <= 600
        api = FakeApi(bench.clock, latency)
        progress, _ = bench.deliver(api, plan)
        assert progress.done == plan.requests
        assert progress.elapsed <= 1.1 * plan.requests * latency / 5
    bench.close()


def test_a_restart_within_the_minute_still_counts_what_went_before(bench: Bench) -> None:
    api = FakeApi(bench.clock, 0.05)
    bench.interrupt_at = 450
    progress, _ = bench.deliver(api, bench.plan())
    assert 450 <= progress.done < 460
    bench.interrupt_at = 1_250  # later minutes are as those of any delivery
    bench.clock.seconds += 10
    bench.deliver(api, bench.plan())
    assert api.statuses == {200}
    assert most_in_a_window((arrival.at for arrival in api.arrivals), WINDOW) == 600


def test_after_a_kill_what_was_in_flight_counts_too(bench: Bench) -> None:
    api = FakeApi(bench.clock, 0.8)
    bench.kill_at = 300
    with pytest.raises(Killed):
        bench.deliver(api, bench.plan())
    told = sum(bench.organisation.journal.count().values())
    arrived = len(api.arrivals)
    assert 300 - 5 <= told < arrived <= told + 5
    bench.kill_at, bench.interrupt_at = None, 950
    bench.deliver(api, bench.plan(), in_flight=10)
    assert api.statuses == {200}
    assert most_in_a_window((arrival.at for arrival in api.arrivals), WINDOW) >= 595
    records = sum(bench.organisation.journal.count().values())
    assert len(api.arrivals) == records + arrived - told


def test_no_minute_and_no_customer_sees_too_much_however_often_it_is_ended(
    bench: Bench,
) -> None:
    """Most ends are kills, all within the first minute, so that what they had in flight adds up."""
    prove_the_limits(bench, ends=5, requests=(1, 60), latency=0.2)


@pytest.mark.soak
@pytest.mark.parametrize(("in_flight", "latency"), [(5, 0.2), (10, 0.6)])
def test_an_hour_with_restarts_keeps_the_limits(
    tmp_path: Path, in_flight: int, latency: float
) -> None:
    database = tmp_path / "billing.db"
    assert generate(database, records=37_000, seed=8).requests > 36_000
    bench = Bench(write_project(tmp_path / "project", database, rate=600), VirtualClock())
    started = bench.clock.seconds
    prove_the_limits(bench, ends=30, requests=(1, 1_100), latency=latency, in_flight=in_flight)
    assert bench.clock.seconds - started >= 3_600
    bench.close()


def prove_the_limits(
    bench: Bench, ends: int, requests: tuple[int, int], latency: float, in_flight: int = 5
) -> None:
    """Delivers everything, ended so many times after so many requests, one time in four gently."""
    random = Random(2026)
    api = FakeApi(bench.clock, latency)
    bench.set_in_flight(in_flight)
    kills = 0
    for _ in range(ends):
        end = len(api.arrivals) + random.randint(*requests)
        bench.interrupt_at, bench.kill_at = (end, None) if random.random() < 0.25 else (None, end)
        try:
            bench.deliver(api, bench.plan(), in_flight=in_flight)
        except Killed:
            kills += 1
        # A process takes longer to start than what was on its way takes to arrive.
        bench.clock.seconds += 1.5 * latency + random.random()
    bench.interrupt_at = bench.kill_at = None
    plan = bench.plan()
    assert plan.requests > 600
    progress, _ = bench.deliver(api, plan, in_flight=in_flight)
    assert progress.done == plan.requests
    assert kills > ends / 2
    most = most_in_a_window((arrival.at for arrival in api.arrivals), WINDOW)
    assert 590 <= most <= 600
    assert api.statuses == {200}
    assert (api.most_in_flight, api.most_of_one_customer) == (in_flight, 1)
    records = sum(bench.organisation.journal.count().values())
    assert records <= len(api.arrivals) <= records + kills * in_flight
