"""Changes that stand in each other's way: the plan finds the order, and says what it takes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

from pair import Pair, told
from shop import Shop
from together import Case, Step, Story, Together

from headrace.sync.planning.plan import Plan

together = Together()


def _brought(step: Step) -> tuple[Plan, list[str]]:
    """The plan, and what was sent for it: each request that it names, taken at once."""
    writes = step.agreed()
    assert {record.status // 100 for record in writes} == {2}, told(writes)
    announced = Counter((change.entity, change.external_id) for change in step.plan.changes)
    assert Counter((str(w.entity), str(w.external_id)) for w in writes) == announced
    return step.plan, told(writes)


def _settled(shop: Shop) -> None:
    shop.customer("C")
    for name in "IJ":
        shop.invoice(name, "C", 1000)
    shop.payment("P", "C", 1000, {"I": 1000})
    shop.payment("Q", "C", 1000, {"J": 1000})


def _swap(shop: Shop) -> None:
    shop.run(
        "update allocations set to_external_id = case to_external_id when 'I' then 'J' else 'I' end"
    )


def _turn_to_dollars(shop: Shop) -> None:
    for table in ("invoices", "payments"):
        shop.run(f"update {table} set currency = 'USD'")


def _give_away(shop: Shop) -> None:
    shop.customer("D")
    for table in ("invoices", "payments"):
        shop.run(f"update {table} set customer_external_id = 'D'")


@together.each((_swap, 1), (_turn_to_dollars, 2), (_give_away, 2))
def test_what_goes_in_no_order_is_unlinked_first(
    case: Case, happens: Callable[[Shop], None], releases: int
) -> Story:
    _settled(case.shop)
    yield
    happens(case.shop)
    plan, _ = _brought((yield))
    assert plan.releases == releases


@together
def test_an_invoice_passes_from_one_payment_to_another_customers(case: Case) -> Story:
    shop = case.shop
    shop.customer("A")
    shop.customer("Z", "A")
    shop.invoice("I", "Z", 1000)
    shop.payment("P", "Z", 1000, {"I": 1000})
    yield
    shop.run("update allocations set amount = 400")
    shop.payment("Q", "A", 600, {"I": 600})
    plan, sent = _brought((yield))
    assert (sent, plan.releases) == (["POST P 200", "POST Q 201"], 0)


@together
def test_a_child_goes_with_its_documents_before_its_parent_gets_one(case: Case) -> Story:
    shop = case.shop
    shop.customer("top")
    shop.customer("parent")
    shop.customer("child", "parent")
    shop.invoice("gone", "child", 100)
    shop.invoice("moved", "child", 100)
    yield
    shop.run("delete from customers where external_id = 'child'")
    shop.run("delete from invoices where external_id = 'gone'")
    shop.run("update invoices set customer_external_id = 'parent'")
    shop.run("update customers set parent_external_id = 'top' where external_id = 'parent'")
    _, sent = _brought((yield))
    assert sent[-2:] == ["DELETE child 204", "POST parent 200"]


@together
def test_a_new_child_comes_when_its_parent_has_left_its_own(case: Case) -> Story:
    shop = case.shop
    shop.customer("top")
    shop.customer("middle", "top")
    shop.invoice("I", "top", 100)
    shop.payment("P", "middle", 100, {"I": 100})
    yield
    shop.run("update customers set parent_external_id = null")
    shop.customer("a-new", "middle")
    # What holds the old family together moves to the new child: a circle.
    shop.run("update payments set customer_external_id = 'a-new'")
    shop.run("update invoices set customer_external_id = 'a-new'")
    plan, sent = _brought((yield))
    assert plan.releases == 1
    assert sent[:3] == ["POST P 200", "POST middle 200", "POST a-new 201"]


@together
def test_a_parent_goes_after_its_children(case: Case) -> Story:
    shop = case.shop
    shop.customer("a-parent")
    for name in ("b-child", "c-child"):
        shop.customer(name, "a-parent")
    yield
    shop.run("delete from customers where external_id in ('a-parent', 'b-child')")
    shop.run("update customers set parent_external_id = null")
    _, sent = _brought((yield))
    assert sorted(sent[:2]) == ["DELETE b-child 204", "POST c-child 200"]
    assert sent[2:] == ["DELETE a-parent 204"]


@together
def test_a_family_parts_when_nothing_links_it(case: Case) -> Story:
    shop = case.shop
    shop.customer("A")
    shop.customer("B", "A")
    shop.invoice("I", "B", 1000)
    shop.payment("P", "A", 1000, {"I": 1000})
    yield
    shop.run("update customers set parent_external_id = null")
    shop.run("delete from allocations")
    _, sent = _brought((yield))
    assert sent == ["POST P 200", "POST B 200"]


def test_the_plan_says_so(pair: Pair) -> None:
    _settled(pair.shop)
    pair.sync()
    _swap(pair.shop)
    said = pair.desk.command("plan", "--diff").stdout
    assert "1 record unlinked first, because others need what they settle" in said
    assert "unlinked payment P" in said
    assert said.count("settles invoice I (No I): EUR 10.00 → -") == 2
    assert "3 requests" in said


@together
def test_a_family_that_moves_under_another_head_lets_go_of_its_links_for_a_moment(
    case: Case,
) -> Story:
    """Neither the payment nor what it settles changes; the API lets no child leave with a link."""
    case.shop.customer("head")
    case.shop.customer("child", "head")
    case.shop.customer("group")
    case.shop.invoice("I", "head", 1000)
    case.shop.invoice("J", "child", 1000)
    case.shop.payment("P", "child", 2000, {"I": 600, "J": 1000})
    yield
    case.shop.run("update customers set parent_external_id = 'group' where external_id = 'head'")
    plan, writes = _brought((yield))
    assert plan.releases == 1
    assert writes == ["POST P 200", "POST child 200", "POST head 200", "POST P 200"]
    (release,) = [change for change in plan.changes if change.action == "release"]
    assert release.fields == [
        ("linkedInvoices[I].amountLinked", "600", ""),
        ("linkedInvoices[I].invoice.externalId", "I", ""),
    ]


@together
def test_a_refund_gives_back_a_payment_that_goes(case: Case) -> Story:
    shop = case.shop
    shop.customer("C")
    shop.payment("P", "C", 500)
    shop.refund("R", "C", 500, {"P": 500})
    (yield).agreed()
    shop.drop("payments", "P")
    assert (yield).sent() == ["POST R 200", "DELETE P 204"]
