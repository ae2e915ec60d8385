"""Which charge paid which invoice in Stripe: by its invoice payments, or else by its events."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from warehouse import exported, tables_read

from project_books import errors

AT = 1_760_000_000


def invoice(number: str, total: int) -> dict[str, Any]:
    return {
        "id": number,
        "customer": "cus",
        "number": number,
        "status": "paid",
        "currency": "eur",
        "total": total,
        "total_excluding_tax": total,
        "due_date": None,
        "description": None,
        "status_transitions": {
            "finalized_at": AT,
            "paid_at": AT,
            "marked_uncollectible_at": None,
        },
    }


def charge(number: str, amount: int, intent: str | None = None) -> dict[str, Any]:
    return {
        "id": number,
        "customer": "cus",
        "currency": "eur",
        "amount_captured": amount,
        "created": AT,
        "status": "succeeded",
        "payment_intent": intent,
    }


def paid(number: str, of: str, amount: int | None, **by: str) -> dict[str, Any]:
    status = "paid" if amount else "open"
    kind = next(iter(by))
    payment = {"type": kind, **by}
    return {"id": number, "invoice": of, "amount_paid": amount, "payment": payment} | {
        "status": status
    }


def event(number: str, kind: str, of: str) -> dict[str, Any]:
    return {
        "id": number,
        "type": kind,
        "request": {"id": "req"},
        "data": {"object": {"id": of}},
    }


def test_a_charge_pays_the_invoices_that_its_payments_name(tmp_path: Path) -> None:
    tables: dict[str, list[dict[str, Any]]] = {table: [] for table in tables_read("stripe")}
    tables["customers"] = [
        {"id": "cus", "name": "Cus", "email": "a@cus.test", "phone": None}
        | {"metadata": {}, "address": {"line1": None}}
    ]
    tables["invoices"] = [invoice(f"in_{n}", 1000) for n in (1, 2, 3, 4)]
    tables["charges"] = [
        charge("ch_two", 1600, "pi_two"),
        charge("ch_old", 1000),
        charge("ch_events", 1000),
        charge("ch_none", 700),
    ]
    tables["invoice_payments"] = [
        paid("inpay_1", "in_1", 1000, payment_intent="pi_two"),
        paid("inpay_2", "in_2", 600, payment_intent="pi_two"),
        paid("inpay_3", "in_2", None, payment_intent="pi_none"),
        paid("inpay_4", "in_3", 1000, charge="ch_old"),
    ]
    # Events may tell the same once more, and what the invoice payments of older exports lack.
    tables["events"] = [
        event("evt_1", "charge.succeeded", "ch_events"),
        event("evt_2", "invoice.paid", "in_4"),
    ]
    tables["refunds"] = [
        {"id": "re", "charge": "ch_two", "currency": "eur", "amount": 400}
        | {"status": "succeeded", "created": AT}
    ]
    with exported("stripe", tables, tmp_path) as book:
        assert errors(book) == []
        rows = book.connection.execute(
            "select from_entity, from_external_id, to_external_id, amount from book.allocations"
        ).fetchall()
    assert sorted(rows) == [
        ("payment", "ch_events", "in_4", 1000),
        ("payment", "ch_old", "in_3", 1000),
        ("payment", "ch_two", "in_1", 1000),
        ("payment", "ch_two", "in_2", 200),
        ("refund", "re", "ch_two", 400),
    ]
