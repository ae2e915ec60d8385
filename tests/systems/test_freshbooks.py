"""FreshBooks' objects, after its API's reference."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from warehouse import exported, external_ids, links

from project_books import balances, errors, open_amounts


def money(amount: str, code: str = "EUR") -> dict[str, str]:
    return {"amount": amount, "code": code}


def invoice(number: int, amount: str, outstanding: str, **more: Any) -> dict[str, Any]:
    base = {"id": number, "invoice_number": f"F{number}", "customerid": 1, "vis_state": 0}
    base |= {"create_date": "2026-01-10", "due_date": "2026-02-10", "v3_status": "sent"}
    return {**base, "amount": money(amount), "outstanding": money(outstanding), **more}


def payment(number: int, invoice: int, amount: str, **more: Any) -> dict[str, Any]:
    base = {"id": number, "clientid": 1, "invoiceid": invoice, "vis_state": 0}
    return {**base, "date": "2026-01-20", "type": "Check", "amount": money(amount), **more}


def credit(number: int, kind: str, amount: str) -> dict[str, Any]:
    base = {"creditid": number, "clientid": 1, "credit_type": kind, "vis_state": 0}
    return {**base, "create_date": "2026-01-15", "amount": money(amount)}


def test_open_amounts_equal_freshbooks_outstanding_amounts(tmp_path: Path) -> None:
    tables = {
        "clients": [
            {"id": 1, "organization": "Acme", "email": "a@acme.io", "vis_state": 2},
            {"id": 2, "organization": "Deleted", "vis_state": 1},
        ],
        "invoices": [
            invoice(1, "100.00", "35.00"),
            invoice(2, "20.00", "20.00", v3_status="draft"),
            invoice(3, "20.00", "20.00", vis_state=1),
            invoice(4, "1500", "1500") | {"amount": money("1500", "JPY")},
        ],
        "payments": [
            payment(11, 1, "30.00"),
            payment(12, 1, "9.00", vis_state=1),
            payment(13, 1, "20.00", type="Credit", creditid=21),
            payment(14, 1, "15.00", type="Credit", creditid=22),
        ],
        "credit_notes": [credit(21, "goodwill", "25.00"), credit(22, "prepayment", "40.00")],
    }
    with exported("freshbooks", tables, tmp_path) as book:
        assert errors(book) == []
        left = open_amounts(book)
        assert left["invoice", "1"] == 3500 and left["invoice", "4"] == 1500
        assert left["credit_note", "21"] == 500 and left["payment", "credit-22"] == 2500
        assert external_ids(book, "invoices") == {"1", "4"}
        assert external_ids(book, "customers") == {"1"}
        assert links(book) == {
            ("payment", "11", "invoice", "1", 3000),
            ("credit_note", "21", "invoice", "1", 2000),
            ("payment", "credit-22", "invoice", "1", 1500),
        }
        assert balances(book) == {("1", "EUR"): 3500 - 500 - 2500, ("1", "JPY"): 1500}
