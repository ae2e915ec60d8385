"""Sage Intacct as Fivetran lands it: published seeds, and what accountants argue about."""

from __future__ import annotations

import csv
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from warehouse import FORMS, external_ids, links, rows_of, seeded, written

from project_books import balances, errors, open_amounts
from published import published


def document(number: int, entered: str, paid: str, **more: Any) -> dict[str, Any]:
    return {
        "recordno": number,
        "recordid": f"R-{number}",
        "customerid": "C-1",
        "customername": "Acme",
        "state": "Posted",
        "currency": "EUR",
        "totalentered": entered,
        "totalpaid": paid,
        "whencreated": "2026-01-10",
        "whendue": "2026-02-10",
        **more,
    }


@pytest.mark.parametrize("form", FORMS)
def test_open_amounts_of_the_published_seeds_equal_intaccts_amounts_due(
    form: str, tmp_path: Path
) -> None:
    folder = published("fivetran/sage_intacct")
    seeds = {p.stem.removeprefix("sage_intacct__"): p for p in folder.glob("*.csv")}
    (tmp_path / "deleted").mkdir()
    with seeded("sage_intacct", seeds, form, tmp_path / "deleted") as book:
        # Every invoice of the sample was deleted.
        assert external_ids(book, "invoices") == external_ids(book, "customers") == set()
    rows = [row | {"_fivetran_deleted": "FALSE"} for row in rows_of(seeds["ar_invoice"])]
    with (tmp_path / "undeleted.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, rows[0])
        writer.writeheader()
        writer.writerows(rows)
    (tmp_path / "kept").mkdir()
    kept = seeds | {"ar_invoice": tmp_path / "undeleted.csv"}
    with seeded("sage_intacct", kept, form, tmp_path / "kept") as book:
        assert errors(book) == []
        assert open_amounts(book) == {
            ("invoice", row["recordno"]): int(Decimal(row["totaldue"]) * 100) for row in rows
        }
        assert len(rows) == 10


def test_what_is_settled_came_from_credits_first_and_then_from_money(tmp_path: Path) -> None:
    tables = {
        "ar_invoice": [
            document(1, "100.00", "80.00", whenpaid="2026-01-20"),
            document(2, "50.00", "10.00"),
            document(3, "-30.00", "-25.00"),
        ],
        "ar_advance": [document(4, "40.00", "35.00")],
    }
    with written("sage_intacct", tables, tmp_path) as book:
        assert errors(book) == []
        left = open_amounts(book)
        assert left["invoice", "1"] == 2000 and left["invoice", "2"] == 4000
        assert left["credit_note", "3"] == 500 and left["payment", "4"] == 500
        assert links(book) == {
            ("credit_note", "3", "invoice", "1", 2500),
            ("payment", "4", "invoice", "1", 3500),
            ("payment", "paid-1", "invoice", "1", 2000),
            ("payment", "paid-2", "invoice", "2", 1000),
        }
        assert balances(book) == {("C-1", "EUR"): 6000 - 500 - 500}


def test_a_credit_that_reached_no_invoice_was_paid_back(tmp_path: Path) -> None:
    tables = {"ar_adjustment": [document(1, "-30.00", "-30.00"), document(2, "8.00", "0")]}
    with written("sage_intacct", tables, tmp_path) as book:
        assert errors(book) == []
        assert external_ids(book, "invoices") == {"2"}  # a debit memo
        assert links(book) == {("refund", "paid-1", "credit_note", "1", 3000)}
        assert balances(book) == {("C-1", "EUR"): 800}


def test_drafts_and_reversed_ones_are_left_out_and_foreign_amounts_are_the_documents(
    tmp_path: Path,
) -> None:
    tables = {
        "ar_invoice": [
            document(1, "5.00", "0", state="Draft"),
            document(2, "5.00", "0", state="Reversed"),
            document(3, "-5.00", "0", state="Reversal"),
            document(4, "9.10", "0", currency="JPY", basecurr="EUR", trx_totalentered="1500")
            | {"trx_totalpaid": "400", "totalpaid": "2.40"},
        ],
    }
    with written("sage_intacct", tables, tmp_path) as book:
        assert errors(book) == []
        assert open_amounts(book)["invoice", "4"] == 1100
        assert external_ids(book, "invoices") == {"4"}
        assert external_ids(book, "credit_notes") == set()
