"""A long import plans again between slices: what changes meanwhile goes ahead of history."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest
from desk import HubDesk, overlapping, prove_in_step
from fake_api import Bench, FakeApi
from shop import Shop

from virtual_time import VirtualClock


def test_a_change_goes_ahead_of_what_is_left_of_history(tmp_path: Path) -> None:
    shop = Shop(tmp_path / "shop", rate=600)
    for number in range(10):
        shop.customer(f"C{number}")
        for place in range(100):
            shop.invoice(f"I{number}-{place}", f"C{number}", 100, paid="2026-06-01")
    bench = Bench(shop.folder, VirtualClock())
    bench.slice_seconds = 100.0
    started = bench.clock.seconds
    api = FakeApi(bench.clock, 0.2)
    progress, delivery = bench.deliver(api, bench.plan())
    assert delivery.sliced and progress.done == len(api.arrivals) == 1200
    assert bench.clock.seconds - started == pytest.approx(100, abs=1)
    shop.run("update customers set name = 'Changed' where external_id = 'C3'")
    bench.slice_seconds = None
    plan = bench.plan()
    progress, delivery = bench.deliver(api, plan)
    assert not delivery.sliced and progress.done == plan.requests == 2010 - 1200 + 1
    assert "C3" in {arrival.external_id for arrival in api.arrivals[1200:1205]}
    assert bench.plan().empty
    bench.close()
    shop.close()


@pytest.mark.soak
def test_a_change_is_delivered_within_a_slice_ahead_of_history(
    tmp_path: Path, new_desk: Callable[[Path], HubDesk]
) -> None:
    shop = Shop(tmp_path / "shop", more='slice = "1s"')
    shop.run("begin")
    for number in range(10):
        shop.customer(f"C{number}")
        for place in range(100):
            name = f"I{number}-{place}"
            shop.invoice(name, f"C{number}", 100)
            shop.payment(f"P{number}-{place}", f"C{number}", 100, {name: 100})
    shop.run("commit")
    desk = new_desk(shop.folder)
    running = desk.start("apply", "--json")
    while len(desk.writes()) < 100:
        time.sleep(0.01)
    # Whichever customer is there already: its name changes while the import runs.
    changed = next(one.external_id for one in desk.writes() if one.entity == "customer")
    shop.run("update customers set name = 'Changed' where external_id = ?", changed)
    done = running.communicated()
    assert done.returncode == 0, done.stdout + done.stderr
    (report,) = msgspec.json.decode(done.stdout)
    writes = desk.writes()
    assert report["outcome"]["sent"] == len(writes) == 2011
    assert overlapping(writes) == []
    seconds = [one.arrived for one in writes if one.external_id == changed]
    assert len(seconds) == 2
    behind = [one for one in writes if one.arrived > seconds[1]]
    assert len(behind) > 200
    with desk.open() as organisation:
        runs = organisation.journal.runs(100)
    assert [run.outcome for run in reversed(runs)] == [
        *["planned again"] * (len(runs) - 1),
        "done",
    ]
    prove_in_step(desk)
    shop.close()
