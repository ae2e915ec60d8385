"""NetSuite as Fivetran lands it: published seeds, and what accountants argue about."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from warehouse import FORMS, external_ids, links, rows_of, seeded, written

from project_books import balances, errors, open_amounts
from published import published

CUSTOMER = {"id": 1, "companyname": "Acme", "searchstage": "Customer", "email": "a@acme.io"}
BASE: dict[str, list[dict[str, Any]]] = {
    "customer": [CUSTOMER],
    "currency": [{"id": 1, "symbol": "EUR"}, {"id": 2, "symbol": "JPY"}],
    "account": [{"id": 10, "accttype": "AcctRec"}, {"id": 11, "accttype": "Expense"}],
}


def document(number: int, kind: str, total: str, **more: Any) -> dict[str, Any]:
    return {
        "id": number,
        "type": kind,
        "tranid": f"{kind}{number}",
        "entity": 1,
        "currency": 1,
        "trandate": "2026-01-10 00:00:00",
        "duedate": "2026-02-10 00:00:00",
        "posting": "T",
        "voided": "F",
        "foreigntotal": total,
        **more,
    }


def link(previous: int, following: int, amount: str, kind: str = "Payment") -> dict[str, Any]:
    named = {"previousdoc": previous, "nextdoc": following, "linktype": kind}
    return {**named, "foreignamount": amount}


@pytest.mark.parametrize("form", FORMS)
def test_the_published_seeds_have_bills_and_leads_which_are_no_receivables(
    form: str, tmp_path: Path
) -> None:
    folder = published("fivetran/netsuite")
    names = {"entity_address": "entityaddress", "transaction_line": "transactionline"}
    seeds = {
        names.get(table, table): path
        for path in folder.glob("netsuite2_*_data.csv")
        for table in [path.name.removeprefix("netsuite2_").removesuffix("_data.csv")]
    }
    assert {r["type"] for r in rows_of(seeds["transaction"])} == {"VendBill"}
    stages = {r["id"]: r["searchstage"] for r in rows_of(seeds["customer"])}
    with seeded("netsuite", seeds, form, tmp_path) as book:
        assert errors(book) == []
        assert external_ids(book, "invoices") == external_ids(book, "payments") == set()
        assert external_ids(book, "customers") == {i for i, s in stages.items() if s == "Customer"}


def test_links_settle_in_part_and_a_deposit_reaches_its_invoice(tmp_path: Path) -> None:
    tables = BASE | {
        "transaction": [
            document(1, "CustInvc", "119.00", otherrefnum="PO 7"),
            document(2, "CustCred", "-30.00"),
            document(3, "CustPymt", "-60.00"),
            document(4, "CustDep", "40.00"),
            document(5, "DepAppl", "-25.00"),
            document(6, "CustRfnd", "10.00"),
            document(7, "CustPymt", "-9.00", voided="T"),
            document(8, "CustInvc", "9.00", posting="F"),
        ],
        "transactionline": [
            {"id": 0, "transaction": 1, "mainline": "T", "taxline": "F", "foreignamount": "119.00"},
            {"id": 1, "transaction": 1, "mainline": "F", "taxline": "T", "foreignamount": "-19.00"},
        ],
        "previoustransactionlinelink": [
            link(1, 2, "20.00"),
            link(1, 3, "50.00"),
            link(1, 5, "25.00"),
            link(4, 5, "25.00", "DepAppl"),
            link(2, 6, "10.00"),
            link(1, 7, "9.00"),
        ],
    }
    with written("netsuite", tables, tmp_path) as book:
        assert errors(book) == []
        assert links(book) == {
            ("credit_note", "2", "invoice", "1", 2000),
            ("payment", "3", "invoice", "1", 5000),
            ("payment", "4", "invoice", "1", 2500),
            ("refund", "6", "credit_note", "2", 1000),
        }
        left = open_amounts(book)
        assert left["invoice", "1"] == 2400 and left["credit_note", "2"] == 0
        assert left["payment", "3"] == 1000 and left["payment", "4"] == 1500
        assert external_ids(book, "invoices") == {"1"}
        assert balances(book) == {("1", "EUR"): 2400 - 1000 - 1500}
        found = book.connection.execute("select net_amount, name from book.invoices").fetchall()
        assert found == [(10000, "PO 7")]


def test_journal_entries_on_the_receivable_account_settle_and_charge(tmp_path: Path) -> None:
    booked = {"entity": 1, "expenseaccount": 10}
    tables = BASE | {
        "transaction": [
            document(1, "CustInvc", "100.00"),
            document(2, "Journal", ""),
            document(3, "Journal", ""),
        ],
        "transactionline": [
            {"id": 0, "transaction": 2, "foreignamount": "-30.00", **booked},
            {"id": 1, "transaction": 2, "foreignamount": "30.00", "expenseaccount": 11},
            {"id": 0, "transaction": 3, "foreignamount": "4.00", **booked},
        ],
        "previoustransactionlinelink": [link(1, 2, "30.00")],
    }
    with written("netsuite", tables, tmp_path) as book:
        assert errors(book) == []
        assert links(book) == {("payment", "journal-2-1", "invoice", "1", 3000)}
        assert external_ids(book, "refunds") == {"journal-3-1"}
        assert balances(book) == {("1", "EUR"): 7400}


def test_foreign_currencies_projects_and_inactive_customers(tmp_path: Path) -> None:
    tables = BASE | {
        "customer": [
            CUSTOMER,
            {"id": 2, "companyname": "Gone", "isinactive": "T", "searchstage": "Customer"},
            {"id": 3, "companyname": "Owing", "isinactive": "T", "parent": 1},
            {"id": 4, "companyname": "Lead", "searchstage": "Lead"},
        ],
        "job": [{"id": 50, "customer": 1}],
        "transaction": [
            document(1, "CustInvc", "1200", currency=2, entity=50),
            document(2, "CustInvc", "5.00", entity=3),
        ],
    }
    with written("netsuite", tables, tmp_path) as book:
        assert errors(book) == []
        assert external_ids(book, "customers") == {"1", "3"}
        assert balances(book) == {("1", "JPY"): 1200, ("3", "EUR"): 500}
