"""Where rows are in error, what the API holds stays, and what would contradict it waits."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

from desk import HubDesk, apply_in_step
from pair import Pair, told
from shop import Shop
from together import Case, Step, Story, Together

from headrace.sync.planning.plan import Plan

together = Together()
hashed = Together("keep_payloads = false")
BREAK_LINK = "update allocations set amount = null where from_external_id = 'P'"


def _open(case: Case) -> None:
    """A customer with an invoice, before something goes wrong."""
    case.shop.customer("C")
    case.shop.invoice("I", "C", 1000)


def _settle(case: Case, amount: int = 1000) -> None:
    """Payment P of C settles so much of I."""
    case.shop.payment("P", "C", 1000, {"I": amount})


def _mended(step: Step) -> None:
    """Nothing is left to do once the rows are right."""
    plan, _ = step.taken
    assert not plan.withheld and not plan.held and not plan.errors
    step.agreed()


def _reasons(plan: Plan) -> dict[str, str]:
    return {one.external_id: one.reason for one in plan.withheld}


@together
def test_an_invoice_lowered_below_a_link_in_error_waits(case: Case) -> Story:
    _open(case)
    _settle(case)
    yield
    lower = "update invoices set gross_amount = 500, net_amount = 500"
    case.run(BREAK_LINK, lower)
    plan, sent = (yield).taken
    assert sent == []
    assert _reasons(plan)["I"] == "its links at the API exceed its new amount"
    case.run("update allocations set amount = 500")
    _mended((yield))


@together
def test_a_new_link_waits_that_would_pass_the_amount_with_what_the_api_holds(case: Case) -> Story:
    _open(case)
    _settle(case, 600)
    yield
    case.shop.payment("Q", "C", 1000, {"I": 700})
    case.run(BREAK_LINK)
    plan, sent = (yield).taken
    assert sent == ["POST Q"]
    reason = "with the links that the API holds it exceeds the amount of invoice I"
    assert _reasons(plan)["payment Q → invoice I"] == reason
    case.run("update allocations set amount = 300 where from_external_id = 'P'")
    _mended((yield))


@together
def test_what_a_link_still_refers_to_is_not_deleted(case: Case) -> Story:
    _open(case)
    _settle(case)
    yield
    case.run("delete from invoices where external_id = 'I'")
    plan, sent = (yield).taken
    assert sent == []
    assert _reasons(plan)["I"] == "left the source, where payment P still settles it"
    case.run("delete from allocations")
    _mended((yield))
    assert case.get("/invoices")["invoices"] == []


@together
def test_what_a_link_still_comes_from_is_not_deleted(case: Case) -> Story:
    _open(case)
    _settle(case)
    yield
    case.run("delete from payments where external_id = 'P'")
    plan, sent = (yield).taken
    assert sent == []
    assert _reasons(plan)["P"] == "left the source, where its link to invoice I remains"
    case.run("delete from allocations")
    _mended((yield))
    assert case.get("/payments")["items"] == []


@together
def test_what_left_the_source_with_both_ends_of_its_link_is_deleted(case: Case) -> Story:
    _open(case)
    _settle(case)
    yield
    case.run(
        *(f"delete from {table}" for table in ("invoices", "payments")), "delete from customers"
    )
    plan, sent = (yield).taken
    assert plan.errors == 0
    assert sent == ["DELETE P", "DELETE I", "DELETE C"]


@together
def test_a_customer_does_not_leave_the_family_of_a_link_in_error(case: Case) -> Story:
    _open(case)
    for name in ("D", "E"):
        case.shop.customer(name)
    case.shop.run("update customers set parent_external_id = 'D' where external_id = 'C'")
    case.shop.payment("P", "D", 1000, {"I": 1000})
    yield
    move = "update customers set parent_external_id = 'E' where external_id = 'C'"
    case.run(BREAK_LINK, move)
    plan, sent = (yield).taken
    assert sent == []
    reason = "the API holds the link payment P → invoice I, whose rows don't agree"
    assert _reasons(plan)["C"] == reason
    case.run("delete from allocations")
    _mended((yield))


def _siblings(case: Case) -> None:
    """A and B are children of C, and payment P of A settles invoice I of B."""
    for name in ("C", "A", "B"):
        case.shop.customer(name)
    case.shop.run("update customers set parent_external_id = 'C' where external_id <> 'C'")
    case.shop.invoice("I", "B", 1000)
    case.shop.payment("P", "A", 1000, {"I": 1000})


LOSE_PAYER = "update payments set customer_external_id = 'nobody'"


@together
def test_customers_do_not_change_families_one_by_one_around_a_link_that_waits(case: Case) -> Story:
    _siblings(case)
    yield
    case.run(
        LOSE_PAYER,
        "update customers set parent_external_id = null where external_id = 'A'",
        "update customers set parent_external_id = 'A' where external_id = 'B'",
    )
    plan, sent = (yield).taken
    assert sent == []
    reason = "the API holds the link payment P → invoice I, and no order of the requests keeps it"
    assert {_reasons(plan)[name] for name in ("A", "B")} == {f"{reason} valid"}
    case.run("update payments set customer_external_id = 'A'")
    _mended((yield))


@together
def test_an_invoice_that_moves_first_lets_its_customer_leave_the_family(case: Case) -> Story:
    _siblings(case)
    yield
    case.run(
        LOSE_PAYER,
        "update invoices set customer_external_id = 'A'",
        "update customers set parent_external_id = null where external_id = 'B'",
    )
    plan, sent = (yield).taken
    assert sent == ["POST I", "POST B"]
    assert _reasons(plan).keys() == {"P", "payment P → invoice I"}
    case.run("update payments set customer_external_id = 'A'")
    _mended((yield))


@together
def test_an_invoice_waits_that_would_have_to_move_with_its_family(case: Case) -> Story:
    _siblings(case)
    case.shop.customer("D")
    yield
    case.run(
        LOSE_PAYER,
        "update invoices set customer_external_id = 'D'",
        "update customers set parent_external_id = 'D' where external_id = 'A'",
    )
    plan, sent = (yield).taken
    assert sent == []
    assert _reasons(plan).keys() == {"P", "I", "A", "payment P → invoice I"}
    case.run("update payments set customer_external_id = 'A'")
    _mended((yield))


@together
def test_the_head_of_a_family_gets_no_parent_while_a_departed_child_holds_what_is_in_error(
    case: Case,
) -> Story:
    _open(case)
    for name in ("H", "T"):
        case.shop.customer(name)
    case.shop.run("update customers set parent_external_id = 'H' where external_id = 'C'")
    yield
    case.run(
        "delete from customers where external_id = 'C'",
        "update invoices set customer_external_id = 'H', gross_amount = null",
        "update customers set parent_external_id = 'T' where external_id = 'H'",
    )
    plan, sent = (yield).taken
    assert sent == []
    assert _reasons(plan).keys() == {"I"}
    assert [one.external_id for one in plan.held] == ["C"]
    case.run("update invoices set gross_amount = 1000")
    _mended((yield))
    assert case.get("/customers/external:H")["parent"]["externalId"] == "T"


@together
def test_a_synthetic_payment_waits_where_the_api_holds_a_real_one(case: Case) -> Story:
    _open(case)
    case.shop.run("update invoices set marked_paid_at = '2026-05-06'")
    _settle(case)
    yield
    case.run(BREAK_LINK)
    plan, sent = (yield).taken
    assert sent == []
    assert "fix:I" in _reasons(plan)
    case.run("update allocations set amount = 1000")
    _mended((yield))


@together
def test_a_row_that_goes_bad_is_neither_sent_nor_deleted(case: Case) -> Story:
    _open(case)
    yield
    case.run("update invoices set currency = 'XXQ'")
    plan, sent = (yield).taken
    assert (plan.errors, sent, plan.counts) == (1, [], [])
    case.run("update invoices set currency = 'EUR'")
    _mended((yield))


def _family_with_an_error(case: Case) -> Story:
    case.shop.customer("head")
    case.shop.customer("child", "head")
    yield
    case.run(
        "update customers set parent_external_id = 'nobody', vat_number = '1' "
        "where external_id = 'child'"
    )
    plan, sent = (yield).taken
    assert [(p.entity, p.external_id) for p in plan.problems if p.severity == "error"] == [
        ("child", "child")
    ]
    assert (sent, plan.withheld) == (["POST child"], [])
    child = case.get("/customers/external:child")
    assert (child["parent"]["externalId"], child["vatNumber"]) == ("head", "1")


@together
def test_a_parent_in_error_leaves_the_family_as_it_is(case: Case) -> Story:
    yield from _family_with_an_error(case)


@hashed
def test_without_payloads_a_parent_in_error_leaves_the_family_as_it_is(case: Case) -> Story:
    yield from _family_with_an_error(case)


def _half_in_another_currency(case: Case) -> Story:
    """One of the two invoices of a payment is."""
    _open(case)
    case.shop.invoice("J", "C", 1000)
    case.shop.payment("P", "C", 2000, {"I": 1000, "J": 1000})
    yield
    case.run("update invoices set currency = 'USD' where external_id = 'I'")


def _other_half(case: Case) -> Story:
    """Mended in two steps, it heals by itself."""
    case.run(
        "update payments set currency = 'USD' where external_id = 'P'",
        "update invoices set currency = 'USD' where external_id = 'J'",
    )
    _mended((yield))


@together
def test_a_link_in_error_that_the_api_holds_stays_and_what_contradicts_it_waits(
    case: Case,
) -> Story:
    yield from _half_in_another_currency(case)
    plan, sent = (yield).taken
    assert (plan.errors, sent) == (1, [])
    assert _reasons(plan) == {
        "I": "the API holds the link payment P → invoice I, whose rows don't agree",
        "payment P → invoice I": "goes from EUR to USD",
    }
    yield from _other_half(case)


@together
def test_a_new_payment_goes_without_its_link_to_what_waits(case: Case) -> Story:
    yield from _half_in_another_currency(case)
    case.shop.payment("Q", "C", 500, {"I": 500})
    case.run("update payments set ref_number = 'again' where external_id = 'P'")
    step = yield
    assert told(step.writes) == ["POST P 200", "POST Q 201"]
    links = case.get("/payments/external:P")["linkedInvoices"]
    assert sorted(link["invoice"]["externalId"] for link in links) == ["I", "J"]
    case.run("delete from allocations where from_external_id = 'Q'")
    yield from _other_half(case)


@hashed
def test_hashes_only_still_clear_what_is_emptied(case: Case) -> Story:
    _open(case)
    case.run("update invoices set name = 'Consulting'")
    yield
    case.run("update invoices set name = null")
    assert (yield).sent() == ["POST I 200"]
    assert not case.get("/invoices/external:I")["name"]


@hashed
def test_without_payloads_a_settlement_with_a_link_in_error_waits(case: Case) -> Story:
    _open(case)
    _settle(case)
    yield
    case.run(BREAK_LINK, "update payments set ref_number = 'other'")
    plan, sent = (yield).taken
    assert sent == []
    assert _reasons(plan)["P"].startswith("the journal kept no payload of it")
    case.run("update allocations set amount = 1000")
    _mended((yield))


@hashed
def test_without_payloads_a_settlement_in_error_is_sent_again_for_what_it_settled(
    case: Case,
) -> Story:
    _open(case)
    _settle(case)
    yield
    case.shop.run("create table old as select * from invoices")
    case.run("update payments set amount = null", "delete from allocations", "delete from invoices")
    _, sent = (yield).taken
    assert sent == ["DELETE I"]  # and the API takes the link away
    case.shop.run("insert into invoices select * from old")
    case.shop.allocate("payment", "P", "invoice", {"I": 1000})
    case.run("update payments set amount = 1000")
    _, sent = (yield).taken
    assert sent == ["POST I", "POST P"]
    (yield).agreed()
    assert case.get("/invoices/external:I")["amountOutstanding"] == 0


@together
def test_a_new_payment_of_an_invoice_that_waits_settles_what_the_api_holds(case: Case) -> Story:
    _open(case)
    _settle(case, 400)
    yield
    case.shop.payment("Q", "C", 200, {"I": 200})
    lower = "update invoices set gross_amount = 300, net_amount = 300"
    case.run(BREAK_LINK, lower)
    plan, sent = (yield).taken
    assert sent == ["POST Q"]
    assert _reasons(plan).keys() == {"I"}
    case.run("update allocations set amount = 100 where from_external_id = 'P'")
    _mended((yield))


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
    with desk.open() as organisation:
        asyncio.run(organisation.prepare())
        outcome = asyncio.run(organisation.apply(organisation.plan(), "apply"))
        assert (outcome.sent, outcome.rejected) == (1, 1)
        [link] = desk.get("/payments/external:Q")["linkedInvoices"]
        assert link["linkedAmount"] == 1000
        organisation.compare()
        plan = organisation.plan()
        outcome = asyncio.run(organisation.apply(plan, "apply"))
    assert (outcome.sent, outcome.rejected) == (0, 0)
    assert _reasons(plan) == {"payment Q → invoice J": "its invoice J was refused"}
    assert [one.external_id for one in plan.held] == ["J"]
    shop.run("update invoices set custom_id = 'No J' where external_id = 'J'")
    apply_in_step(desk)


@together
def test_a_departed_parent_stays_while_a_departed_child_holds_what_is_in_error(case: Case) -> Story:
    _open(case)
    for name in ("H", "T"):
        case.shop.customer(name)
    case.shop.run("update customers set parent_external_id = 'H' where external_id = 'C'")
    yield
    case.run(
        "delete from customers where external_id in ('C', 'H')",
        "update invoices set customer_external_id = 'T', gross_amount = null",
    )
    plan, sent = (yield).taken
    assert sent == []
    assert {one.external_id: one.reason for one in plan.held} == {
        "C": "left the source and still has 1 document at the API",
        "H": "left the source and still has 1 child at the API",
    }
    case.run("update invoices set gross_amount = 1000")
    _mended((yield))
    assert "H" not in {one["externalId"] for one in case.get("/customers")["customers"]}


@together
def test_a_departed_parent_stays_while_a_child_in_error_keeps_it(case: Case) -> Story:
    _open(case)
    case.shop.customer("H")
    case.shop.run("update customers set parent_external_id = 'H' where external_id = 'C'")
    yield
    case.run(
        "delete from customers where external_id = 'H'",
        "update customers set parent_external_id = null, name = null where external_id = 'C'",
    )
    plan, sent = (yield).taken
    assert sent == []
    assert [one.external_id for one in plan.held] == ["H"]
    case.run("update customers set name = 'Customer C'")
    _mended((yield))
    assert [one["externalId"] for one in case.get("/customers")["customers"]] == ["C"]


@hashed
def test_a_parent_that_was_in_error_is_removed_without_payloads(case: Case) -> Story:
    case.shop.customer("H")
    case.shop.customer("C", "H")
    yield
    case.run("update customers set parent_external_id = 'nobody' where external_id = 'C'")
    for name in ("one", "another"):
        case.run(f"update customers set name = '{name}' where external_id = 'C'")
        yield
    child = case.get("/customers/external:C")
    assert (child["name"], child["parent"]["externalId"]) == ("another", "H")
    case.run("update customers set parent_external_id = null where external_id = 'C'")
    _mended((yield))
    assert case.get("/customers/external:C")["parent"] is None


def test_a_parent_that_was_in_error_is_removed_though_payloads_are_kept_only_since(
    tmp_path: Path, new_desk: Callable[[Path], HubDesk]
) -> None:
    shop = Shop(tmp_path / "shop", more="keep_payloads = false")
    shop.customer("H")
    shop.customer("C", "H")
    desk = new_desk(shop.folder)
    desk.apply()
    config = shop.folder / "headrace.toml"
    config.write_text(config.read_text().replace("payloads = false", "payloads = true"))
    shop.run("update customers set parent_external_id = 'nobody' where external_id = 'C'")
    for name in ("one", "another"):
        shop.run("update customers set name = ? where external_id = 'C'", name)
        desk.apply()
    child = desk.get("/customers/external:C")
    assert (child["name"], child["parent"]["externalId"]) == ("another", "H")
    shop.run("update customers set parent_external_id = null where external_id = 'C'")
    Pair(shop, desk).sync()
    assert desk.get("/customers/external:C")["parent"] is None
    shop.close()


def test_a_departed_parent_stays_while_the_scope_leaves_its_child_out(pair: Pair) -> None:
    shop, desk = pair.shop, pair.desk
    shop.customer("H")
    shop.customer("C", "H")
    shop.invoice("I", "C", 1000)
    desk.apply()
    shop.run("delete from customers where external_id = 'H'")
    shop.run("update customers set parent_external_id = null")
    done = desk.command("apply", "--customer", "H", "--force")
    assert done.returncode == 4, done.stdout
    assert "left the source and still has 1 child at the API" in done.stdout
    pair.sync()
    assert [one["externalId"] for one in desk.get("/customers")["customers"]] == ["C"]
