"""Plans: what is sent, in which order, and what stays behind."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from planner_desk import Desk

import headrace.book.derivation.marking as marking
import headrace.book.payloads.payloads as payloads
from books import NONE, allocation, credit_note, customer, invoice, payment
from headrace.book.derivation.fingerprints import fingerprints_of
from headrace.book.payloads.payloads import PAYLOAD_VERSION
from headrace.sync.journal import Reject

TABLES = ("operations", "lanes", "waits")


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    opened = Desk(tmp_path)
    yield opened
    opened.journal.close()
    opened.book.close()


def test_a_payment_stands_right_behind_the_last_invoice_that_it_settles(desk: Desk) -> None:
    desk.plan(
        customers=[customer("c1")],
        invoices=[
            invoice(f"i{n}", issued_at=f"2026-01-0{n}", due_date="2026-02-01") for n in (1, 2, 3, 4)
        ],
        credit_notes=[credit_note("n1", gross=50, issued_at="2026-05-01")],
        payments=[payment("p1", amount=200), payment("p2", amount=50), payment("p3", amount=7)],
        refunds=[payment("r1", amount=7)],
        allocations=[
            allocation("payment p1", "invoice i1"),
            allocation("payment p1", "invoice i3"),
            allocation("credit_note n1", "invoice i2", 50),
            allocation("payment p2", "invoice i2", 50),
            allocation("refund r1", "payment p3", 7),
        ],
    )
    order = [external_id for _, entity, external_id in desk.operations() if entity != "customer"]
    # i4 is open; the rest is the settled past.
    assert order == ["i4", "i1", "i2", "n1", "p2", "i3", "p1", "p3", "r1"]


def test_open_items_with_all_that_is_linked_go_before_the_settled_past(desk: Desk) -> None:
    plan = desk.plan(
        customers=[customer("c1"), customer("c2"), customer("c3")],
        invoices=[invoice("i1"), invoice("i2"), invoice("i3", "c2"), invoice("i4", "c2", 300)],
        payments=[payment("p1"), payment("p2", amount=150), payment("p3", "c2", 200)],
        allocations=[
            allocation("payment p1", "invoice i1"),
            allocation("payment p2", "invoice i2"),
            allocation("payment p3", "invoice i3"),
            allocation("payment p3", "invoice i4"),
        ],
    )
    rows = desk.book.connection.execute("select external_id, phase from plan.operations").fetchall()
    assert dict(rows) == {
        "c1": 1, "c2": 1, "c3": 2,
        "i2": 1, "p2": 1,  # p2 has 50 left
        "i3": 1, "i4": 1, "p3": 1,  # i4 is open, p3 links i3 to it
        "i1": 2, "p1": 2,
    }  # fmt: skip
    assert (plan.requests, plan.open_requests) == (10, 7)


def test_parents_go_first_and_links_across_customers_wait(desk: Desk) -> None:
    desk.plan(
        customers=[
            customer("child", parent_external_id="mid"),
            customer("mid", parent_external_id="root"),
            customer("root"),
        ],
        invoices=[invoice("i1", "child", issued_at="2026-01-02"), invoice("i2", "root")],
        payments=[payment("p1", "root"), payment("p2", "child")],
        allocations=[
            allocation("payment p1", "invoice i1"),
            allocation("payment p2", "invoice i2"),
        ],
    )
    assert desk.operations()[0] == ("create", "customer", "root")
    assert desk.waits() == {("child", "root"), ("mid", "root"), ("p1", "i1"), ("p2", "i2")}


def test_nothing_changed_plans_nothing_and_a_change_plans_itself(desk: Desk) -> None:
    tables = {
        "customers": [customer("c1"), customer("c2")],
        "contacts": [{"customer_external_id": "c1", "external_id": "k1", "email": "a@x.test"}],
        "invoices": [invoice("i1"), invoice("i2")],
        "payments": [payment("p1", amount=150)],
        "allocations": [allocation("payment p1", "invoice i1", 50)],
    }
    assert desk.plan(**tables).requests == 5
    desk.take_all()
    assert desk.plan(**tables).empty
    contacts = [{"customer_external_id": "c1", "external_id": "k1", "email": "b@x.test"}]
    assert desk.plan(**{**tables, "contacts": contacts}).requests == 1
    assert desk.operations() == [("update", "customer", "c1")]
    changes = list(desk.planner.changes().read(10))
    assert changes[0].fields == [("contacts[k1].email", "a@x.test", "b@x.test")]
    allocations = [
        allocation("payment p1", "invoice i1", 50),
        allocation("payment p1", "invoice i2", 60),
    ]
    desk.plan(**{**tables, "allocations": allocations})
    assert desk.operations() == [("update", "payment", "p1")]


def test_a_row_that_moves_without_its_payload_is_not_sent(desk: Desk) -> None:
    tables = {"customers": [customer("c1")], "invoices": [invoice("i1", marked_paid_at=None)]}
    desk.plan(**tables)
    desk.take_all()
    # The fingerprint of another engine: every row is a candidate, no payload differs.
    desk.journal.refresh([(-1, "customer", "c1"), (-1, "invoice", "i1")])
    assert desk.plan(**tables).empty
    assert len(desk.planner.unchanged) == 2
    desk.journal.refresh(desk.planner.unchanged)
    desk.plan(**tables)
    assert desk.planner.unchanged == []


def test_what_left_the_source_is_deleted_in_reverse(desk: Desk) -> None:
    everything = {
        "customers": [customer("c1"), customer("c2")],
        "invoices": [invoice("i1"), invoice("i2", "c2")],
        "payments": [payment("p1")],
        "refunds": [payment("r1")],
        "allocations": [allocation("payment p1", "invoice i1")],
    }
    desk.plan(**everything)
    desk.take_all()
    plan = desk.plan(
        customers=[customer("c2")],
        invoices=[invoice("i2", "c2")],
        payments=NONE,
        refunds=NONE,
        allocations=NONE,
    )
    assert desk.operations() == [
        ("delete", "refund", "r1"),
        ("delete", "payment", "p1"),
        ("delete", "invoice", "i1"),
        ("delete", "customer", "c1"),
    ]
    assert plan.count("invoice", "delete") == 1


def test_a_withheld_record_is_neither_sent_nor_deleted(desk: Desk) -> None:
    good = {"customers": [customer("c1")], "invoices": [invoice("i1"), invoice("i2")]}
    desk.plan(**good)
    desk.take_all()
    bad = [invoice("i1", currency="EURO"), invoice("i2")]
    plan = desk.plan(customers=[customer("c1")], invoices=bad)
    assert plan.empty
    assert [(w.entity, w.external_id) for w in plan.withheld] == [("invoice", "i1")]
    assert plan.errors == 1


def test_a_refused_record_holds_back_what_depends_on_it_until_it_changes(desk: Desk) -> None:
    tables: dict[str, Any] = {
        "customers": [customer("c1"), customer("c2")],
        "invoices": [invoice("i1"), invoice("i2", "c2")],
        "payments": [payment("p1")],
        "allocations": [allocation("payment p1", "invoice i1")],
    }
    desk.plan(**tables)
    fingerprint = desk.book.connection.execute(
        "select fingerprint from book.fingerprints where external_id = 'c1'"
    ).fetchall()[0][0]
    desk.journal.reject(Reject("customer", "c1", fingerprint, 400, "no such position"))
    desk.planner.note_around()
    plan = desk.plan(**tables)
    assert [external_id for _, _, external_id in desk.operations()] == ["c2", "i2"]
    assert {w.external_id: w.reason for w in plan.held} == {
        "c1": "refused before: no such position",
        "i1": "its customer c1 was refused",
        "p1": "its customer c1 was refused",
    }
    renamed = [customer("c1", vat_number="X"), customer("c2")]
    assert desk.plan(**{**tables, "customers": renamed}).requests == 5


def test_settlements_that_shrink_go_ahead_of_what_uses_the_room(desk: Desk) -> None:
    tables: dict[str, Any] = {
        "customers": [customer("c1")],
        "invoices": [invoice("i1", marked_paid_at="2026-03-01"), invoice("i2")],
        "payments": [payment("p1")],
        "allocations": [allocation("payment p1", "invoice i2")],
    }
    desk.plan(**tables)
    desk.take_all()
    plan = desk.plan(
        **{
            **tables,
            "payments": [payment("p1"), payment("p2"), payment("p3")],
            "allocations": [
                allocation("payment p1", "invoice i2", 40),
                allocation("payment p2", "invoice i2", 60),
                allocation("payment p3", "invoice i1"),
            ],
        }
    )
    assert plan.requests == 4
    assert desk.operations() == [
        ("delete", "payment", "fix:i1"),
        ("update", "payment", "p1"),
        ("create", "payment", "p2"),
        ("create", "payment", "p3"),
    ]


def test_a_customer_that_left_while_its_documents_stay_is_not_deleted(desk: Desk) -> None:
    tables: dict[str, Any] = {
        "customers": [customer("c1"), customer("c2"), customer("c3", parent_external_id="c2")],
        "invoices": [invoice("i1")],
    }
    desk.plan(**tables)
    desk.take_all()
    plan = desk.plan(**{**tables, "customers": [customer("c3", parent_external_id="c2")]})
    assert plan.empty
    assert {(w.entity, w.external_id) for w in plan.withheld} == {
        ("invoice", "i1"),
        ("customer", "c2"),
    }
    assert {w.external_id: w.reason for w in plan.held} == {
        "c1": "left the source, where others still refer to it",
    }


def test_a_refusal_is_forgotten_once_the_record_is_as_it_was(desk: Desk) -> None:
    tables: dict[str, Any] = {"customers": [customer("c1")]}
    desk.plan(**tables)
    desk.take_all()
    desk.journal.reject(Reject("customer", "c1", 5, 400, "no"))
    desk.planner.note_around()
    desk.plan(**tables)
    assert desk.planner.settled_rejects == [("customer", "c1")]
    desk.journal.drop_rejects(desk.planner.settled_rejects)
    assert desk.journal.rejects() == []


def test_a_plan_of_nothing_has_the_tables_of_any(desk: Desk) -> None:
    def columns() -> list[list[tuple[str, str]]]:
        return [
            [row[:2] for row in desk.book.connection.execute(f"describe plan.{name}").fetchall()]
            for name in TABLES
        ]

    desk.plan(customers=[customer("c1")])
    of_some = columns()
    desk.take_all()
    assert desk.plan(customers=[customer("c1")]).empty
    assert desk.operations() == []
    assert columns() == of_some


def test_another_version_of_payloads_sends_every_record_again(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Fingerprints pick the candidates, so they have to move with it."""
    rows: dict[str, Any] = {"customers": [customer("C")], "invoices": [invoice("I", "C")]}
    desk.plan(**rows)
    desk.take_all()
    assert desk.plan(**rows).empty
    monkeypatch.setattr(payloads, "PAYLOAD_VERSION", PAYLOAD_VERSION + 1)
    monkeypatch.setattr(marking, "FINGERPRINTS", fingerprints_of(PAYLOAD_VERSION + 1))
    assert desk.plan(**rows).requests == 2
    desk.take_all()
    assert desk.plan(**rows).empty
