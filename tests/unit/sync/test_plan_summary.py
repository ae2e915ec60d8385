"""What a plan says of the whole: drift, counts, claims, lists that were not read."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from planner_desk import Desk

from books import NONE, allocation, customer, invoice, payment
from headrace.model.clock import SYSTEM_CLOCK
from headrace.sync.collection.claiming import Claimer
from headrace.sync.journal import Drift, Key, Reject
from headrace.sync.planning.planner import Planner
from headrace.sync.planning.scope import Scope


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    opened = Desk(tmp_path)
    yield opened
    opened.journal.close()
    opened.book.close()


ROWS: dict[str, Any] = {"customers": [customer("c1")], "invoices": [invoice("i1")]}


def test_a_plan_names_what_drifted_and_counts_what_the_api_has(desk: Desk) -> None:
    plan = desk.plan(**ROWS)
    assert plan.latency > 0
    assert plan.shift.imported is False
    desk.take_all()
    desk.journal.note_imported()
    desk.journal.mark_drifted([Drift("invoice", "i1", [("netAmount", "100", "90")])])
    plan = desk.plan(**{**ROWS, "invoices": [invoice("i1"), invoice("i2")]})
    assert [(one.entity, one.external_id, one.number, one.reason) for one in plan.drifted] == [
        ("invoice", "i1", "N-i1", "the API keeps netAmount 90 instead of 100")
    ]
    assert plan.applied == {"customer": 1, "invoice": 1}
    assert plan.desired == {"customer": 1, "invoice": 2}
    assert plan.shift.imported is True


def test_what_is_withheld_is_not_desired(desk: Desk) -> None:
    invoices = [invoice("i1"), invoice("i2", gross=-5)]
    plan = desk.plan(customers=[customer("c1")], invoices=invoices)
    assert plan.desired == {"customer": 1, "invoice": 1}
    assert [one.external_id for one in plan.withheld] == ["i2"]


def test_a_link_in_error_is_named_although_its_records_are_sent(desk: Desk) -> None:
    plan = desk.plan(
        customers=[customer("c1")],
        invoices=[invoice("i1", currency="USD")],
        payments=[payment("p1")],
        allocations=[allocation("payment p1", "invoice i1")],
    )
    assert {external_id for _, _, external_id in desk.operations()} == {"c1", "i1", "p1"}
    assert len(plan.withheld) == 1


class _Decided(Claimer):
    """A person has decided that the payment p1 is money that was collected."""

    def unsent(self) -> list[Key]:
        return [("payment", "p1")]


def test_a_refused_payment_is_sent_once_it_is_a_claim(desk: Desk) -> None:
    rows = {**ROWS, "payments": [payment("p1"), payment("p2")]}
    desk.plan(**rows)
    for name, fingerprint in desk.book.connection.execute(
        "select external_id, fingerprint from book.fingerprints where entity = 'payment'"
    ).fetchall():
        desk.journal.reject(Reject("payment", name, fingerprint, 400, "no"))
    desk.planner.note_around()
    desk.plan(**rows)
    assert not [one for one in desk.operations() if one[1] == "payment"]
    claimer = _Decided(desk.book.connection, desk.journal, "off")
    desk.planner = Planner(desk.book, desk.journal, SYSTEM_CLOCK, claimer=claimer)
    desk.plan(**rows)
    assert [one for one in desk.operations() if one[1] == "payment"] == [
        ("create", "payment", "p1")
    ]


def test_a_plan_says_why_collected_money_was_not_read(desk: Desk) -> None:
    claimer = Claimer(desk.book.connection, desk.journal, "hold")
    desk.planner = Planner(desk.book, desk.journal, SYSTEM_CLOCK, claimer=claimer)
    plan = desk.plan(**ROWS, payments=[payment("p1")])
    assert (plan.unread, plan.claims) == ("", [])
    claimer.forget()
    assert desk.planner.make("acme", 600, 5).unread == "it was not asked yet"


def test_a_parent_stays_while_a_child_that_this_plan_leaves_out_has_it(desk: Desk) -> None:
    family = [customer("a"), customer("b", parent_external_id="a"), customer("d")]
    desk.plan(customers=family, invoices=NONE)
    desk.take_all()
    desk.plan(Scope(customer="a"), customers=[customer("b"), customer("d")], invoices=NONE)
    assert desk.operations() == []
    desk.plan(customers=[customer("b"), customer("d")], invoices=NONE)
    assert set(desk.operations()) == {("update", "customer", "b"), ("delete", "customer", "a")}
