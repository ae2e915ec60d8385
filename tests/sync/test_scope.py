"""Parts of a plan, plans in files, and what happens to what left the source."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import msgspec
import pytest
from desk import HubDesk, apply_in_step, overlapping, sent
from pair import Pair
from rewound import Rewound, filled
from shop import Shop

from headrace.model.errors import StalePlan
from headrace.sync.planning.scope import Scope
from headrace.testkit.hub import RunningHub


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Shop]:
    with closing(Shop(tmp_path / "shop")) as shop:
        _fill(shop)
        yield shop


@pytest.fixture(scope="module")
def in_step(tmp_path_factory: pytest.TempPathFactory, open_hub: RunningHub) -> Rewound:
    return filled(tmp_path_factory.mktemp("scope"), open_hub, "scope", _fill)


@pytest.fixture
def arrived(in_step: Rewound, tmp_path: Path) -> Iterator[Pair]:
    """In step."""
    with in_step.pair(tmp_path / "arrived") as pair:
        yield pair


def _fill(shop: Shop) -> None:
    for name in ("P", "A", "B"):
        shop.customer(name, parent="P" if name == "A" else None)
    for name in ("A", "B"):
        shop.invoice(f"I{name}", name, 100)
        shop.payment(f"P{name}", name, 60, {f"I{name}": 60})


def test_only_some_entities(shop: Shop, new_desk: Callable[[Path], HubDesk]) -> None:
    desk = new_desk(shop.folder)
    done = desk.command("apply", "--only", "customers,payments")
    assert done.returncode == 4
    assert "2 payments" in done.stdout
    assert "its invoice IA is left out of this plan" in done.stdout
    assert set(sent(desk.writes())) == {("customer", name) for name in "PAB"}
    assert desk.command("apply", "--only", "invoices").returncode == 0
    assert "2 changes left out of this plan" in desk.command("plan", "--only", "invoices").stdout
    Pair(shop, desk).sync()


def test_one_customer_with_its_parent(shop: Shop, new_desk: Callable[[Path], HubDesk]) -> None:
    desk = new_desk(shop.folder)
    assert desk.command("apply", "--customer", "A").returncode == 0
    assert set(sent(desk.writes())) == {
        ("customer", "P"),
        ("customer", "A"),
        ("invoice", "IA"),
        ("payment", "PA"),
    }
    Pair(shop, desk).sync()


def test_an_entity_that_does_not_exist(shop: Shop, new_desk: Callable[[Path], HubDesk]) -> None:
    refused = new_desk(shop.folder).command("plan", "--only", "bills")
    assert refused.returncode == 6
    assert "bills must be one of customers, invoices, credit_notes" in refused.stderr


def test_a_customer_that_nobody_knows(arrived: Pair) -> None:
    shop, desk = arrived.shop, arrived.desk
    refused = desk.command("plan", "--customer", "NOBODY")
    assert refused.returncode == 6
    assert "There is no customer NOBODY. Use the external_id" in refused.stderr
    # One that has left the source can still be asked for.
    for table, name in (("payments", "PB"), ("invoices", "IB"), ("customers", "B")):
        shop.drop(table, name)
    assert "deleted customer B (Customer B)" in desk.command("plan", "--customer", "B").stdout


@pytest.mark.parametrize("limit", range(1, 7))
def test_the_first_requests_never_need_what_is_left(
    limit: int, shop: Shop, new_desk: Callable[[Path], HubDesk]
) -> None:
    # A parent that pays its child's invoice: what crosses lanes must not be cut apart.
    shop.payment("PP", "P", 40, {"IA": 40})
    desk = new_desk(shop.folder)
    with desk.open() as organisation:
        asyncio.run(organisation.prepare())
        plan = organisation.plan(Scope(limit=limit))
        outcome = asyncio.run(organisation.apply(plan, "apply"))
        assert (outcome.rejected, outcome.held, outcome.left) == (0, 0, 0)
        assert outcome.sent == plan.requests == len(desk.writes()) <= limit
        assert limit - len(desk.writes()) <= 1
        organisation.compare()
        rest = asyncio.run(organisation.apply(organisation.plan(), "apply"))
        assert (rest.sent, rest.rejected, rest.held) == (8 - outcome.sent, 0, 0)
        assert {record.status for record in desk.writes()} == {201}
        assert overlapping(desk.writes()) == []
        assert asyncio.run(organisation.remote.reconcile()).balanced


def test_a_command_sends_at_most_its_limit(shop: Shop, new_desk: Callable[[Path], HubDesk]) -> None:
    desk = new_desk(shop.folder)
    done = desk.command("apply", "--limit", "3", "--json")
    assert done.returncode == 0, done.stdout
    (report,) = msgspec.json.decode(done.stdout)
    assert report["outcome"]["sent"] == report["plan"]["requests"] == len(desk.writes()) == 3


def test_a_saved_plan_is_applied_as_it_was_seen_once_and_by_its_own_version(
    shop: Shop, new_desk: Callable[[Path], HubDesk], tmp_path: Path
) -> None:
    desk = new_desk(shop.folder)
    file = str(tmp_path / "monday.plan")
    assert desk.command("plan", "--customer", "B", "--out", file).returncode == 0
    assert desk.command("apply", file, "--limit", "1").returncode == 6
    assert desk.command("apply", file).returncode == 0
    assert set(sent(desk.writes())) == {("customer", "B"), ("invoice", "IB"), ("payment", "PB")}
    again = desk.command("apply", file)
    assert again.returncode == 7
    assert "since this plan was made" in again.stderr and "something else" in again.stderr
    assert desk.command("plan", "--out", file).returncode == 0
    shop.run("update invoices set gross_amount = 200 where external_id = 'IA'")
    moved = desk.command("apply", file)
    assert moved.returncode == 7 and "the source of shop has changed" in moved.stderr
    assert len(desk.writes()) == 3
    (tmp_path / "no.plan").write_text("{}")
    unreadable = desk.command("apply", str(tmp_path / "no.plan"))
    assert "is not a plan that headrace saved" in unreadable.stderr
    document = msgspec.json.decode(Path(file).read_bytes())
    Path(file).write_bytes(msgspec.json.encode(document | {"version": document["version"] + 1}))
    refused = desk.command("apply", file)
    assert refused.returncode == 6
    assert "was saved by another version of headrace" in refused.stderr
    assert len(desk.writes()) == 3


def test_only_the_plan_whose_operations_the_book_has_is_delivered(
    shop: Shop, new_desk: Callable[[Path], HubDesk]
) -> None:
    desk = new_desk(shop.folder)
    with desk.open() as organisation:
        asyncio.run(organisation.prepare())
        whole = organisation.plan()
        one = organisation.plan(Scope(limit=1))
        assert (whole.requests, one.requests) == (7, 1)
        with pytest.raises(StalePlan, match="a later plan of shop has replaced this one"):
            asyncio.run(organisation.apply(whole, "apply"))
        assert desk.writes() == []
        assert asyncio.run(organisation.apply(one, "apply")).sent == 1
    with desk.open() as organisation:
        asyncio.run(organisation.prepare())
        organisation.plan()
        with pytest.raises(StalePlan):
            asyncio.run(organisation.apply(one, "apply"))
    assert len(desk.writes()) == 1


def test_a_diff_reads_like_money(
    shop: Shop, new_desk: Callable[[Path], HubDesk], arrived: Pair
) -> None:
    desk = new_desk(shop.folder)
    first = desk.command("plan", "--diff").stdout
    assert "Customer B (Customer B)\n  new customer B\n      name: Customer B\n" in first
    assert (
        "  new payment PB\n      amount: EUR 0.60\n      settles invoice IB (No IB): EUR 0.60\n"
        in first
    )
    shop, desk = arrived.shop, arrived.desk
    shop.run("update invoices set gross_amount = 250000 where external_id = 'IA'")
    shop.run("update allocations set amount = 50 where from_external_id = 'PB'")
    second = desk.command("plan", "--diff").stdout
    assert (
        "  changed invoice IA (No IA, open +EUR 2,499.00)\n"
        "      gross amount: EUR 1.00 → EUR 2,500.00\n" in second
    )
    assert (
        "  changed payment PB (open +EUR 0.10)\n"
        "      settles invoice IB (No IB): EUR 0.60 → EUR 0.50\n" in second
    )
    markdown = desk.command("plan", "--markdown").stdout
    assert "| invoices | - | 1 | - | update +EUR 2,499.00 |" in markdown
    assert "gross amount: EUR 1.00 → EUR 2,500.00" in markdown


@pytest.mark.parametrize("rule", ["delete", "report", "ignore"])
def test_what_left_the_source(rule: str, arrived: Pair) -> None:
    shop, desk = arrived.shop, arrived.desk
    with (shop.folder / "headrace.toml").open("a", encoding="utf-8") as settings:
        settings.write(f'on_delete = {{ payment = "{rule}" }}\n')
    shop.drop("payments", "PA")
    before = len(desk.writes())
    plan, _ = desk.apply()
    gone = [("payment", "PA")] if rule == "delete" else []
    assert list(sent(desk.writes(before))) == gone
    reported = [(one.entity, one.external_id) for one in plan.departed]
    assert reported == ([("payment", "PA")] if rule == "report" else [])
    # The customer goes when it is empty, and not before.
    shop.drop("invoices", "IA")
    shop.run("delete from customers where external_id = 'A'")
    before = len(desk.writes())
    plan, outcome = desk.apply()
    assert outcome.rejected == 0
    deleted = {("invoice", "IA")} | ({("customer", "A")} if rule == "delete" else set())
    assert set(sent(desk.writes(before))) == deleted
    if rule != "delete":
        assert [(one.external_id, one.reason) for one in plan.held] == [
            ("A", "left the source and still has 1 document at the API")
        ]


def test_synthetic_payments_always_go(tmp_path: Path, new_desk: Callable[[Path], HubDesk]) -> None:
    shop = Shop(tmp_path / "shop", more='on_delete = "ignore"')
    shop.customer("C")
    shop.invoice("I", "C", 100, paid="2026-05-06")
    desk = new_desk(shop.folder)
    desk.apply()
    shop.payment("P", "C", 100, {"I": 100})
    _, outcome, _ = apply_in_step(desk)
    assert (outcome.sent, outcome.rejected) == (2, 0)
    shop.close()
