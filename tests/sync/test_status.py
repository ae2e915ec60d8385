"""What a run tells others: while it goes on, and afterwards."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest
from desk import HubDesk
from shop import Shop

from headrace.sync.delivery.progress import Progress
from headrace.sync.delivery.scheduler import Delivery


def status(desk: HubDesk, *words: str) -> Any:
    done = desk.command("status", "--json", *words)
    assert done.returncode == 0, done.stderr
    return msgspec.json.decode(done.stdout)


@pytest.mark.parametrize("engine", ["sqlite", "postgres"])
def test_a_run_tells_how_far_it_is_and_later_what_it_sent(
    tmp_path: Path,
    new_desk: Callable[[Path], HubDesk],
    engine: str,
    request: pytest.FixtureRequest,
) -> None:
    shop = Shop(tmp_path / "shop", rate=8)
    for name in ("A", "B"):
        shop.customer(name)
        for number in range(4):
            shop.invoice(f"{name}{number}", name, 100)
    shop.contact("B", "not an address")
    desk = new_desk(shop.folder)
    if engine == "postgres":
        toml = shop.folder / "headrace.toml"
        toml.write_text('journal = "env:JOURNAL_URL"\n' + toml.read_text("utf-8"), "utf-8")
        desk.environment["JOURNAL_URL"] = request.getfixturevalue("postgres_database")
    during: list[Any] = []
    said: list[str] = []

    async def look_and_interrupt(progress: Progress, delivery: Delivery) -> None:
        while progress.settled < 8:
            await asyncio.sleep(0.02)
        await asyncio.sleep(1.1)  # what it says is at most a second old, or nothing moves
        during.extend(status(desk))
        said.append((await asyncio.to_thread(desk.command, "status")).stdout)
        delivery.interrupt()

    tasks: list[asyncio.Task[None]] = []

    async def deliver() -> None:
        with desk.open() as organisation:
            await organisation.prepare()
            plan = organisation.plan()

            def watch(progress: Progress, delivery: Delivery) -> None:
                tasks.append(asyncio.create_task(look_and_interrupt(progress, delivery)))

            await organisation.apply(plan, "apply", watch)
            await tasks[0]

    asyncio.run(deliver())
    (report,) = during
    state = report["state"]
    assert (report["runs"][0]["sent"], state["done"], state["left"]) == (8, 8, 2)
    assert (state["rate"], state["per_minute"], state["open_left"]) == (8, 8, 2)
    assert 0 < state["complete_in"] <= 61 and state["open_complete_in"] > 0
    assert "of what is allowed), open items complete at" in said[0]
    assert "all complete at" in said[0]

    (run,) = status(desk)[0]["runs"]
    assert (run["outcome"], run["sent"], run["planned"]) == ("interrupted", 8, 10)
    whole = status(desk, "--run", str(run["id"]))
    assert whole["run"] == run and whole["state"] is None
    assert {(one["entity"], one["action"], one["count"]) for one in whole["counts"]} >= {
        ("customer", "create", 2)
    }
    assert len(whole["records"]) == 8
    assert {one["entity"] for one in whole["records"]} == {"customer", "invoice"}
    assert all(one["customer_name"].startswith("Customer ") for one in whole["records"])
    text = desk.command("status", "--run", "1").stdout
    assert "2 customers: create" in text and "interrupted, by `headrace apply`" in text
    missing = desk.command("status", "--run", "7")
    assert missing.returncode == 6 and "shop has no run 7" in missing.stderr
    shop.close()


def test_what_a_run_was_refused_stays_known_when_it_is_mended(
    tmp_path: Path, new_desk: Callable[[Path], HubDesk]
) -> None:
    shop = Shop(tmp_path / "shop")
    shop.customer("A")
    shop.invoice("I", "A", 100)
    desk = new_desk(shop.folder)
    shop.run("update customers set name = ?", "x" * 10_001)
    desk.apply()
    shop.run("update customers set name = 'A'")
    desk.apply()
    first = status(desk, "--run", "1")
    assert (first["run"]["sent"], first["run"]["rejected"], first["counts"]) == (0, 1, [])
    (refused,) = first["records"]
    assert (refused["external_id"], refused["action"]) == ("A", "create")
    assert refused["refused"].startswith("name: ")
    assert "customer A refused: name: " in desk.command("status", "--run", "1").stdout
    assert status(desk, "--run", "2")["run"]["sent"] == 2
    shop.close()


def test_an_organisation_with_withheld_records_is_not_in_step(
    tmp_path: Path, new_desk: Callable[[Path], HubDesk]
) -> None:
    shop = Shop(tmp_path / "shop")
    shop.customer("A")
    shop.invoice("A1", "A", 100)
    shop.run("update invoices set currency = 'XXQ'")
    desk = new_desk(shop.folder)
    for withheld, state in ((1, "behind"), (0, "in step")):
        desk.command("apply")
        (report,) = status(desk)
        assert (report["standing"]["state"], report["standing"]["withheld"]) == (state, withheld)
        text = desk.command("status").stdout
        assert text.startswith(f"shop: {state}\n")
        assert ("1 withheld" in text) is bool(withheld)
        shop.run("update invoices set currency = 'EUR'")
