"""Records that stand in each other's way while they change: all of them arrive, in one run."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from desk import HubDesk, prove_in_step
from fake_api import Arrival, Bench, FakeApi, Killed, Reply, refusal
from pair import Pair, told
from shop import Shop

from virtual_time import VirtualClock


@pytest.fixture(
    params=[
        "keep_payloads = true",
        pytest.param("keep_payloads = false", marks=pytest.mark.soak),
    ]
)
def family(
    request: pytest.FixtureRequest, tmp_path: Path, new_desk: Callable[[Path], HubDesk]
) -> Iterator[Pair]:
    """A parent's credit note on its child's invoice; with what was sent kept, or hashes of it."""
    shop = Shop(tmp_path / "shop", more=request.param)
    shop.customer("parent")
    shop.customer("child", "parent")
    shop.invoice("I", "child", 1000)
    shop.credit_note("N", "parent", 300, {"I": 300})
    family = Pair(shop, new_desk(shop.folder))
    family.sync()
    yield family
    shop.close()


def test_a_child_leaves_the_family_that_its_invoice_was_linked_to(family: Pair) -> None:
    family.shop.run("update customers set parent_external_id = null")
    family.shop.run("delete from allocations")
    family.sync()


def test_a_customer_goes_when_its_documents_are_another_ones(family: Pair) -> None:
    family.shop.run("delete from customers where external_id = 'child'")
    family.shop.run("update invoices set customer_external_id = 'parent'")
    assert told(family.sync())[-1] == "DELETE child 204"


def test_an_invoice_and_what_settles_it_turn_out_to_be_in_another_currency(family: Pair) -> None:
    for table in ("invoices", "credit_notes"):
        family.shop.run(f"update {table} set currency = 'USD'")
    family.sync()


def test_an_invoice_that_was_ticked_off_turns_out_to_be_a_strangers(family: Pair) -> None:
    """Its synthetic payment is the old customer's and has to go first, from another lane."""
    shop = family.shop
    shop.customer("a-stranger")
    shop.run("delete from allocations")
    shop.run("update invoices set marked_paid_at = '2026-06-01'")
    family.sync()
    shop.run("update invoices set customer_external_id = 'a-stranger', marked_paid_at = null")
    family.sync()


def test_a_refund_gives_back_a_payment_that_goes(pair: Pair) -> None:
    shop = pair.shop
    shop.customer("C")
    shop.payment("P", "C", 500)
    shop.refund("R", "C", 500, {"P": 500})
    pair.sync()
    shop.drop("payments", "P")
    assert told(pair.sync()) == ["POST R 200", "DELETE P 204"]


@pytest.mark.parametrize("keep", ["true", pytest.param("false", marks=pytest.mark.soak)])
def test_a_contact_loses_what_its_row_no_longer_has(
    tmp_path: Path, new_desk: Callable[[Path], HubDesk], keep: str
) -> None:
    shop = Shop(tmp_path / "shop", more=f"keep_payloads = {keep}")
    shop.run("alter table contacts add column position text")
    shop.customer("C")
    shop.contact("C", "ann@c.test")
    shop.run("update contacts set external_id = 'ann', position = 'ACCOUNTING'")
    desk = new_desk(shop.folder)
    desk.apply()
    shop.run("update contacts set external_id = null, position = null")
    desk.apply()
    (contact,) = desk.get("/customers/external:C/contacts")["contacts"]
    assert (contact["externalId"], contact["position"]) == (None, None)
    prove_in_step(desk)
    shop.close()


@pytest.mark.parametrize("end", ["interrupt_at", "kill_at"])
def test_what_came_too_early_is_not_held_when_the_run_ends_before_it_went_again(
    tmp_path: Path, end: str
) -> None:
    # Without them the plan can't know that the invoice has to go first.
    shop = Shop(tmp_path / "shop", rate=600, more="keep_payloads = false")
    shop.customer("A")
    shop.customer("B", "A")
    shop.invoice("I", "B", 100)
    bench = Bench(shop.folder, VirtualClock())
    bench.deliver(FakeApi(bench.clock, 0.2), bench.plan())
    shop.run("update invoices set gross_amount = 900")
    shop.payment("early", "A", 900, {"I": 900})
    shop.payment("further", "A", 10)

    def script(arrival: Arrival) -> Reply | None:
        too_early = arrival.external_id == "early" and not api.times_of("I")
        return refusal(400, "more than is open") if too_early else None

    api = FakeApi(bench.clock, 0.2, script=script)
    setattr(bench, end, 2 if end == "interrupt_at" else 3)
    with contextlib.suppress(Killed):
        bench.deliver(api, bench.plan(), in_flight=1)
    assert [arrival.external_id for arrival in api.arrivals][:2] == ["early", "I"]
    assert bench.organisation.journal.rejects() == []
    setattr(bench, end, None)
    plan = bench.plan()
    assert plan.held == []
    progress, _ = bench.deliver(api, plan)
    assert progress.done == plan.requests and len(api.times_of("early")) == 2
    assert bench.plan().empty
    bench.close()
    shop.close()
