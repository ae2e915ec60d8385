"""Names beside ids: a person reads the customer, the number and the money, wherever ids stand."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import pytest
from desk import HubDesk, shown
from pair import Pair
from rewound import Rewound, filled
from shop import Shop

import headrace.sources.marks
from headrace.cli.show.diff import show_diff
from headrace.cli.show.markdown import plan_as_markdown
from headrace.cli.show.plans import show_plan
from headrace.sync.planning.plan import Plan
from headrace.testkit.hub import RunningHub


@pytest.fixture(scope="module")
def in_step(tmp_path_factory: pytest.TempPathFactory, open_hub: RunningHub) -> Rewound:
    return filled(tmp_path_factory.mktemp("names"), open_hub, "names", _fill)


@pytest.fixture
def arrived(in_step: Rewound, tmp_path: Path) -> Iterator[Pair]:
    with in_step.pair(tmp_path / "shop") as pair:
        yield pair


def _fill(shop: Shop) -> None:
    for name in ("A", "B", "C"):
        shop.customer(name)
        shop.invoice(f"I{name}", name, 10_000)
        shop.payment(f"P{name}", name, 6_000, {f"I{name}": 6_000})
    shop.run("update payments set ref_number = 'transfer of ' || external_id")
    shop.customer("D")
    shop.invoice("ID", "D", 500)
    for number in range(12):
        shop.invoice(f"N{number}", "D", 100)


class Planned(NamedTuple):
    """One plan as the commands show it."""

    text: str
    document: dict[str, Any]
    plan: Plan

    def money(self, currency: str) -> dict[tuple[str, str], int]:
        """By entity and action."""
        return {
            (one.entity, one.action): one.amount
            for one in self.plan.money
            if one.currency == currency
        }


@pytest.fixture(scope="module")
def planned(tmp_path_factory: pytest.TempPathFactory, open_hub: RunningHub) -> Planned:
    """What is deleted, what changes and what is new, each of customers of its own."""

    def fill(shop: Shop) -> None:
        _fill(shop)
        for name in ("E", "F", "G"):
            shop.customer(name)
            shop.invoice(f"I{name}", name, 10_000)
        shop.payment("PG", "G", 6_000, {"IG": 6_000})
        shop.customer("H")
        shop.invoice("I8", "H", 6_000)
        shop.payment("P8", "H", 6_000, {"I8": 6_000})
        shop.run("update invoices set currency = 'GBP' where external_id in ('ID', 'I8')")
        shop.run("update payments set currency = 'GBP' where external_id = 'P8'")

    changing = filled(tmp_path_factory.mktemp("changing"), open_hub, "changing", fill)
    with changing.pair(tmp_path_factory.mktemp("changed") / "shop") as pair:
        shop, desk = pair.shop, pair.desk
        shop.drop("payments", "PA")
        shop.drop("invoices", "IB")
        shop.drop("payments", "PB")
        shop.run("delete from customers where external_id = 'B'")
        shop.run("update invoices set gross_amount = 12050 where external_id = 'IE'")
        shop.run("update invoices set gross_amount = 9000 where external_id = 'IF'")
        shop.run("update invoices set name = 'corrected' where external_id = 'IG'")
        shop.run("update allocations set amount = 5500 where from_external_id = 'PG'")
        shop.run("update invoices set currency = 'USD' where external_id = 'ID'")
        shop.drop("invoices", "I8")
        shop.invoice("I9", "C", 6_000)
        shop.payment("P9", "C", 6_000, {"I9": 6_000})
        text = desk.command("plan", "--changes", "99").stdout
        (document,) = msgspec.json.decode(desk.command("plan", "--diff", "--json").stdout)
        return Planned(text, document, msgspec.convert(document, Plan))


def test_what_is_deleted_has_its_name_and_money_by_what_was_sent(planned: Planned) -> None:
    said = planned.text
    assert "deleted invoice IB (No IB, Customer B, EUR 100.00)" in said
    assert "deleted payment PA (transfer of PA, Customer A, EUR 60.00)" in said
    assert "deleted customer B (Customer B)" in said
    assert "delete EUR 100.00" in said and "delete EUR 120.00" in said
    money = planned.money("EUR")
    assert money["invoice", "delete"] == 10_000 and money["payment", "delete"] == 12_000
    assert ("customer", "delete") not in money
    names = {one["external_id"]: one["customer_name"] for one in planned.document["changes"]}
    assert names["PA"] == "Customer A" and names["IB"] == names["B"] == "Customer B"


def test_the_money_of_updates_is_by_how_much_what_is_open_changes(planned: Planned) -> None:
    money = planned.money("EUR")
    assert money["invoice", "update"] == 2_050 - 1_000 and money["payment", "update"] == 500
    said = planned.text
    assert "update +EUR 10.50" in said and "update +EUR 5.00" in said
    assert "changed invoice IE (No IE, Customer E, open +EUR 20.50)" in said
    assert "changed invoice IF (No IF, Customer F, open -EUR 10.00)" in said
    assert "changed invoice IG (No IG, Customer G)\n" in said


def test_a_link_names_the_number_of_what_it_settles_or_settled(planned: Planned) -> None:
    new = "settles invoice I9 (No I9): EUR 60.00\n"
    assert new in planned.text and new in shown(show_diff, planned.plan)
    assert "settles invoice I8 (No I8): GBP 60.00 → -\n" in planned.text


def test_a_currency_that_changes_takes_from_one_and_brings_to_the_other(planned: Planned) -> None:
    assert planned.money("GBP")["invoice", "update"] == -500
    assert planned.money("USD") == {("invoice", "update"): 500}


def test_without_kept_payloads_what_is_gone_is_named_by_its_id(
    tmp_path: Path, new_desk: Callable[[Path], HubDesk]
) -> None:
    shop = Shop(tmp_path / "shop", more="keep_payloads = false")
    shop.customer("A")
    shop.invoice("IA", "A", 100)
    shop.invoice("IB", "A", 100)
    desk = new_desk(shop.folder)
    desk.apply()
    shop.drop("invoices", "IA")
    shop.run("update invoices set gross_amount = 200 where external_id = 'IB'")
    plan = desk.plan(changes=None)
    assert plan.requests == 2 and plan.money == []
    assert "deleted invoice IA\n" in shown(show_plan, plan)
    shop.close()


def test_what_stays_behind_is_named_and_nothing_to_send_is_not_said_alone(
    arrived: Pair, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The file is old enough for rest at once: the plans after the apply are those of its rest.
    monkeypatch.setattr(headrace.sources.marks, "_SETTLED_S", 0.0)
    shop, desk = arrived.shop, arrived.desk
    assert "Nothing to send: the API has acknowledged everything." in desk.command("plan").stdout
    shop.invoice("I9", "A", 500)
    shop.run("update invoices set currency = 'ABC' where external_id = 'I9'")
    applied = desk.command("apply")
    assert applied.returncode == 3
    assert "Nothing was sent: 1 invoice stayed behind." in applied.stdout
    for words in (("plan",), ("plan", "--markdown")):
        said = desk.command(*words).stdout
        assert "Nothing to send now: 1 invoice stays behind, see below." in said
        assert "told everything" not in said
        assert "invoice I9 (No I9, Customer A, ABC 5.00): " in said
    assert "nothing to send now, 1 staying behind" in desk.command("run", "--once").stdout


def test_links_and_records_held_are_counted_together(arrived: Pair) -> None:
    shop, desk = arrived.shop, arrived.desk
    shop.customer("X")
    shop.run("update customers set name = ? where external_id = 'X'", "x" * 10_001)
    shop.invoice("IX", "X", 10_000)
    shop.payment("PX", "X", 6_000, {"IX": 6_000})
    assert desk.command("apply").returncode == 4
    (document,) = msgspec.json.decode(desk.command("plan", "--json").stdout)
    held = {one["external_id"]: one for one in document["held"]}
    assert held["IX"]["number"] == "No IX" and held["PX"]["amount"] == 6_000
    said = shown(show_plan, msgspec.convert(document, Plan))
    assert "Nothing to send now: 1 customer, 1 invoice and 1 payment stay behind" in said


def test_refused_records_are_listed_by_name(arrived: Pair) -> None:
    shop, desk = arrived.shop, arrived.desk
    shop.run("update invoices set custom_id = ? where external_id = 'IA'", "x" * 10_001)
    assert desk.command("apply").returncode == 4
    name = f"({'x' * 59}…, Customer A, EUR 100.00)"
    assert f"invoice/IA {name}: 400" in desk.command("rejects", "list").stdout
    assert f"invoice IA {name}\n" in desk.command("rejects", "show", "invoice/IA").stdout
    assert f"invoice IA {name}: 400" in desk.command("status").stdout
    (listed,) = msgspec.json.decode(desk.command("rejects", "list", "--json").stdout)
    assert listed["customer_name"] == "Customer A" and listed["amount"] == 10_000
    (state,) = msgspec.json.decode(desk.command("status", "--json").stdout)
    assert state["rejects"][0]["number"] == "x" * 10_001
    run = state["runs"][0]["id"]
    assert f"invoice IA {name} refused" in desk.command("status", "--run", str(run)).stdout


def test_a_plan_says_why_apply_would_refuse_it(arrived: Pair) -> None:
    shop, desk = arrived.shop, arrived.desk
    shop.run("delete from invoices where external_id like 'N%'")
    refused = desk.command("apply")
    assert refused.returncode == 7
    (document,) = msgspec.json.decode(desk.command("plan", "--json").stdout)
    plan = msgspec.convert(document, Plan)
    plain, markdown = shown(show_plan, plan), plan_as_markdown(plan)
    assert document["objections"]
    for objection in document["objections"]:
        assert objection in refused.stderr
        assert f"unsafe: {objection}" in plain
        assert f"- {objection}" in markdown
    (document,) = msgspec.json.decode(desk.command("plan", "--customer", "C", "--json").stdout)
    assert document["objections"] == []
