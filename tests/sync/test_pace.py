"""The pace of a delivery in virtual time: exact, whole, and as announced."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec
import pytest
from desk import most_in_a_window
from fake_api import Bench, FakeApi, Killed

from headrace.client.pace import WINDOW
from headrace.sync.plan import Plan
from headrace.sync.progress import Progress
from headrace.testkit.billing import changes, generate, write_project
from virtual_time import VirtualClock

OpenBench = Callable[[Path], Bench]


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("pace") / "billing.db"
    assert generate(path, records=3_300, seed=11).requests > 3_001
    return path


@pytest.fixture
def bench(tmp_path: Path, database: Path) -> Iterator[Bench]:
    opened = Bench(write_project(tmp_path / "project", database, rate=600), VirtualClock())
    yield opened
    opened.close()


@pytest.mark.parametrize(
    ("latency", "in_flight", "share"),
    [(0.05, 5, 0.99), (0.3, 5, 0.99), (0.8, 10, 0.98)],
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
    assert windows >= 5
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
    bench.interrupt_at = None
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
    assert 300 - 5 <= told < len(api.arrivals)
    bench.kill_at = None
    api.reset_in_flight()
    bench.deliver(api, bench.plan(), in_flight=10)
    assert api.statuses == {200}
    assert most_in_a_window((arrival.at for arrival in api.arrivals), WINDOW) >= 595
    assert len(api.arrivals) == sum(bench.organisation.journal.count().values()) + 300 - told
