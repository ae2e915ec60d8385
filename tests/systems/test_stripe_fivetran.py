"""Stripe as Fivetran lands it: published seeds, and what accountants argue about."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from warehouse import FORMS, external_ids, links, marked_paid, rows_of, seeded, written

from project_books import balances, errors, open_amounts
from published import published

CUSTOMER = {"id": "cus", "name": "Acme", "email": "a@acme.io", "livemode": "true"}


def invoice(number: str, total: int, **more: Any) -> dict[str, Any]:
    return {
        "id": number,
        "number": number.upper(),
        "customer_id": "cus",
        "status": "open",
        "currency": "eur",
        "total": total,
        "created": "2026-01-10 08:00:00",
        "livemode": "true",
        **more,
    }


def charge(number: str, amount: int, **more: Any) -> dict[str, Any]:
    return {
        "id": number,
        "customer_id": "cus",
        "status": "succeeded",
        "captured": "true",
        "currency": "eur",
        "amount": amount,
        "created": "2026-01-20 08:00:00",
        **more,
    }


@pytest.mark.parametrize("form", FORMS)
def test_open_amounts_of_the_published_seeds_equal_stripes(form: str, tmp_path: Path) -> None:
    folder = published("fivetran/stripe")
    seeds = {p.name.removesuffix("_data.csv"): p for p in folder.glob("*_data.csv")}
    # The other invoice is one of the test mode, and contradicts itself: paid, with all of it due.
    live = [r for r in rows_of(seeds["invoice"]) if r["livemode"] == "TRUE"]
    with seeded("stripe_fivetran", seeds, form, tmp_path) as book:
        left = {k[1]: v for k, v in open_amounts(book).items() if k[0] == "invoice"}
        paid = marked_paid(book)
        assert {i: 0 if i in paid else v for i, v in left.items()} == {
            r["id"]: int(r["amount_remaining"]) for r in live
        }
        # Every charge of the sample failed, and no customer of its invoices is there.
        assert external_ids(book, "payments") == external_ids(book, "refunds") == set()
        assert sorted(errors(book)) == [
            "credit_note cn_89hUNfs has no customer_external_id",
            "invoice ab1111 belongs to customer sdgfs84854, which is not in the table customers",
        ]
        # One customer of twelve is deleted.
        assert len(external_ids(book, "customers")) == 11


def test_a_charge_pays_its_invoice_however_it_is_linked(tmp_path: Path) -> None:
    tables = {
        "customer": [CUSTOMER],
        "invoice": [
            invoice("i1", 1000),
            invoice("i2", 2000, charge_id="c2"),
            invoice("i3", 3000, payment_intent_id="pi3"),
        ],
        "charge": [
            charge("c1", 400, invoice_id="i1"),
            charge("c2", 2000),
            charge("c3", 3000, payment_intent_id="pi3"),
            charge("c4", 3000, payment_intent_id="pi3", status="failed"),
            charge("c5", 777),
        ],
    }
    with written("stripe_fivetran", tables, tmp_path) as book:
        assert errors(book) == []
        assert links(book) == {
            ("payment", "c1", "invoice", "i1", 400),
            ("payment", "c2", "invoice", "i2", 2000),
            ("payment", "c3", "invoice", "i3", 3000),
        }
        assert balances(book) == {("cus", "EUR"): 600}


def test_refunds_disputes_and_credit_notes_reach_their_documents(tmp_path: Path) -> None:
    note = {"invoice_id": "i1", "status": "issued", "currency": "eur"}
    note |= {"created": "2026-01-25 08:00:00"}
    back = {"currency": "eur", "created": "2026-01-26 08:00:00"}
    tables = {
        "customer": [CUSTOMER],
        "invoice": [invoice("i1", 1000), invoice("i2", 500), invoice("i3", 300)],
        "charge": [
            charge("c1", 900, invoice_id="i1"),
            charge("c2", 500, invoice_id="i2"),
            charge("c3", 300, invoice_id="i3"),
        ],
        "credit_note": [
            {"id": "n1", "type": "pre_payment", "total": 100, **note},
            {"id": "n2", "type": "post_payment", "total": 200, "refund_id": "r1", **note},
            {"id": "n3", "type": "post_payment", "total": 50, **note},
            {"id": "n4", "type": "pre_payment", "total": 60, **note, "status": "void"},
        ],
        "refund": [
            {"id": "r1", "charge_id": "c1", "status": "succeeded", "amount": 200, **back},
            {"id": "r2", "charge_id": "c2", "status": "succeeded", "amount": 80, **back},
            {"id": "r3", "charge_id": "c2", "status": "failed", "amount": 90, **back},
        ],
        "dispute": [
            {"id": "d1", "charge_id": "c3", "status": "lost", "amount": 300, **back},
            {"id": "d2", "charge_id": "c1", "status": "under_review", "amount": 900, **back},
        ],
    }
    with written("stripe_fivetran", tables, tmp_path) as book:
        assert errors(book) == []
        left = open_amounts(book)
        assert left["invoice", "i1"] == 0
        assert left["invoice", "i2"] == 80  # a refund without a note takes the payment back
        assert left["invoice", "i3"] == 300  # so does a lost dispute
        assert left["credit_note", "n2"] == 0
        assert left["credit_note", "n3"] == 50  # in the customer's balance
        assert ("refund", "r1", "credit_note", "n2", 200) in links(book)
        assert balances(book) == {("cus", "EUR"): 80 + 300 - 50}


def test_drafts_voided_and_test_mode_are_left_out_and_uncollectible_counts_as_paid(
    tmp_path: Path,
) -> None:
    tables = {
        "customer": [CUSTOMER, CUSTOMER | {"id": "test", "livemode": "false"}],
        "invoice": [
            invoice("i1", 1200000, status="uncollectible", currency="isk"),
            invoice("i2", 1, status="draft"),
            invoice("i3", 1, status="void"),
            invoice("i4", 1, livemode="false"),
            invoice("i5", 1, is_deleted="true"),
            invoice("i6", -700),
        ],
        "charge": [charge("c1", 1, invoice_id="i3")],
    }
    with written("stripe_fivetran", tables, tmp_path) as book:
        assert errors(book) == []
        assert external_ids(book, "invoices") == marked_paid(book) == {"i1"}
        assert external_ids(book, "credit_notes") == {"i6"}
        assert external_ids(book, "customers") == {"cus"}
        # What paid the voided invoice stays as the customer's credit. Stripe's ISK have decimals.
        assert balances(book) == {("cus", "ISK"): 12000, ("cus", "EUR"): -701}
