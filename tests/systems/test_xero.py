"""Xero as Fivetran lands it: published seeds, and what accountants argue about."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from warehouse import FORMS, external_ids, links, rows_of, seeded, written

from project_books import balances, errors, open_amounts
from published import published

CONTACT = {"contact_id": "acme", "name": "Acme", "email_address": "ann@acme.io"}


def document(kind: str, number: str, total: str, **more: Any) -> dict[str, Any]:
    return {
        f"{kind}_id": number,
        f"{kind}_number": number.upper(),
        "contact_id": "acme",
        "status": "AUTHORISED",
        "date": "2026-01-10",
        "due_date": "2026-02-10",
        "currency_code": "EUR",
        "total": total,
        "total_tax": "0",
        **more,
    }


def invoice(number: str, total: str, **more: Any) -> dict[str, Any]:
    return document("invoice", number, total, type="ACCREC", amount_paid="0", **more)


@pytest.mark.parametrize("form", FORMS)
def test_open_amounts_of_the_published_seeds_equal_xeros_amounts_due(
    form: str, tmp_path: Path
) -> None:
    folder = published("fivetran/xero")
    seeds = {
        p.name.removeprefix("xero_").removesuffix("_data.csv"): p for p in folder.glob("*.csv")
    }
    sold = [
        r
        for r in rows_of(seeds["invoice"])
        if r["type"] == "ACCREC" and r["status"] in ("AUTHORISED", "PAID")
    ]
    with seeded("xero", seeds, form, tmp_path) as book:
        assert errors(book) == []
        left = {k[1]: v for k, v in open_amounts(book).items() if k[0] == "invoice"}
        assert left == {r["invoice_id"]: int(Decimal(r["amount_due"]) * 100) for r in sold}
        assert len(left) == 116
        # Suppliers are no customers, and what was paid has no rows of its own in this sample.
        assert external_ids(book, "customers") == {r["contact_id"] for r in sold}
        assert all(number.startswith("paid-") for number in external_ids(book, "payments"))
        owed: dict[tuple[str, str], int] = {}
        for row in sold:
            key = (row["contact_id"], row["currency_code"])
            owed[key] = owed.get(key, 0) + int(Decimal(row["amount_due"]) * 100)
        assert balances(book) == {key: amount for key, amount in owed.items() if amount}


def test_payments_in_part_and_credits_are_allocated_as_xero_counts_them(tmp_path: Path) -> None:
    tables = {
        "contact": [CONTACT],
        "invoice": [
            invoice("f1", "100.00", amount_credited="30.00") | {"amount_paid": "20.00"},
            invoice("f2", "50.00", amount_credited="45.00"),
        ],
        "credit_note": [
            document("credit_note", "c1", "40.00", type="ACCRECCREDIT", remaining_credit="0"),
            document("credit_note", "c2", "9.00", type="ACCRECCREDIT", remaining_credit="4.00"),
        ],
        "overpayment": [
            document("overpayment", "o1", "60.00", type="RECEIVE-OVERPAYMENT")
            | {"remaining_credit": "20.00", "date": "2026-01-12"}
        ],
        "payment": [
            {"payment_id": "p1", "invoice_id": "f1", "amount": "12.00", "date": "2026-01-20"},
            {"payment_id": "p2", "invoice_id": "f1", "amount": "9.00", "status": "DELETED"},
            {"payment_id": "p3", "overpayment_id": "o1", "amount": "10.00", "date": "2026-01-30"},
        ],
    }
    with written("xero", tables, tmp_path) as book:
        assert errors(book) == []
        left = open_amounts(book)
        assert left["invoice", "f1"] == 5000 and left["invoice", "f2"] == 500
        assert left["credit_note", "c1"] == 0 and left["credit_note", "c2"] == 400
        assert left["payment", "o1"] == 2000
        assert links(book) >= {
            ("payment", "p1", "invoice", "f1", 1200),
            ("payment", "paid-f1", "invoice", "f1", 800),
            ("credit_note", "c1", "invoice", "f1", 3000),
            ("credit_note", "c1", "invoice", "f2", 1000),
            ("refund", "p3", "payment", "o1", 1000),
        }
        assert balances(book) == {("acme", "EUR"): 5000 + 500 - 400 - 2000}


def test_drafts_voided_and_bills_are_left_out(tmp_path: Path) -> None:
    tables = {
        "contact": [CONTACT, {"contact_id": "supplier", "name": "Supplier"}],
        "invoice": [
            invoice("f1", "100.00"),
            invoice("f2", "1.00") | {"status": "DRAFT"},
            invoice("f3", "1.00") | {"status": "SUBMITTED"},
            invoice("f4", "1.00") | {"status": "VOIDED"},
            invoice("f5", "1.00") | {"type": "ACCPAY", "contact_id": "supplier"},
        ],
        "credit_note": [
            document("credit_note", "c1", "5.00", type="ACCRECCREDIT", status="VOIDED"),
            document("credit_note", "c2", "5.00", type="ACCPAYCREDIT"),
        ],
    }
    with written("xero", tables, tmp_path) as book:
        assert errors(book) == []
        assert external_ids(book, "invoices") == {"f1"}
        assert external_ids(book, "credit_notes") == set()
        assert external_ids(book, "customers") == {"acme"}
        assert external_ids(book, "contacts") == {"acme-contact"}
