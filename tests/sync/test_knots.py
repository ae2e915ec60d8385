"""Changes that wait for each other in a circle which only a link that comes last can open."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest
from desk import HubDesk
from pair import Pair, told
from shop import Shop

from headrace.sync.plan import Plan


def _brought(pair: Pair) -> tuple[Plan, list[str]]:
    """The plan, and what was sent for it: each request that it names, taken at once."""
    with pair.desk.open() as organisation:
        asyncio.run(organisation.prepare())
        plan = organisation.with_changes(organisation.plan(), None)
    writes = pair.sync()
    assert {record.status // 100 for record in writes} == {2}, told(writes)
    announced = Counter((change.entity, change.external_id) for change in plan.changes)
    assert Counter((str(w.entity), str(w.external_id)) for w in writes) == announced
    assert plan.requests == len(writes)
    return plan, told(writes)


def _in_step(desk: HubDesk) -> None:
    """One apply brings everything, after whatever the API refused at first."""
    outcome, plan, proof = desk.apply_and_prove()
    assert (outcome.rejected, outcome.held, outcome.left) == (0, 0, 0), desk.log()[-3:]
    assert plan.empty and not plan.held and proof.balanced


def _family(shop: Shop) -> None:
    """A head with a child, and another customer."""
    shop.customer("C1")
    shop.customer("C0", "C1")
    shop.customer("C2")


def _regroup(shop: Shop) -> None:
    """The child goes, and the head becomes a child itself: what the child had must leave before."""
    shop.run("delete from customers where external_id = 'C0'")
    shop.run("update customers set parent_external_id = 'C2' where external_id = 'C1'")


def _move(shop: Shop, table: str, name: str) -> None:
    shop.run(f"update {table} set customer_external_id = 'C2' where external_id = ?", name)


def _refund_of_a_credit_note(shop: Shop) -> None:
    shop.credit_note("N", "C1", 500)
    shop.refund("R", "C0", 500)


def _refund_moves_to_it(shop: Shop) -> None:
    _move(shop, "refunds", "R")
    shop.allocate("refund", "R", "credit_note", {"N": 500})


def _refund_of_a_payment(shop: Shop) -> None:
    shop.payment("N", "C1", 500)
    shop.refund("R", "C0", 500)


def _refund_moves_to_a_payment(shop: Shop) -> None:
    _move(shop, "refunds", "R")
    shop.allocate("refund", "R", "payment", {"N": 500})


def _payment_of_an_invoice(shop: Shop) -> None:
    shop.invoice("N", "C1", 500)
    shop.payment("R", "C0", 500)


def _payment_moves_to_it(shop: Shop) -> None:
    _move(shop, "payments", "R")
    shop.allocate("payment", "R", "invoice", {"N": 500})


def _credit_note_of_an_invoice(shop: Shop) -> None:
    shop.invoice("N", "C1", 500)
    shop.credit_note("R", "C0", 500)


def _credit_note_moves_to_it(shop: Shop) -> None:
    _move(shop, "credit_notes", "R")
    shop.allocate("credit_note", "R", "invoice", {"N": 500})


_ONE_LINK = [
    (_refund_of_a_credit_note, _refund_moves_to_it),
    (_refund_of_a_payment, _refund_moves_to_a_payment),
    (_payment_of_an_invoice, _payment_moves_to_it),
    (_credit_note_of_an_invoice, _credit_note_moves_to_it),
]


@pytest.mark.parametrize(("first", "then"), _ONE_LINK)
def test_a_record_leaves_a_customer_that_goes_and_is_linked_when_the_rest_has_followed(
    pair: Pair, first: Callable[[Shop], None], then: Callable[[Shop], None]
) -> None:
    _family(pair.shop)
    first(pair.shop)
    pair.sync()
    _regroup(pair.shop)
    then(pair.shop)
    plan, sent = _brought(pair)
    assert sent == ["POST R 200", "DELETE C0 204", "POST C1 200", "POST R 200"]
    assert (plan.releases, plan.late_links) == (0, 1)


@pytest.mark.parametrize(("first", "then"), _ONE_LINK)
def test_the_same_goes_through_where_payloads_are_not_kept(
    tmp_path: Path,
    new_desk: Callable[[Path], HubDesk],
    first: Callable[[Shop], None],
    then: Callable[[Shop], None],
) -> None:
    shop = Shop(tmp_path / "forgetful", more="keep_payloads = false")
    desk = new_desk(shop.folder)
    _family(shop)
    first(shop)
    _in_step(desk)
    _regroup(shop)
    then(shop)
    _in_step(desk)
    shop.close()


def test_a_link_that_stays_goes_for_a_moment_with_its_owners_move(pair: Pair) -> None:
    _family(pair.shop)
    pair.shop.invoice("N", "C1", 500)
    pair.shop.payment("R", "C0", 500, {"N": 500})
    pair.sync()
    _regroup(pair.shop)
    _move(pair.shop, "payments", "R")
    plan, sent = _brought(pair)
    assert sent == ["POST R 200", "DELETE C0 204", "POST C1 200", "POST R 200"]
    assert (plan.releases, plan.late_links) == (0, 1)
