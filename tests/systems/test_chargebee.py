"""Chargebee's objects, after the schemas of its Singer tap: what accountants argue about."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from warehouse import exported, external_ids, links

from headrace.book.book import Book
from project_books import balances, errors, open_amounts

CUSTOMER = {
    "id": "cus",
    "company": "Acme",
    "email": "ann@acme.io",
    "billing_address": {"line1": "1 Road", "city": "Paris", "country": "FR"},
    "contacts": [
        {"id": "k1", "email": "bob@acme.io", "enabled": True},
        {"id": "k2", "email": "ANN@acme.io", "enabled": True},
        {"id": "k3", "email": "old@acme.io", "enabled": False},
    ],
}
DAY = "2026-01-10T08:00:00.000000Z"


def invoice(number: str, total: int, due: int, **more: Any) -> dict[str, Any]:
    base = {"id": number, "customer_id": "cus", "status": "payment_due", "date": DAY}
    return {**base, "currency_code": "EUR", "total": total, "tax": 0, "amount_due": due, **more}


def transaction(number: str, kind: str, amount: int, **more: Any) -> dict[str, Any]:
    base = {"id": number, "customer_id": "cus", "type": kind, "status": "success", "date": DAY}
    return {**base, "currency_code": "EUR", "amount": amount, **more}


def note(number: str, total: int, **more: Any) -> dict[str, Any]:
    base = {"id": number, "customer_id": "cus", "type": "refundable", "status": "refund_due"}
    return {**base, "date": DAY, "currency_code": "EUR", "total": total, **more}


def paid(number: str, amount: int) -> dict[str, Any]:
    return {"txn_id": number, "applied_amount": amount, "txn_status": "success"}


TABLES: dict[str, list[dict[str, Any]]] = {
    "customers": [CUSTOMER],
    "invoices": [
        invoice("1", 10000, 2500, linked_payments=[paid("t1", 6000), paid("t9", 400)])
        | {"applied_credits": [{"cn_id": "c1", "applied_amount": 1500}]},
        invoice("2", 5000, 0, status="paid", write_off_amount=3000)
        | {"linked_taxes_withheld": [{"id": "w1", "amount": 500, "date": DAY}]}
        | {"adjustment_credit_notes": [{"cn_id": "c2", "cn_total": 1500}]},
        invoice("3", 700, 700, linked_payments=[paid("t3", 700)], status="not_paid"),
        invoice("4", 100, 0, status="voided"),
        invoice("5", 100, 100, status="pending"),
        invoice("6", 1200, 1200, currency_code="JPY"),
    ],
    "credit_notes": [
        note("c1", 2000, allocations=[{"invoice_id": "1", "allocated_amount": 1500}])
        | {"linked_refunds": [{"txn_id": "r1", "applied_amount": 300}]},
        note("c2", 1500, type="adjustment", status="adjusted"),
        note("c3", 3000, type="adjustment", status="adjusted", reason_code="write_off"),
        note("c4", 50, status="voided"),
    ],
    "transactions": [
        transaction("t1", "payment", 6500, payment_method="card"),
        transaction("t3", "payment", 700, reversal_transaction_id="v3"),
        transaction("t9", "payment", 400, status="failure"),
        transaction("v3", "payment_reversal", 700, reference_transaction_id="t3"),
        transaction("r1", "refund", 300, linked_credit_notes=[{"cn_id": "c1"}])
        | {"linked_credit_notes": [{"cn_id": "c1", "applied_amount": 300}]},
        transaction("r2", "refund", 200, refunded_txn_id="t1"),
    ],
}


@pytest.fixture(scope="module")
def book(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Book]:
    with exported("chargebee", TABLES, tmp_path_factory.mktemp("chargebee")) as made:
        yield made


def test_open_amounts_equal_chargebees_amounts_due(book: Book) -> None:
    assert errors(book) == []
    left = open_amounts(book)
    settled = dict(
        book.connection.execute(
            "select invoice_external_id, sum(amount)::bigint from book.settlements group by 1"
        ).fetchall()
    )
    kept = [i for i in TABLES["invoices"] if i["status"] not in ("voided", "pending")]
    assert external_ids(book, "invoices") == {i["id"] for i in kept}
    for item in kept:
        number = item["id"]
        assert left["invoice", number] - settled.get(number, 0) == item["amount_due"], number
    assert left["credit_note", "c1"] == 200 and left["payment", "t1"] == 300
    assert external_ids(book, "credit_notes") == {"c1", "c2"}


def test_each_settlement_has_its_kind_and_a_reversal_takes_its_payment_back(book: Book) -> None:
    found = book.connection.execute(
        "select invoice_external_id, kind, amount from book.settlements order by kind"
    ).fetchall()
    assert found == [("2", "withholding_tax", 500), ("2", "write_off", 3000)]
    assert links(book) == {
        ("payment", "t1", "invoice", "1", 6000),
        ("credit_note", "c1", "invoice", "1", 1500),
        ("credit_note", "c2", "invoice", "2", 1500),
        ("refund", "r1", "credit_note", "c1", 300),
        ("refund", "r2", "payment", "t1", 200),
        ("refund", "v3", "payment", "t3", 700),
    }
    owed = 2500 + 3500 + 700 - 200 - 300  # 35.00 of invoice 2 is settled without cash
    assert balances(book) == {("cus", "EUR"): owed, ("cus", "JPY"): 1200}
    assert external_ids(book, "contacts") == {"cus-contact", "k1"}


@pytest.mark.parametrize("day", ["2026-01-10T08:00:00Z", 1768032000])
def test_times_are_read_as_a_tap_and_as_the_api_writes_them(day: Any, tmp_path: Path) -> None:
    tables = {"customers": [CUSTOMER], "invoices": [invoice("1", 100, 100, date=day)]}
    with exported("chargebee", tables, tmp_path) as book:
        assert errors(book) == []
        found = book.connection.execute(
            "select strftime(issued_at, '%Y-%m-%d %H'), due_date = issued_at from book.invoices"
        ).fetchall()
        assert found == [("2026-01-10 08", True)]
