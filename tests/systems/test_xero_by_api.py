"""Xero read by its API: everything at first, then what was modified; by tokens that work once, or
by a custom connection."""

from __future__ import annotations

import copy
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from test_xero_api import CONTACT, document
from vendor_account import Account, Request, Tokens, Vendor, account, same_objects

from headrace.cli.main import run
from headrace.systems.access import basic
from headrace.systems.xero_api.extraction import _LISTS

SECRET = "client-secret-0"
TENANT = "tenant-0"


def allocated(invoice: str, amount: float) -> dict[str, Any]:
    return {"Amount": amount, "Invoice": {"InvoiceID": invoice}}


def paid(number: str, invoice: str, amount: float, **more: Any) -> dict[str, Any]:
    base = {"PaymentID": number, "Invoice": {"InvoiceID": invoice}, "Amount": amount}
    return {**base, "Date": "/Date(1767225600000+0000)/", "Status": "AUTHORISED", **more}


TABLES: dict[str, list[dict[str, Any]]] = {
    "contacts": [CONTACT, {"ContactID": "old", "Name": "Old", "ContactStatus": "ARCHIVED"}],
    "invoices": [
        document("InvoiceID", "f1", "ACCREC", 100.1),
        document("InvoiceID", "f2", "ACCREC", 50),
        document("InvoiceID", "f3", "ACCREC", 7) | {"Contact": {"ContactID": "old"}},
    ],
    "credit_notes": [
        document("CreditNoteID", "c1", "ACCRECCREDIT", 30, Allocations=[allocated("f1", 20)])
    ],
    "overpayments": [document("OverpaymentID", "o1", "RECEIVE-OVERPAYMENT", 4)],
    "prepayments": [document("PrepaymentID", "p1", "RECEIVE-PREPAYMENT", 40)],
    "payments": [paid("m1", "f1", 5), paid("m2", "f2", 8)],
}


class Xero(Vendor):
    """One organisation, with two objects a page however many are asked for."""

    def __init__(self, objects: dict[str, list[dict[str, Any]]]) -> None:
        super().__init__(objects)
        self.tokens = Tokens()
        self.tenant: str | None = TENANT

    def answered(self, request: Request) -> tuple[int, Any]:
        if request.path == "/token":
            assert request.headers["authorization"] == basic("app", SECRET)["Authorization"]
            return self.tokens.grant(request.body)
        if not self.tokens.admits(request):
            return 401, {"Title": "Unauthorized", "Detail": "TokenExpired"}
        if request.headers.get("xero-tenant-id") != self.tenant:
            return 403, {"Title": "Forbidden", "Detail": "AuthenticationUnsuccessful"}
        name = request.path.removeprefix("/api.xro/2.0/")
        table = next((one for one, (path, _) in _LISTS.items() if path == name), None)
        if table is None:
            return 404, {}
        return self.listed(table, name, request)

    def listed(self, table: str, name: str, request: Request) -> tuple[int, Any]:
        key = _LISTS[table][1]
        query = request.query
        assert (query["order"], query["pageSize"]) == (f"{key} ASC", "1000")
        since = request.headers.get("if-modified-since")
        start = datetime.fromisoformat(since).replace(tzinfo=UTC).timestamp() if since else 0
        rows = sorted(self.objects[table], key=lambda one: one[key])
        rows = [one for one in rows if one.get("modified", 1) >= start]
        if query.get("includeArchived") != "true":
            rows = [one for one in rows if one.get("ContactStatus") != "ARCHIVED"]
        if where := query.get("where"):
            kind = re.fullmatch('Type=="(.*)"', where)
            rows = [one for one in rows if kind is not None and one["Type"] == kind[1]]
        if since and not rows:
            return 304, ""
        first = (int(query["page"]) - 1) * self.page
        shown = rows[first : first + self.page]
        self.asked += [f"{table} {one[key]}" for one in shown]
        pages = -(-len(rows) // self.page)
        return 200, {name: shown, "pagination": {"page": int(query["page"]), "pageCount": pages}}


@pytest.fixture(scope="module")
def xero(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Account]:
    vendor = Xero(copy.deepcopy(TABLES))
    bill = document("InvoiceID", "bill", "ACCPAY", 9)
    vendor.objects["invoices"].append(bill)
    options = {"client_id": "app", "client_secret": SECRET, "auth_url": "URL/token"}
    options |= {"refresh_token": "refresh-token-0", "tenant": TENANT, "rate": "6000"}
    with account(tmp_path_factory.mktemp("xero"), "xero_api", vendor, options) as made:
        yield made


def test_what_is_read_is_what_xero_has_and_then_what_was_modified(xero: Account) -> None:
    vendor: Any = xero.vendor
    assert xero.sync() == {
        ("acme", "EUR"): 10010 + 5000 - 3000 - 400 - 4000 - 500 - 800,
        ("old", "EUR"): 700,
    }
    for table, objects in TABLES.items():
        assert same_objects(xero.rows(table, _LISTS[table][1]), objects, _LISTS[table][1])

    vendor.clock.seconds += 7200
    now = {"modified": vendor.second}
    invoices, payments = vendor.objects["invoices"], vendor.objects["payments"]
    invoices[1] |= {"Total": 60, **now}
    payments[0] |= {"Status": "DELETED", **now}
    invoices[2] |= {"Status": "VOIDED", **now}
    invoices.append(document("InvoiceID", "f4", "ACCREC", 1) | now)
    assert xero.sync() == {("acme", "EUR"): 10010 + 6000 + 100 - 3000 - 400 - 4000 - 800}
    assert sorted(vendor.asked) == ["invoices f2", "invoices f3", "invoices f4", "payments m1"]
    assert vendor.tokens.given == 1


def test_a_custom_connection_needs_neither_refresh_token_nor_tenant(xero: Account) -> None:
    vendor: Any = xero.vendor
    own = {"client_id": "app", "client_secret": SECRET, "rate": "6000"}
    own |= {name: xero.options[name] for name in ("url", "auth_url")}
    vendor.tenant = None
    try:
        assert xero.stage(own)["invoices"] == 4
        vendor.tokens.refused = True
        with_token = xero.options
        xero.options = own
        said = xero.refusal()
        assert said.endswith("may read accounting transactions and contacts.")
        assert "answers 401 Unauthorized" in said
    finally:
        xero.options = with_token
        vendor.tenant, vendor.tokens.refused = TENANT, False


def test_a_project_is_drafted_with_tests_in_which_nested_values_are_replaced(
    xero: Account, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    vendor: Any = xero.vendor
    for row in vendor.objects["invoices"]:
        row["Contact"] |= {"Name": "Acme Ltd", "EmailAddress": "ann@acme.io"}
    for name, value in xero.options.items():
        monkeypatch.setenv(f"XERO_API_{name.upper()}", value)
    monkeypatch.setattr(vendor, "tokens", Tokens())
    folder = tmp_path / "shop"
    assert run(["init", "--system", "xero_api", "--to", str(folder), "--json"]) == 0
    written = (folder / "tests" / "invoices.yaml").read_text("utf-8")
    assert "acme" not in written.lower() and "ContactID 1" in written
    assert run(["test", "--project", str(folder)]) == 0


def test_what_is_wrong_is_one_sentence_with_what_to_do(xero: Account) -> None:
    vendor: Any = xero.vendor
    assert xero.refusal(tenant="tenant-9").endswith(
        "/api.xro/2.0/Contacts answers 403 Forbidden: "
        '{"Title": "Forbidden", "Detail": "AuthenticationUnsuccessful"}. Check tenant, and that '
        "the app may read accounting transactions and contacts."
    )
    assert "no option colour: there is client_id" in xero.unknown_option()
    vendor.tokens.refresh = vendor.tokens.access = "elsewhere"
    said = xero.refusal()
    # What is no secret is shown, such as the address.
    assert f"{xero.options['auth_url']} answers 400 Bad Request" in said
    assert said.endswith(
        '{"error": "invalid_grant"}. Authorise headrace\'s app in Xero again, and set '
        "refresh_token to the new token."
    )
    del xero.options["tenant"]
    assert xero.refusal() == (
        "xero_api: refresh_token and tenant belong together: give both, or neither."
    )
