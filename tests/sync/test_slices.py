"""A long import plans again between slices: what changes meanwhile goes ahead of history."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import msgspec
from desk import HubDesk, overlapping, prove_in_step
from shop import Shop


def test_a_change_is_delivered_within_a_slice_ahead_of_history(
    tmp_path: Path, new_desk: Callable[[Path], HubDesk]
) -> None:
    shop = Shop(tmp_path / "shop", more='slice = "1s"')
    shop.run("begin")
    for number in range(20):
        shop.customer(f"C{number}")
        for place in range(100):
            name = f"I{number}-{place}"
            shop.invoice(name, f"C{number}", 100)
            shop.payment(f"P{number}-{place}", f"C{number}", 100, {name: 100})
    shop.run("commit")
    desk = new_desk(shop.folder)
    running = desk.start("apply", "--json")
    while len(desk.writes()) < 200:
        time.sleep(0.01)
    # Whichever customer is there already: its name changes while the import runs.
    changed = next(one.external_id for one in desk.writes() if one.entity == "customer")
    shop.run("update customers set name = 'Changed' where external_id = ?", changed)
    done = running.communicated()
    assert done.returncode == 0, done.stdout + done.stderr
    (report,) = msgspec.json.decode(done.stdout)
    writes = desk.writes()
    assert report["outcome"]["sent"] == len(writes) == 4021
    assert overlapping(writes) == []
    seconds = [one.arrived for one in writes if one.external_id == changed]
    assert len(seconds) == 2
    behind = [one for one in writes if one.arrived > seconds[1]]
    assert len(behind) > 500
    with desk.open() as organisation:
        runs = organisation.journal.runs(100)
    assert [run.outcome for run in reversed(runs)] == [
        *["planned again"] * (len(runs) - 1),
        "done",
    ]
    prove_in_step(desk)
    shop.close()
