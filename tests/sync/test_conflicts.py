"""Changes that wait for each other in a circle which only a link that comes last can open."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest
from desk import HubDesk
from pair import Pair, told
from rewound import Rewound, filled
from shop import Shop
from together import Case, Step, Story, Together

from headrace.server.observing.request_log import LogRecord
from headrace.sync.planning.plan import Plan
from headrace.testkit.hub import RunningHub

together = Together()
forgetful = Together("keep_payloads = false")
"""The same where payloads are not kept."""


def _brought(pair: Pair) -> tuple[Plan, list[str]]:
    """The plan, and what was sent for it: each request that it names, taken at once."""
    plans: list[Plan] = []
    writes = pair.sync(plans.append)
    (plan,) = plans
    assert plan.requests == len(writes)
    return plan, _announced(plan, writes)


def _taken(step: Step) -> tuple[Plan, list[str]]:
    """The same of one case."""
    return step.plan, _announced(step.plan, step.agreed())


def _announced(plan: Plan, writes: list[LogRecord]) -> list[str]:
    assert {record.status // 100 for record in writes} == {2}, told(writes)
    announced = Counter((change.entity, change.external_id) for change in plan.changes)
    assert Counter((str(w.entity), str(w.external_id)) for w in writes) == announced
    return told(writes)


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


@together.each(*_ONE_LINK)
def test_a_record_leaves_a_customer_that_goes_and_is_linked_when_the_rest_has_followed(
    case: Case, first: Callable[[Shop], None], then: Callable[[Shop], None]
) -> Story:
    _family(case.shop)
    first(case.shop)
    yield
    _regroup(case.shop)
    then(case.shop)
    plan, sent = _taken((yield))
    assert sent == ["POST R 200", "DELETE C0 204", "POST C1 200", "POST R 200"]
    assert (plan.releases, plan.late_links) == (0, 1)


@pytest.fixture(scope="module")
def before_it_moves(tmp_path_factory: pytest.TempPathFactory, open_hub: RunningHub) -> Rewound:
    def fill(shop: Shop) -> None:
        _family(shop)
        _payment_of_an_invoice(shop)

    return filled(tmp_path_factory.mktemp("before"), open_hub, "moving", fill)


@pytest.fixture
def moving(before_it_moves: Rewound, tmp_path: Path) -> Iterator[Pair]:
    """In step, before the last of these moves."""
    with before_it_moves.pair(tmp_path / "shop") as pair:
        _regroup(pair.shop)
        _payment_moves_to_it(pair.shop)
        yield pair


@forgetful.each(*_ONE_LINK)
def test_the_same_goes_through_where_payloads_are_not_kept(
    case: Case, first: Callable[[Shop], None], then: Callable[[Shop], None]
) -> Story:
    _family(case.shop)
    first(case.shop)
    yield
    _regroup(case.shop)
    then(case.shop)
    step = yield
    assert step.writes
    step.in_step()


@pytest.mark.parametrize(("limit", "requests"), [(1, 1), (2, 1), (3, 2)])
def test_the_link_still_follows_after_an_end_in_between(
    moving: Pair, limit: int, requests: int
) -> None:
    said = moving.desk.command("apply", "--limit", str(limit), "--force", "--yes")
    assert f"Sent {requests} of {requests} request" in said.stdout, said
    assert moving.desk.get("/payments/external:R")["amountLinked"] == 0
    plan, sent = _brought(moving)
    assert sent == ["DELETE C0 204", "POST C1 200", "POST R 200"][requests - 1 :]
    assert plan.late_links == 0


_MARKS = ("A", "B", "C", "D", "E", "F")
"""Of six families that make the same moves."""
_FIRSTS = ("POST /payments", "DELETE /customers/{}", "POST /customers")
"""Requests of such a move before the last, in their order."""


def test_the_link_still_follows_after_an_answer_that_got_lost(
    tmp_path: Path, new_desk: Callable[[Path], HubDesk]
) -> None:
    """Of two families their first request, of two others their second, of the last their third,
    each by both kinds of faults: what belongs to an answer that got lost goes no further, so that
    each fault meets a family of its own."""
    faults = [{"kind": kind, "on": first} for first in _FIRSTS for kind in ("reply-lost", "reset")]
    with closing(Shop(tmp_path / "shop")) as shop:
        for mark in _MARKS:
            shop.customer(f"{mark}1")
            shop.customer(f"{mark}0", f"{mark}1")
            shop.customer(f"{mark}2")
            shop.invoice(f"{mark}N", f"{mark}1", 500)
            shop.payment(f"{mark}R", f"{mark}0", 500)
        desk = new_desk(shop.folder)
        desk.apply()
        for mark in _MARKS:
            shop.run("delete from customers where external_id = ?", f"{mark}0")
            shop.run(
                "update customers set parent_external_id = ? where external_id = ?",
                *(f"{mark}2", f"{mark}1"),
            )
            shop.run(
                "update payments set customer_external_id = ? where external_id = ?",
                *(f"{mark}2", f"{mark}R"),
            )
            shop.allocate("payment", f"{mark}R", "invoice", {f"{mark}N": 500})
        before = len(desk.writes())
        with desk.hub.faults(*faults, organisation=desk.name) as script:
            _, outcome = desk.apply(patience=0.0)
            assert len(outcome.failed) == len(_MARKS) and script.done
        assert Counter(one.fault for one in desk.writes(before) if one.fault) == {
            "reply-lost": 3, "reset": 3,
        }  # fmt: skip
        linked = {mark: desk.get(f"/payments/external:{mark}R")["amountLinked"] for mark in _MARKS}
        assert set(linked.values()) == {0}, "each family lost an answer before its last request"
        _in_step(desk)
        for mark in _MARKS:
            assert desk.get(f"/payments/external:{mark}R")["amountLinked"] == 500


def test_the_second_half_does_not_go_ahead_of_a_first_one_that_failed(moving: Pair) -> None:
    before = len(moving.desk.writes())
    fault = {"kind": "status", "on": "POST /payments", "status": 400}
    with moving.desk.hub.faults(fault, organisation=moving.desk.name) as script:
        moving.desk.apply()
        assert script.done
    sent = told(moving.desk.writes(before))
    assert not any(one.endswith(("R 200", "C0 204", "C1 200")) for one in sent), sent
    moving.desk.command("rejects", "retry", "--all")
    _in_step(moving.desk)
    assert moving.desk.get("/payments/external:R")["amountLinked"] == 500


def test_the_plan_says_what_is_linked_last(moving: Pair) -> None:
    said = moving.desk.command("plan", "--diff").stdout
    assert (
        "1 record linked last, because others have to change first: one more request each" in said
    )
    assert "4 requests" in said
    first, last = said.index("changed payment R"), said.index("linked payment R")
    assert "settles invoice" not in said[first:last]
    assert "settles invoice N (No N): - → EUR 5.00" in said[last:]


def _new_payment_in_between(shop: Shop) -> None:
    _regroup(shop)
    _move(shop, "refunds", "R")
    shop.payment("P", "C2", 700, {"N": 500})
    shop.allocate("refund", "R", "payment", {"P": 200})


def _refund_and_invoice(shop: Shop) -> None:
    _family(shop)
    shop.invoice("N", "C1", 500)
    shop.refund("R", "C0", 200)


@together
def test_a_new_payment_in_the_circle_is_linked_last(case: Case) -> Story:
    _refund_and_invoice(case.shop)
    yield
    _new_payment_in_between(case.shop)
    plan, sent = _taken((yield))
    assert sent == ["POST P 201", "POST R 200", "DELETE C0 204", "POST C1 200", "POST P 200"]
    assert (plan.releases, plan.late_links) == (0, 1)


@forgetful
def test_a_new_payment_in_the_circle_arrives_where_payloads_are_not_kept(case: Case) -> Story:
    _refund_and_invoice(case.shop)
    yield
    _new_payment_in_between(case.shop)
    step = yield
    assert step.writes
    step.in_step()


@together
def test_a_claimed_payment_in_the_circle_is_linked_last(case: Case) -> Story:
    _refund_and_invoice(case.shop)
    yield
    hub, name = case.desk.hub, case.desk.name
    id = hub.collect(case.marked("C2"), 700, organisation=name, validatedAt="2026-05-05")["id"]
    _new_payment_in_between(case.shop)
    plan, sent = _taken((yield))
    assert [claim.id for claim in plan.claims] == [id]
    assert sent == ["POST P 200", "POST R 200", "DELETE C0 204", "POST C1 200", "POST P 200"]
    assert case.get("/payments/external:P")["id"] == id


@together
def test_a_link_that_stays_goes_for_a_moment_with_its_owners_move(case: Case) -> Story:
    _family(case.shop)
    case.shop.invoice("N", "C1", 500)
    case.shop.payment("R", "C0", 500, {"N": 500})
    yield
    _regroup(case.shop)
    _move(case.shop, "payments", "R")
    plan, sent = _taken((yield))
    assert sent == ["POST R 200", "DELETE C0 204", "POST C1 200", "POST R 200"]
    assert (plan.releases, plan.late_links) == (0, 1)
