"""Recurly as Fivetran lands it and as its API has it: published seeds, and what accountants argue
about."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from warehouse import FORMS, exported, external_ids, links, marked_paid, rows_of, seeded, written

from headrace.book.book import Book
from project_books import balances, errors, open_amounts
from published import published

ACCOUNT = {"id": "acme", "code": "A1", "company": "Acme", "updated_at": "2026-01-01 00:00:00"}


def invoice(number: str, total: str, **more: Any) -> dict[str, Any]:
    return {
        "id": number,
        "number": number.upper(),
        "account_id": "acme",
        "type": "charge",
        "state": "pending",
        "currency": "EUR",
        "total": total,
        "created_at": "2026-01-10 08:00:00",
        "updated_at": "2026-01-10 08:00:00",
        **more,
    }


def transaction(number: str, kind: str, amount: str, **more: Any) -> dict[str, Any]:
    return {
        "id": number,
        "account_id": "acme",
        "type": kind,
        "status": "success",
        "currency": "EUR",
        "amount": amount,
        "collected_at": "2026-01-20 08:00:00",
        **more,
    }


def credited(number: str, source: str, target: str, amount: str, **more: Any) -> dict[str, Any]:
    return {
        "id": number,
        "original_invoice_id": source,
        "applied_to_invoice_id": target,
        "currency": "EUR",
        "amount": amount,
        "updated_at": "2026-01-21 08:00:00",
        **more,
    }


SHAPES = ("recurly", "recurly_api")


@contextmanager
def shaped(system: str, tables: dict[str, list[dict[str, Any]]], folder: Path) -> Iterator[Book]:
    """The book over these rows, or over the objects of the API that say the same."""
    if system == "recurly":
        with written(system, tables, folder) as book:
            yield book
        return

    def nested(row: dict[str, Any]) -> dict[str, Any]:
        inner = {k: {"id": row[f"{k}_id"]} for k in ("account", "invoice") if f"{k}_id" in row}
        return {k: v for k, v in row.items() if k not in ("account_id", "invoice_id")} | inner

    credits_of = [
        {k: v for k, v in row.items() if not k.endswith("invoice_id")}
        | {"applied_to_invoice": {"id": row["applied_to_invoice_id"]}}
        | {"original_invoice": {"id": row["original_invoice_id"]}}
        for row in tables.get("credit_payment_history", [])
    ]
    invoices = [
        nested(row)
        | {
            "credit_payments": [
                item
                for item in credits_of
                if row["id"] in (item["applied_to_invoice"]["id"], item["original_invoice"]["id"])
            ]
        }
        for row in tables["invoice_history"]
    ]
    objects = {
        "accounts": tables["account_history"],
        "invoices": invoices,
        "transactions": [nested(row) for row in tables["transaction"]],
    }
    with exported(system, objects, folder) as book:
        yield book


@pytest.mark.parametrize("form", FORMS)
def test_open_amounts_of_the_published_seeds_equal_recurlys_balances(
    form: str, tmp_path: Path
) -> None:
    folder = published("fivetran/recurly")
    seeds = {p.name.removesuffix("_data.csv"): p for p in folder.glob("*_data.csv")}
    kept = rows_of(seeds["invoice_history"])
    with seeded("recurly", seeds, form, tmp_path) as book:
        assert errors(book) == []
        # The sample has one payment of its paid invoices; the others count as paid all the same.
        paid = marked_paid(book)
        left = {k[1]: v for k, v in open_amounts(book).items() if k[0] == "invoice"}
        assert {i: 0 if i in paid else v for i, v in left.items()} == {
            r["id"]: int(Decimal(r["balance"]) * 100) for r in kept
        }
        # An account is there once, in its last state; verifications and voided ones are no money.
        assert len(external_ids(book, "customers")) == 4
        assert external_ids(book, "payments") == {"571096af8e160294851c9189309ba52f"}
        assert external_ids(book, "credit_notes") == set()


def test_the_last_state_of_an_invoice_counts_and_a_voided_one_is_left_out(tmp_path: Path) -> None:
    later = {"updated_at": "2026-01-11 08:00:00"}
    tables = {
        "account_history": [ACCOUNT, ACCOUNT | {"company": "Acme Ltd", **later}],
        "invoice_history": [
            invoice("f1", "100.00"),
            invoice("f1", "90.00", **later),
            invoice("f2", "5.00"),
            invoice("f2", "5.00", state="voided", **later),
        ],
        "transaction": [
            transaction("t1", "purchase", "5.00", invoice_id="f2"),
            transaction("t2", "purchase", "7.00", invoice_id="f1", status="void"),
            transaction("t3", "purchase", "20.00", invoice_id="f1"),
        ],
    }
    with written("recurly", tables, tmp_path) as book:
        assert errors(book) == []
        assert external_ids(book, "invoices") == {"f1"}
        assert open_amounts(book)["invoice", "f1"] == 7000
        # The payment of the voided invoice stays as the customer's credit.
        assert open_amounts(book)["payment", "t1"] == 500
        assert balances(book) == {("acme", "EUR"): 6500}


@pytest.mark.parametrize("system", SHAPES)
def test_credits_refunds_and_chargebacks_reach_their_documents(system: str, tmp_path: Path) -> None:
    tables = {
        "account_history": [ACCOUNT],
        "invoice_history": [
            invoice("f1", "100.00", state="paid", closed_at="2026-01-20 08:00:00"),
            invoice("f2", "50.00"),
            invoice("f3", "40.00"),
            invoice("c1", "-60.00", type="credit"),
        ],
        "transaction": [
            transaction("t1", "purchase", "100.00", invoice_id="f1"),
            transaction("t2", "purchase", "40.00", invoice_id="f3"),
            transaction("r1", "refund", "30.00", invoice_id="c1", original_transaction_id="t1"),
            transaction("r2", "refund", "40.00", origin="chargeback", original_transaction_id="t2"),
        ],
        "credit_payment_history": [
            credited("k1", "c1", "f2", "20.00"),
            credited("k2", "c1", "f2", "9.00", voided_at="2026-01-22 08:00:00"),
        ],
    }
    with shaped(system, tables, tmp_path) as book:
        assert errors(book) == []
        assert links(book) == {
            ("payment", "t1", "invoice", "f1", 10000),
            ("refund", "r1", "credit_note", "c1", 3000),
            ("refund", "r2", "payment", "t2", 4000),
            ("credit_note", "c1", "invoice", "f2", 2000),
        }
        left = open_amounts(book)
        assert left["credit_note", "c1"] == 1000  # 60 less 30 paid out and 20 applied
        assert left["invoice", "f3"] == 4000  # charged back


@pytest.mark.parametrize("system", SHAPES)
def test_a_failed_invoice_is_written_off_as_far_as_nothing_else_settles_it(
    system: str, tmp_path: Path
) -> None:
    tables = {
        "account_history": [ACCOUNT | {"email": "a@acme.io", "cc_emails": "b@acme.io, A@acme.io"}],
        "invoice_history": [
            invoice("f1", "100.00", state="failed", closed_at="2026-03-01 08:00:00"),
        ],
        "transaction": [transaction("t1", "purchase", "30.00", invoice_id="f1")],
        "credit_payment_history": [credited("k1", "c0", "f1", "10.00")],
    }
    tables["invoice_history"].append(invoice("c0", "10.00", type="credit", state="closed"))
    with shaped(system, tables, tmp_path) as book:
        assert errors(book) == []
        found = book.connection.execute(
            "select invoice_external_id, kind, amount from book.settlements"
        ).fetchall()
        assert found == [("f1", "write_off", 6000)]
        assert external_ids(book, "contacts") == {"acme-a@acme.io", "acme-b@acme.io"}
