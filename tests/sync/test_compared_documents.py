"""Differences that a balance does not show: documents, states, due dates; with their reasons."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from pair import Pair
from rewound import Rewound, filled
from shop import Shop
from together import Case, Story, Together

from headrace.sync.remote.proof import DocumentDifference, Reconciled
from headrace.testkit.hub import RunningHub

together = Together()


def _fill(shop: Shop) -> None:
    """A customer with two invoices, of which one is paid."""
    shop.customer("A")
    shop.invoice("I1", "A", 1000)
    shop.invoice("I2", "A", 1000)
    shop.payment("P", "A", 1000, {"I1": 1000})


@pytest.fixture(scope="module")
def in_step(tmp_path_factory: pytest.TempPathFactory, open_hub: RunningHub) -> Rewound:
    def fill(shop: Shop) -> None:
        _fill(shop)
        shop.customer("B")
        shop.customer("C")
        shop.invoice("J", "C", 1000)

    return filled(tmp_path_factory.mktemp("compared"), open_hub, "compared", fill)


@pytest.fixture
def books(in_step: Rewound, tmp_path: Path) -> Iterator[Pair]:
    with in_step.pair(tmp_path / "shop") as pair:
        yield pair


def _change(case: Case, method: str, entity: str, name: str, body: object = None) -> None:
    """Changes a record in the API."""
    case.desk.request(method, f"/{entity}s/external:{case.marked(name)}", body)


def documents(proof: Reconciled) -> dict[str, DocumentDifference]:
    assert not proof.balanced
    return {one.external_id: one for each in proof.differences for one in each.documents}


def test_two_errors_that_cancel_out_in_the_balance_are_found(books: Pair) -> None:
    link = {"amountLinked": 1000, "invoice": {"externalId": "I2"}}
    books.desk.request("PUT", "/payments/external:P", {"linkedInvoices": [link]})
    done = books.desk.command("reconcile")
    assert done.returncode == 9
    assert "the balance is the same, its documents are not" in done.stdout


@together
def test_two_errors_that_cancel_out_are_those_of_their_documents(case: Case) -> Story:
    _fill(case.shop)
    yield
    link = {"amountLinked": 1000, "invoice": {"externalId": case.marked("I2")}}
    _change(case, "PUT", "payment", "P", {"linkedInvoices": [link]})
    found = documents((yield).proof)
    assert {(one.external_id, one.book, one.api) for one in found.values()} == {
        ("I1", 0, 1000),
        ("I2", 1000, 0),
    }
    assert found["I1"].reason == "open amounts differ; paid in the models, overdue in the API"
    assert found["I1"].number == "No I1"


@together
def test_a_due_date_changed_in_the_api_is_found(case: Case) -> Story:
    _fill(case.shop)
    yield
    late = (datetime.now(UTC) + timedelta(days=40)).date().isoformat()
    _change(case, "PUT", "invoice", "I2", {"dueDate": late})
    (found,) = documents((yield).proof).values()
    assert (found.external_id, found.book_state, found.api_state) == ("I2", "overdue", "due")
    assert found.reason == (
        f"overdue in the models, due in the API; due 2026-05-05 in the models, {late} in the API"
    )


@together
def test_a_paid_invoice_and_its_payment_that_are_both_gone_are_missed(case: Case) -> Story:
    _fill(case.shop)
    yield
    _change(case, "DELETE", "payment", "P")
    _change(case, "DELETE", "invoice", "I1")
    found = documents((yield).proof)
    assert {name: one.reason for name, one in found.items()} == {
        "I1": "not in the API: it was, and is gone: run `headrace drift --repair` to send it again",
        "P": "not in the API: it was, and is gone: run `headrace drift --repair` to send it again",
    }


@together
def test_an_invoice_that_is_due_today_is_due_or_overdue_by_the_zone(case: Case) -> Story:
    _fill(case.shop)
    for days in (-1, 0, 1):
        day = (datetime.now(UTC) + timedelta(days=days)).date().isoformat()
        case.shop.invoice(f"D{days}", "A", 500, day=day)
    assert len((yield).agreed()) == 7


@pytest.fixture(scope="module")
def unsent(in_step: Rewound, tmp_path_factory: pytest.TempPathFactory) -> Reconciled:
    """A proof before changes of two customers are sent."""
    with in_step.pair(tmp_path_factory.mktemp("unsent") / "shop") as pair:
        pair.shop.run("update invoices set customer_external_id = 'B' where external_id = 'I2'")
        pair.shop.payment("Q", "C", 1000, {"J": 1000})
        return pair.desk.reconcile()


def test_a_document_of_another_customer_says_whose_it_is(unsent: Reconciled) -> None:
    found = (each for each in unsent.differences if each.customer != "C")
    assert {each.customer: each.documents[0].reason for each in found} == {
        "A": "in the models it belongs to customer B",
        "B": "in the API it belongs to customer A",
    }


@together
def test_a_link_that_stays_behind_is_the_reason_of_its_invoice(case: Case) -> Story:
    _fill(case.shop)
    yield
    case.shop.customer("B")
    case.shop.invoice("I3", "B", 400)
    case.shop.payment("Q", "A", 400, {"I3": 400})
    found = documents((yield).proof)
    assert "its link from payment Q is not sent: it goes from customer A" in found["I3"].reason
    assert "its link to invoice I3 is not sent" in found["Q"].reason


@together
def test_what_is_withheld_is_the_reason_of_what_it_would_have_settled(case: Case) -> Story:
    _fill(case.shop)
    yield
    case.shop.payment("Q", "A", 1000, {"I2": 1000})
    case.run("update payments set validated_at = 'soon' where external_id = 'Q'")
    found = documents((yield).proof)
    assert found["Q"].reason.startswith("not in the API: has validated_at 'soon'")
    assert "its payment Q is withheld" in found["I2"].reason


def test_what_is_not_sent_yet_is_the_reason_of_what_it_will_settle(unsent: Reconciled) -> None:
    found = documents(unsent)
    assert found["Q"].reason == "not in the API: not sent yet"
    assert "its payment Q is not in the API" in found["J"].reason


@together
def test_a_link_whose_other_end_is_gone_does_not_count(case: Case) -> Story:
    _fill(case.shop)
    yield
    case.run("delete from invoices where external_id = 'I1'")
    proof = (yield).proof
    # The payment is the customer's credit by the rows; the API still has what it settled.
    assert [(one.book, one.api) for one in proof.differences] == [(1000 - 1000, 1000)]
    (found,) = documents(proof).values()
    assert (found.external_id, found.book, found.api) == ("P", -1000, 0)
    assert "its link to invoice I1 is not sent: it goes to an invoice that is not" in found.reason


def test_a_balance_that_the_api_converted_accuses_nobody(pair: Pair) -> None:
    control = pair.desk.hub.control
    control.call("POST", "/rates", {"base": "EUR", "rates": {"USD": "1.25"}, "day": "2020-01-01"})
    try:
        pair.shop.customer("A")
        pair.shop.customer("B", parent="A")
        pair.shop.invoice("I1", "A", 1000)
        pair.shop.invoice("I2", "B", 1000)
        pair.shop.run("update invoices set currency = 'USD' where external_id = 'I2'")
        pair.sync()
        customer = pair.desk.get("/customers/external:A")
        assert (customer["currency"], customer["balance"]) == ("EUR", 1800)
        pair.desk.request("PUT", "/invoices/external:I2", {"grossAmount": 999})
        assert documents(pair.desk.reconcile()).keys() == {"I2"}
    finally:
        control.call("DELETE", "/rates")
