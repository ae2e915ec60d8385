"""Rows with something to find for every rule that may be skipped, in each of its sources."""

from __future__ import annotations

from collections.abc import Mapping

from books import Rows, allocation, credit_note, customer, invoice, payment

WRONG: Mapping[str, Rows] = {
    "customers": [
        customer("c1", country="FR", account_manager="nobody", custom_fields="no object"),
        customer("c4", dunning_plan="none such"),
        customer("c2", parent_external_id="c1", custom_fields='{"Kind": "One", "Size": "x"}'),
        customer("c3", parent_external_id="nobody", custom_fields='{"Kind": "one", "B": 1}'),
        customer("twice"),
        customer("twice"),
    ],
    "contacts": [
        {"customer_external_id": "c1", "email": "a@b.test", "is_main": True},
        {"customer_external_id": "c1", "email": None, "is_main": True, "position": "CEO"},
    ],
    "invoices": [
        invoice("i1", marked_paid_at="2026-02-01"),
        invoice("i2", net_amount=200),
        invoice("i3", due_date="2026-01-01"),
        *(invoice(f"x{n}", currency="EURO") for n in range(6)),
        invoice("i4", "nobody"),
        invoice("i5", net_amount=-5),
    ],
    "credit_notes": [
        credit_note("n1", issued_at=None),
        credit_note("n2", gross=-5),
        credit_note("n3", net_amount=200),
    ],
    "payments": [payment("p1", instrument="PigeonPost"), payment("p2", amount=-5)],
    "refunds": [payment("r1", instrument="PigeonPost"), payment("r2", amount=-5)],
    "allocations": [
        *(allocation(f"payment lost{n}", f"invoice gone{n}") for n in range(3)),
        allocation("payment p1", "invoice i2", 10**6),
    ],
    "settlements": [
        {
            "external_id": "s1",
            "invoice_external_id": "i1",
            "kind": "gift",
            "amount": 5,
            "booked_at": "2026-02-01",
        }
    ],
    "documents": [{"entity": "refund", "external_id": "r1", "location": "r1.pdf"}],
}
