"""QuickBooks Online's objects, after the schemas of its Singer tap."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from warehouse import exported, external_ids, links

from project_books import balances, errors, open_amounts


def ref(value: str) -> dict[str, str]:
    return {"value": value}


def document(number: str, total: str, balance: str, **more: Any) -> dict[str, Any]:
    base = {"Id": number, "DocNumber": f"F{number}", "CustomerRef": ref("1")}
    base |= {"CurrencyRef": ref("EUR"), "TxnDate": "2026-01-10", "DueDate": "2026-02-10"}
    return {**base, "TotalAmt": total, "Balance": balance, **more}


def settles(kind: str, number: str, amount: str) -> dict[str, Any]:
    return {"Amount": amount, "LinkedTxn": [{"TxnId": number, "TxnType": kind}]}


def posted(side: str, account: str, amount: str, customer: str = "") -> dict[str, Any]:
    detail: dict[str, Any] = {"PostingType": side, "AccountRef": ref(account)}
    if customer:
        detail["Entity"] = {"Type": "Customer", "EntityRef": ref(customer)}
    return {"Amount": amount, "JournalEntryLineDetail": detail}


TABLES: dict[str, list[dict[str, Any]]] = {
    "customers": [
        {"Id": "1", "DisplayName": "Acme", "Active": True, "CurrencyRef": ref("EUR")}
        | {"PrimaryEmailAddr": {"Address": "a@acme.io; b@acme.io"}}
        | {"BillAddr": {"Line1": "1 Road", "City": "Paris", "Country": "FRA"}},
        {"Id": "2", "DisplayName": "Merged", "Active": False},
        {"Id": "3", "DisplayName": "Job", "Active": True, "ParentRef": ref("1")},
    ],
    "accounts": [
        {"Id": "84", "AccountType": "Accounts Receivable"},
        {"Id": "9", "AccountType": "Expense"},
    ],
    "invoices": [
        document("11", "119.00", "14.00", TxnTaxDetail={"TotalTax": "19.00"}),
        document("12", "50.00", "35.00", Deposit="15.00"),
        document("13", "0", "0", PrivateNote="Voided"),
        document("14", "77.00", "77.00"),
    ],
    "credit_memos": [document("21", "30.00", "0")],
    "payments": [
        {"Id": "31", "CustomerRef": ref("1"), "CurrencyRef": ref("EUR"), "TxnDate": "2026-01-20"}
        | {"TotalAmt": "60.00", "UnappliedAmt": "10.00", "PaymentRefNum": "ch 7"}
        | {"Line": [settles("Invoice", "11", "80.00"), settles("CreditMemo", "21", "30.00")]},
        {"Id": "32", "CustomerRef": ref("1"), "CurrencyRef": ref("EUR"), "TxnDate": "2026-01-20"}
        | {"TotalAmt": "0", "UnappliedAmt": "0"}
        | {"Line": [settles("Invoice", "11", "25.00"), settles("JournalEntry", "41", "25.00")]},
    ],
    "journal_entries": [
        {"Id": "41", "TxnDate": "2026-01-31", "CurrencyRef": ref("EUR"), "DocNumber": "BAD"}
        | {"Line": [posted("Credit", "84", "25.00", "1"), posted("Debit", "9", "25.00")]},
    ],
    "deleted_objects": [{"Id": "14", "Type": "Invoice"}],
}


def test_open_amounts_equal_quickbooks_balances(tmp_path: Path) -> None:
    with exported("quickbooks_api", TABLES, tmp_path) as book:
        assert errors(book) == []
        left = open_amounts(book)
        assert left["invoice", "11"] == 1400 and left["invoice", "12"] == 3500
        assert left["credit_note", "21"] == 0 and left["payment", "31"] == 1000
        assert external_ids(book, "invoices") == {"11", "12"}
        assert external_ids(book, "customers") == {"1", "3"}
        assert external_ids(book, "contacts") == {"1-a@acme.io", "1-b@acme.io"}
        assert balances(book) == {("1", "EUR"): 1400 + 3500 - 1000}
        assert links(book) == {
            ("credit_note", "21", "invoice", "11", 3000),
            ("payment", "31", "invoice", "11", 5000),
            ("payment", "entry-41-1", "invoice", "11", 2500),
            ("payment", "deposit-12", "invoice", "12", 1500),
        }
        found = book.connection.execute(
            "select city, country from book.customers where external_id = '1'"
        ).fetchall()
        assert found == [("Paris", "France")]
