"""Records that stand in each other's way while they change: all of them arrive, in one run."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from pathlib import Path

import pytest
from desk import HubDesk, apply_in_step
from fake_api import Arrival, Bench, FakeApi, Killed, Reply, refusal
from shop import Shop
from together import Case, Story, Together

from virtual_time import VirtualClock

together = Together("keep_payloads = true", soak="keep_payloads = false")


def _family(case: Case) -> None:
    """A parent's credit note on its child's invoice."""
    case.shop.customer("parent")
    case.shop.customer("child", "parent")
    case.shop.invoice("I", "child", 1000)
    case.shop.credit_note("N", "parent", 300, {"I": 300})


@together
def test_a_child_leaves_the_family_that_its_invoice_was_linked_to(case: Case) -> Story:
    _family(case)
    (yield).agreed()
    case.shop.run("update customers set parent_external_id = null")
    case.shop.run("delete from allocations")
    (yield).agreed()


@together
def test_a_customer_goes_when_its_documents_are_another_ones(case: Case) -> Story:
    _family(case)
    (yield).agreed()
    case.shop.run("delete from customers where external_id = 'child'")
    case.shop.run("update invoices set customer_external_id = 'parent'")
    assert (yield).sent()[-1] == "DELETE child 204"


@together
def test_an_invoice_and_what_settles_it_turn_out_to_be_in_another_currency(case: Case) -> Story:
    _family(case)
    (yield).agreed()
    for table in ("invoices", "credit_notes"):
        case.shop.run(f"update {table} set currency = 'USD'")
    (yield).agreed()


def _tick_off(case: Case) -> None:
    """All of it is settled by a synthetic payment."""
    case.shop.customer("a-stranger")
    case.shop.run("delete from allocations")
    case.shop.run("update invoices set marked_paid_at = '2026-06-01'")


@together
def test_an_invoice_that_was_settled_in_part_is_ticked_off(case: Case) -> Story:
    _family(case)
    (yield).agreed()
    _tick_off(case)
    (yield).agreed()


@together
def test_an_invoice_that_was_ticked_off_turns_out_to_be_a_strangers(case: Case) -> Story:
    """Its synthetic payment is the old customer's and has to go first, from another lane."""
    _family(case)
    _tick_off(case)
    (yield).agreed()
    case.shop.run("update invoices set customer_external_id = 'a-stranger', marked_paid_at = null")
    (yield).agreed()


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
    apply_in_step(desk)
    (contact,) = desk.get("/customers/external:C/contacts")["contacts"]
    assert (contact["externalId"], contact["position"]) == (None, None)
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
