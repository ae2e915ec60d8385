"""Where rows are in error, what the API holds stays, and what would contradict it waits."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from desk import HubDesk, prove_in_step
from shop import Shop

from headrace.sync.planning.plan import Plan

BREAK_LINK = "update allocations set amount = null where from_external_id = 'P'"


class Story:
    """A customer with an invoice, in step with its hub, before something goes wrong."""

    def __init__(self, shop: Shop, new_desk: Callable[[Path], HubDesk]) -> None:
        self.shop = shop
        self.desk = new_desk(shop.folder)
        shop.customer("C")
        shop.invoice("I", "C", 1000)

    def settle(self, amount: int = 1000) -> None:
        """Payment P of C settles so much of I, and all of it arrives."""
        self.shop.payment("P", "C", 1000, {"I": amount})
        self.desk.apply()

    def apply(self, *statements: str) -> tuple[Plan, list[str]]:
        """The plan after these statements, and what was sent for it."""
        for statement in statements:
            self.shop.run(statement)
        before = len(self.desk.writes())
        plan, _ = self.desk.apply()
        writes = self.desk.writes(before)
        assert all(record.status < 400 for record in writes)
        return plan, [f"{record.method} {record.external_id}" for record in writes]

    def mend(self, *statements: str) -> None:
        """Nothing is left to do once the rows are right."""
        plan, _ = self.apply(*statements)
        assert not plan.withheld and not plan.held and not plan.errors
        prove_in_step(self.desk)


@pytest.fixture
def story(tmp_path: Path, new_desk: Callable[[Path], HubDesk]) -> Story:
    return Story(Shop(tmp_path / "shop"), new_desk)


def _reasons(plan: Plan) -> dict[str, str]:
    return {one.external_id: one.reason for one in plan.withheld}


def test_an_invoice_lowered_below_a_link_in_error_waits(story: Story) -> None:
    story.settle()
    lower = "update invoices set gross_amount = 500, net_amount = 500"
    plan, sent = story.apply(BREAK_LINK, lower)
    assert sent == []
    assert _reasons(plan)["I"] == "its links at the API exceed its new amount"
    story.mend("update allocations set amount = 500")


def test_a_new_link_waits_that_would_pass_the_amount_with_what_the_api_holds(story: Story) -> None:
    story.settle(600)
    story.shop.payment("Q", "C", 1000, {"I": 700})
    plan, sent = story.apply(BREAK_LINK)
    assert sent == ["POST Q"]
    reason = "with the links that the API holds it exceeds the amount of invoice I"
    assert _reasons(plan)["payment Q → invoice I"] == reason
    story.mend("update allocations set amount = 300 where from_external_id = 'P'")


def test_what_a_link_still_refers_to_is_not_deleted(story: Story) -> None:
    story.settle()
    plan, sent = story.apply("delete from invoices where external_id = 'I'")
    assert sent == []
    assert _reasons(plan)["I"] == "left the source, where payment P still settles it"
    story.mend("delete from allocations")
    assert story.desk.get("/invoices")["total"] == 0


def test_what_a_link_still_comes_from_is_not_deleted(story: Story) -> None:
    story.settle()
    plan, sent = story.apply("delete from payments where external_id = 'P'")
    assert sent == []
    assert _reasons(plan)["P"] == "left the source, where its link to invoice I remains"
    story.mend("delete from allocations")
    assert story.desk.get("/payments")["total"] == 0


def test_what_left_the_source_with_both_ends_of_its_link_is_deleted(story: Story) -> None:
    story.settle()
    plan, sent = story.apply(
        *(f"delete from {table}" for table in ("invoices", "payments")), "delete from customers"
    )
    assert plan.errors == 0
    assert sent == ["DELETE P", "DELETE I", "DELETE C"]


def test_a_customer_does_not_leave_the_family_of_a_link_in_error(story: Story) -> None:
    for name in ("D", "E"):
        story.shop.customer(name)
    story.shop.run("update customers set parent_external_id = 'D' where external_id = 'C'")
    story.shop.payment("P", "D", 1000, {"I": 1000})
    story.desk.apply()
    move = "update customers set parent_external_id = 'E' where external_id = 'C'"
    plan, sent = story.apply(BREAK_LINK, move)
    assert sent == []
    reason = "the API holds the link payment P → invoice I, whose rows don't agree"
    assert _reasons(plan)["C"] == reason
    story.mend("delete from allocations")


def test_the_head_of_a_family_gets_no_parent_while_a_departed_child_holds_what_is_in_error(
    story: Story,
) -> None:
    for name in ("H", "T"):
        story.shop.customer(name)
    story.shop.run("update customers set parent_external_id = 'H' where external_id = 'C'")
    story.desk.apply()
    plan, sent = story.apply(
        "delete from customers where external_id = 'C'",
        "update invoices set customer_external_id = 'H', gross_amount = null",
        "update customers set parent_external_id = 'T' where external_id = 'H'",
    )
    assert sent == []
    assert _reasons(plan).keys() == {"I"}
    assert [one.external_id for one in plan.held] == ["C"]
    story.mend("update invoices set gross_amount = 1000")
    assert story.desk.get("/customers/external:H")["parent"]["externalId"] == "T"


def test_a_synthetic_payment_waits_where_the_api_holds_a_real_one(story: Story) -> None:
    story.shop.run("update invoices set marked_paid_at = '2026-05-06'")
    story.settle()
    plan, sent = story.apply(BREAK_LINK)
    assert sent == []
    assert "fix:I" in _reasons(plan)
    story.mend("update allocations set amount = 1000")


def test_without_payloads_a_settlement_with_a_link_in_error_waits(
    tmp_path: Path, new_desk: Callable[[Path], HubDesk]
) -> None:
    story = Story(Shop(tmp_path / "shop", more="keep_payloads = false"), new_desk)
    story.settle()
    plan, sent = story.apply(BREAK_LINK, "update payments set ref_number = 'other'")
    assert sent == []
    assert _reasons(plan)["P"].startswith("the journal kept no payload of it")
    story.mend("update allocations set amount = 1000")


def test_without_payloads_a_settlement_in_error_is_sent_again_for_what_it_settled(
    tmp_path: Path, new_desk: Callable[[Path], HubDesk]
) -> None:
    story = Story(Shop(tmp_path / "shop", more="keep_payloads = false"), new_desk)
    story.settle()
    story.shop.run("create table old as select * from invoices")
    _, sent = story.apply(
        "update payments set amount = null", "delete from allocations", "delete from invoices"
    )
    assert sent == ["DELETE I"]  # and the API takes the link away
    story.shop.run("insert into invoices select * from old")
    story.shop.allocate("payment", "P", "invoice", {"I": 1000})
    _, sent = story.apply("update payments set amount = 1000")
    assert sent == ["POST I", "POST P"]
    prove_in_step(story.desk)
    assert story.desk.get("/invoices/external:I")["amountOutstanding"] == 0


def test_a_new_payment_of_an_invoice_that_waits_settles_what_the_api_holds(story: Story) -> None:
    story.settle(400)
    story.shop.payment("Q", "C", 200, {"I": 200})
    lower = "update invoices set gross_amount = 300, net_amount = 300"
    plan, sent = story.apply(BREAK_LINK, lower)
    assert sent == ["POST Q"]
    assert _reasons(plan).keys() == {"I"}
    story.mend("update allocations set amount = 100 where from_external_id = 'P'")


def test_a_new_payment_of_a_refused_invoice_goes_without_that_link(
    tmp_path: Path, new_desk: Callable[[Path], HubDesk]
) -> None:
    shop = Shop(tmp_path / "shop")
    desk = new_desk(shop.folder)
    shop.customer("C")
    shop.invoice("I", "C", 1000)
    shop.invoice("J", "C", 500)
    shop.run("update invoices set custom_id = ? where external_id = 'J'", "x" * 10_001)
    _, outcome = desk.apply()
    assert outcome.rejected == 1
    shop.payment("Q", "C", 1500, {"I": 1000, "J": 500})
    _, outcome = desk.apply()
    assert (outcome.sent, outcome.rejected) == (1, 1)
    [link] = desk.get("/payments/external:Q")["linkedInvoices"]
    assert link["linkedAmount"] == 1000
    plan, outcome = desk.apply()
    assert (outcome.sent, outcome.rejected) == (0, 0)
    assert _reasons(plan) == {"payment Q → invoice J": "its invoice J was refused"}
    assert [one.external_id for one in plan.held] == ["J"]
    shop.run("update invoices set custom_id = 'No J' where external_id = 'J'")
    desk.apply()
    prove_in_step(desk)


def test_a_departed_parent_stays_while_a_departed_child_holds_what_is_in_error(
    story: Story,
) -> None:
    for name in ("H", "T"):
        story.shop.customer(name)
    story.shop.run("update customers set parent_external_id = 'H' where external_id = 'C'")
    story.desk.apply()
    plan, sent = story.apply(
        "delete from customers where external_id in ('C', 'H')",
        "update invoices set customer_external_id = 'T', gross_amount = null",
    )
    assert sent == []
    assert {one.external_id: one.reason for one in plan.held} == {
        "C": "left the source and still has 1 document at the API",
        "H": "left the source and still has 1 child at the API",
    }
    story.mend("update invoices set gross_amount = 1000")
    assert "H" not in {one["externalId"] for one in story.desk.get("/customers")["customers"]}


def test_a_departed_parent_stays_while_a_child_in_error_keeps_it(story: Story) -> None:
    story.shop.customer("H")
    story.shop.run("update customers set parent_external_id = 'H' where external_id = 'C'")
    story.desk.apply()
    plan, sent = story.apply(
        "delete from customers where external_id = 'H'",
        "update customers set parent_external_id = null, name = null where external_id = 'C'",
    )
    assert sent == []
    assert [one.external_id for one in plan.held] == ["H"]
    story.mend("update customers set name = 'Customer C'")
    assert [one["externalId"] for one in story.desk.get("/customers")["customers"]] == ["C"]


def test_a_departed_parent_stays_while_the_scope_leaves_its_child_out(story: Story) -> None:
    story.shop.customer("H")
    story.shop.run("update customers set parent_external_id = 'H' where external_id = 'C'")
    story.desk.apply()
    story.shop.run("delete from customers where external_id = 'H'")
    story.shop.run("update customers set parent_external_id = null")
    done = story.desk.command("apply", "--customer", "H", "--force")
    assert done.returncode == 4, done.stdout
    assert "left the source and still has 1 child at the API" in done.stdout
    story.mend()
    assert [one["externalId"] for one in story.desk.get("/customers")["customers"]] == ["C"]
