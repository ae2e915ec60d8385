"""Plans in corners: PDFs, errors, scopes, families that change, questions without an answer."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from planner_desk import Desk

from books import NONE, allocation, customer, invoice, payment
from headrace.book.payloads.directory import Directory, Field
from headrace.book.payloads.payloads import payload_hash
from headrace.model.clock import SYSTEM_CLOCK, parse_instant
from headrace.model.guards import GuardSettings
from headrace.sync.journal import Acknowledgement, Asked, Reject
from headrace.sync.planning.plan import Money
from headrace.sync.planning.planner import Planner
from headrace.sync.planning.scope import Scope
from headrace.sync.planning.shift import OpenShift

PDF = b"%PDF-1.4 one"


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    opened = Desk(tmp_path)
    yield opened
    opened.journal.close()
    opened.book.close()


def pdf(name: str, etag: str | None = None) -> dict[str, Any]:
    return {"entity": "invoice", "external_id": "i1", "location": name, "etag": etag}


def test_a_pdf_is_sent_when_its_content_changes_and_taken_back_by_nobody(desk: Desk) -> None:
    (desk.folder / "one.pdf").write_bytes(PDF)
    tables: dict[str, Any] = {"customers": [customer("c1")], "invoices": [invoice("i1")]}
    desk.plan(**tables, documents=[pdf("one.pdf", "a")])
    assert desk.operations()[-1] == ("create", "invoice_pdf", "i1")
    assert [change.fields for change in desk.planner.changes().read()][-1] == []
    rows = desk.book.connection.execute(
        "select entity, external_id, customer, fingerprint from plan.operations order by number"
    ).fetchall()
    digest = desk.planner._pdfs.digest("invoice_pdf", "i1")
    assert digest is not None
    bodies = desk.planner.samples()
    assert set(bodies) == {"customer", "invoice"}
    for entity, external_id, owner, fingerprint in rows:
        hash = digest if entity == "invoice_pdf" else b"other"
        body = bodies.get(entity)
        desk.journal.acknowledge(
            [Acknowledgement(entity, external_id, owner, fingerprint, hash, body)]
        )
    plan = desk.plan(**tables, documents=[pdf("one.pdf", "b")])
    assert plan.count("invoice_pdf", "update") == 0
    assert ("invoice_pdf", "i1") in [(entity, x) for _, entity, x in desk.planner.unchanged]
    (desk.folder / "one.pdf").write_bytes(PDF + b" and more")
    plan = desk.plan(**tables, documents=[pdf("one.pdf", "c")])
    assert plan.count("invoice_pdf", "update") == 1
    desk.journal.acknowledge([Acknowledgement("credit_note_pdf", "n1", "c1", 1, b"h", None)])
    plan = desk.plan(**tables, documents=NONE)
    assert plan.empty
    gone = [("credit_note_pdf", "n1"), ("invoice_pdf", "i1")]
    assert sorted(desk.planner.gone_pdfs()) == gone


def test_a_plan_is_made_with_its_settings(desk: Desk) -> None:
    guards = GuardSettings(money=9)
    desk.planner = Planner(desk.book, desk.journal, SYSTEM_CLOCK, guards=guards)
    plan = desk.plan(customers=[customer("c1")], invoices=[invoice("i1")])
    assert (plan.organisation, plan.rate, plan.in_flight, plan.guards) == ("acme", 600, 5, guards)
    age = (SYSTEM_CLOCK.now() - parse_instant(plan.made_at)).total_seconds()
    assert 0 <= age < 60
    assert plan.whole and plan.left_out == 0
    assert plan.latency == desk.planner.make("acme", 600, 5, None).latency
    assert desk.planner.make("acme", 600, 5, 0.7).latency == 0.7
    assert (plan.applied, plan.desired) == ({}, {"customer": 1, "invoice": 1})
    assert (plan.longest_lane, plan.longest_open_lane) == (0, 2)
    assert plan.money == [Money("invoice", "create", "EUR", 100)]


def test_the_digest_stands_for_what_is_sent(desk: Desk) -> None:
    rows: dict[str, Any] = {"customers": [customer("c1")], "invoices": [invoice("i1")]}
    desk.plan(**rows)
    first = desk.planner.digest()
    desk.plan(**rows)
    assert desk.planner.digest() == first
    desk.plan(**{**rows, "invoices": [invoice("i1", gross=7)]})
    assert desk.planner.digest() != first
    desk.take_all()
    desk.plan(**{**rows, "invoices": [invoice("i1", gross=7)]})
    assert desk.planner.digest() == 0


def test_a_part_of_a_plan_says_what_it_leaves_out(desk: Desk) -> None:
    rows: dict[str, Any] = {
        "customers": [customer("c1"), customer("c2")],
        "invoices": [invoice("i1"), invoice("i2", "c2")],
    }
    plan = desk.plan(Scope(customer="c1"), **rows)
    assert desk.operations() == [("create", "customer", "c1"), ("create", "invoice", "i1")]
    assert (plan.whole, plan.left_out) == (False, 2)
    plan = desk.plan(Scope(limit=1), **rows)
    assert len(desk.operations()) == plan.requests == 1
    plan = desk.plan(Scope(only=("invoice",)), **rows)
    assert desk.operations() == []
    assert {held.external_id: held.reason for held in plan.held} == {
        "i1": "its customer c1 is left out of this plan",
        "i2": "its customer c2 is left out of this plan",
    }


def test_what_left_the_source_stays_where_a_rule_says_so(desk: Desk) -> None:
    desk.planner = Planner(desk.book, desk.journal, SYSTEM_CLOCK, {"invoice": "report"})
    desk.plan(customers=[customer("c1")], invoices=[invoice("i1")])
    desk.take_all()
    plan = desk.plan(customers=[customer("c1")], invoices=NONE)
    assert plan.empty
    assert [(gone.external_id, gone.reason, gone.number) for gone in plan.departed] == [
        ("i1", "left the source", "N-i1")
    ]


def test_what_a_plan_moves_is_measured(desk: Desk) -> None:
    rows: dict[str, Any] = {
        "customers": [customer("c1")],
        "contacts": [{"customer_external_id": "c1", "email": "a@x.test"}],
        "invoices": [invoice("i1"), invoice("i2", gross=50), invoice("i3", gross=7)],
        "payments": [payment("p1")],
        "allocations": [allocation("payment p1", "invoice i1", 60)],
    }
    desk.plan(**rows)
    desk.take_all()
    plan = desk.plan(
        **{
            **rows,
            "contacts": [{"customer_external_id": "c1", "email": "b@x.test"}],
            "invoices": [invoice("i1"), invoice("i2", gross=80)],
            "allocations": [allocation("payment p1", "invoice i1", 50)],
        }
    )
    shift = plan.shift
    assert (shift.amounts, shift.reopened, shift.settled) == ({"invoice": 1}, 1, 1)
    assert (shift.contacts, shift.contacts_removed) == (1, 1)
    change = 30 + 10 - 7
    assert shift.open == [OpenShift("EUR", 3, 100 - 50 + 80 - change, change)]
    assert plan.money == [
        Money("invoice", "delete", "EUR", 7),
        Money("invoice", "update", "EUR", 30),
        Money("payment", "update", "EUR", 10),
    ]
    assert {count.entity: count.count for count in plan.counts if count.action == "update"} == {
        "customer": 1,
        "invoice": 1,
        "payment": 1,
    }


def test_a_value_that_could_not_be_read_goes_once_its_row_is_empty(desk: Desk) -> None:
    desk.book.set_directory(Directory(fields=[Field("Size", "NUMBER", id="f", external_id="size")]))

    def plan(value: Any) -> Any:
        return desk.plan(customers=[customer("c1", custom_fields=f'{{"size": {value}}}')])

    plan("7")
    desk.take_all()
    # What stayed while the row could not be read: the journal keeps it with the payload.
    plan('"large"')
    record = desk.planner._payloads.fetch("customer", ["c1"])["c1"]
    body = msgspec.json.decode(msgspec.json.encode(record))
    kept = {**body, "customFields": [{"externalId": "size", "value": 7}]}
    payload = msgspec.json.encode(kept, order="sorted")
    (fingerprint,) = desk.book.connection.execute(
        "select fingerprint from book.fingerprints where external_id = 'c1'"
    ).fetchall()[0]
    plain = msgspec.json.encode(record, order="sorted")
    desk.journal.acknowledge(
        [Acknowledgement("customer", "c1", "c1", fingerprint, payload_hash(plain), payload)]
    )
    assert plan('"large"').empty
    assert desk.plan(customers=[customer("c1")]).count("customer", "update") == 1


def test_customers_that_change_their_family_take_their_links_along(desk: Desk) -> None:
    rows: dict[str, Any] = {
        "customers": [
            customer("a"),
            customer("b", parent_external_id="a"),
            customer("d"),
        ],
        "invoices": [invoice("i1", "b")],
        "payments": [payment("p1", "a", 100)],
        "allocations": [allocation("payment p1", "invoice i1", 60)],
    }
    desk.plan(**rows)
    desk.take_all()
    moved = [
        customer("a", parent_external_id="d"),
        customer("b", parent_external_id="d"),
        customer("d"),
    ]
    plan = desk.plan(**{**rows, "customers": moved})
    assert plan.releases == 1
    assert desk.operations() == [
        ("release", "payment", "p1"),
        ("update", "customer", "a"),
        ("update", "payment", "p1"),
        ("update", "customer", "b"),
    ]
    assert desk.waits() == {("b", "p1"), ("a", "b"), ("p1", "b")}


def test_a_question_without_an_answer_is_asked_again_or_taken_back(desk: Desk) -> None:
    rows: dict[str, Any] = {"customers": [customer("c1")], "invoices": [invoice("i1")]}
    for name in ("i1", "i9"):
        desk.journal.ask(Asked("invoice", name, "create", "c1"))
    desk.journal.flush()
    desk.plan(**rows)
    assert desk.operations() == [
        ("create", "customer", "c1"),
        ("delete", "invoice", "i9"),
        ("create", "invoice", "i1"),
    ]


def test_a_settlement_goes_without_its_link_to_what_was_refused(desk: Desk) -> None:
    rows: dict[str, Any] = {
        "customers": [customer("c1")],
        "invoices": [invoice("i1"), invoice("i2")],
        "payments": [payment("p1", amount=200)],
        "allocations": [
            allocation("payment p1", "invoice i1"),
            allocation("payment p1", "invoice i2"),
        ],
    }
    desk.plan(**rows)
    (fingerprint,) = desk.book.connection.execute(
        "select fingerprint from book.fingerprints where external_id = 'i1'"
    ).fetchall()[0]
    desk.journal.reject(Reject("invoice", "i1", fingerprint, 400, "no"))
    desk.planner.note_around()
    plan = desk.plan(**rows)
    assert ("create", "payment", "p1") in desk.operations()
    assert {held.external_id: held.reason for held in plan.held} == {"i1": "refused before: no"}
    body = desk.planner.samples()["payment"]
    links = msgspec.json.decode(body)["linkedInvoices"]
    assert [link["invoice"]["externalId"] for link in links] == ["i2"]


def test_a_parent_that_left_stays_while_a_child_in_error_keeps_it(desk: Desk) -> None:
    rows: dict[str, Any] = {
        "customers": [customer("a"), customer("b", parent_external_id="a")],
        "invoices": [invoice("i1", "b")],
    }
    desk.plan(**rows)
    desk.take_all()
    plan = desk.plan(**{**rows, "customers": [customer("b", name=None, parent_external_id="a")]})
    assert ("delete", "customer", "a") not in desk.operations()
    assert "b" in {one.external_id for one in plan.withheld}


def test_a_refused_move_is_sent_again_once_what_the_api_links_to_it_goes(tmp_path: Path) -> None:
    desk = Desk(tmp_path, keep_payloads=False)
    rows: dict[str, Any] = {
        "customers": [customer("c1"), customer("c2"), customer("c3")],
        "invoices": [invoice("i1")],
        "payments": [payment("p1")],
        "allocations": [allocation("payment p1", "invoice i1")],
    }
    desk.plan(**rows)
    desk.take_all()
    # The invoice moves and another payment settles it. The API still links the old one to it, and
    # the old one is in error.
    moved: dict[str, Any] = {
        **rows,
        "invoices": [invoice("i1", "c2")],
        "allocations": [allocation("payment p2", "invoice i1")],
    }
    in_error = [payment("p1", "nobody"), payment("p2", "c2")]
    desk.plan(**{**moved, "payments": in_error})
    for entity, external_id in (("invoice", "i1"), ("payment", "p2")):
        (fingerprint,) = desk.book.connection.execute(
            "select fingerprint from book.fingerprints where external_id = $1", [external_id]
        ).fetchall()[0]
        desk.journal.reject(Reject(entity, external_id, fingerprint, 400, "other families"))
    desk.planner.note_around()
    plan = desk.plan(**{**moved, "payments": in_error})
    assert plan.empty
    assert {held.external_id for held in plan.held} == {"i1", "p2"}
    plan = desk.plan(**{**moved, "payments": [payment("p1", "c3"), payment("p2", "c2")]})
    assert plan.held == []
    assert {external_id for _, _, external_id in desk.operations()} == {"i1", "p1", "p2"}
    desk.journal.close()
    desk.book.close()


def test_the_neighbours_of_many_rejects_of_one_customer_are_not_its_pairs(desk: Desk) -> None:
    rows = {"customers": [customer("c1")], "invoices": [invoice(f"i{n}") for n in range(100)]}
    desk.plan(**rows)
    desk.take_all()
    for n in range(100):
        desk.journal.reject(Reject("invoice", f"i{n}", n, 400, "no"))
    desk.planner.note_around()
    (pairs,) = desk.book.connection.execute(
        "select count(*) from neighbours_of_rejected"
    ).fetchall()[0]
    assert pairs <= 300
