"""Xero's objects: the examples of its published API description, and cases after its schemas."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from warehouse import exported, external_ids, links

from project_books import balances, errors, open_amounts
from published import published

CONTACT = {
    "ContactID": "acme",
    "Name": "Acme",
    "EmailAddress": "ann@acme.io",
    "Phones": [
        {"PhoneType": "DEFAULT", "PhoneNumber": "111"},
        {"PhoneType": "MOBILE", "PhoneCountryCode": "33", "PhoneNumber": "222"},
    ],
    "ContactPersons": [{"EmailAddress": "bob@acme.io", "FirstName": "Bob", "LastName": "B"}],
}


def document(key: str, number: str, kind: str, total: float, **more: Any) -> dict[str, Any]:
    base = {key: number, "Type": kind, "Status": "AUTHORISED", "Contact": {"ContactID": "acme"}}
    day = {"Date": "/Date(1767225600000+0000)/", "DateString": "2026-01-01T00:00:00"}
    return {**base, **day, "CurrencyCode": "EUR", "Total": total, "TotalTax": 0, **more}


def test_open_amounts_of_the_published_examples_equal_xeros(tmp_path: Path) -> None:
    yaml = pytest.importorskip("yaml")
    loader = getattr(yaml, "CBaseLoader", yaml.BaseLoader)  # the former is ten times as fast
    described = yaml.load(published("xero/xero_accounting.yaml").read_text("utf-8"), Loader=loader)
    tables = {}
    for path, table in {
        "Invoices": "invoices",
        "CreditNotes": "credit_notes",
        "Payments": "payments",
        "Overpayments": "overpayments",
        "Prepayments": "prepayments",
        "Contacts": "contacts",
    }.items():
        answer = described["paths"][f"/{path}"]["get"]["responses"]["200"]
        example = answer["content"]["application/json"]["example"]
        tables[table] = (json.loads(example) if isinstance(example, str) else example)[path]
    with exported("xero_api", tables, tmp_path) as book:
        assert errors(book) == []
        open_items = [
            ("invoice", "invoices", "InvoiceID", "AmountDue"),
            ("credit_note", "credit_notes", "CreditNoteID", "RemainingCredit"),
            ("payment", "overpayments", "OverpaymentID", "RemainingCredit"),
            ("payment", "prepayments", "PrepaymentID", "RemainingCredit"),
        ]
        cents = {
            (entity, item[key]): item[rest]
            for entity, table, key, rest in open_items
            for item in tables[table]
        }
        left = open_amounts(book)
        compared = {key: round(float(cents[key]) * 100) for key in left if key in cents}
        assert {key: left[key] for key in compared} == compared
        # Two invoices of three (one is voided), a credit note of two, three overpayments of five.
        assert len(compared) == 2 + 1 + 3 + 1
        # A payment of the credit note names it as its invoice, and is money that went back.
        assert len(external_ids(book, "refunds")) == 1


def test_allocations_say_which_credit_went_to_which_invoice(tmp_path: Path) -> None:
    def used(invoice: str, amount: float) -> dict[str, Any]:
        return {"Amount": amount, "Invoice": {"InvoiceID": invoice}}

    tables = {
        "contacts": [CONTACT],
        "invoices": [
            document("InvoiceID", "f1", "ACCREC", 100.1),
            document("InvoiceID", "f2", "ACCREC", 50, Status="DRAFT"),
        ],
        "credit_notes": [
            document("CreditNoteID", "c1", "ACCRECCREDIT", 30, Allocations=[used("f1", 20)])
        ],
        "prepayments": [
            document("PrepaymentID", "p1", "RECEIVE-PREPAYMENT", 40, Allocations=[used("f1", 15)])
        ],
        "payments": [
            {"PaymentID": "m1", "Invoice": {"InvoiceID": "f1"}, "Amount": 5}
            | {"Date": "2026-01-20T00:00:00.000000Z", "Status": "AUTHORISED"},
            {"PaymentID": "m2", "Invoice": {"InvoiceID": "f1"}, "Amount": 7}
            | {"Date": "/Date(1767225600000+0000)/", "Status": "DELETED"},
        ],
    }
    with exported("xero_api", tables, tmp_path) as book:
        assert errors(book) == []
        assert links(book) == {
            ("credit_note", "c1", "invoice", "f1", 2000),
            ("payment", "p1", "invoice", "f1", 1500),
            ("payment", "m1", "invoice", "f1", 500),
        }
        assert balances(book) == {("acme", "EUR"): 10010 - 3000 - 4000 - 500}
        found = book.connection.execute(
            "select email, phone, is_main from book.contacts order by email"
        ).fetchall()
        assert found == [("ann@acme.io", "33222", True), ("bob@acme.io", None, False)]
