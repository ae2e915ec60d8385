"""Recurly read by its API: everything at first, then what was updated."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

import pytest
from test_recurly import ACCOUNT, credited, invoice, transaction
from vendor_account import Account, Request, Vendor, account, same_objects

from headrace.systems.access import basic

KEY = "private-key-0"


def of_account(row: dict[str, Any]) -> dict[str, Any]:
    """A row as the API's object, which names others by small objects."""
    inner = {k: {"id": row[f"{k}_id"]} for k in ("account", "invoice") if f"{k}_id" in row}
    return {k: v for k, v in row.items() if k not in ("account_id", "invoice_id")} | inner


def applied(number: str, source: str, target: str, amount: str) -> dict[str, Any]:
    row = credited(number, source, target, amount)
    return row | {"applied_to_invoice": {"id": target}, "original_invoice": {"id": source}}


def tables() -> dict[str, list[dict[str, Any]]]:
    k1 = applied("k1", "c1", "f2", "20.00")
    return {
        "accounts": [ACCOUNT],
        "invoices": [
            of_account(invoice("f1", "100.00")),
            of_account(invoice("f2", "50.00")) | {"credit_payments": [k1]},
            of_account(invoice("f3", "5.00")),
            of_account(invoice("c1", "-60.00", type="credit")) | {"credit_payments": [k1]},
        ],
        "transactions": [
            of_account(transaction("t1", "purchase", "70.00", invoice_id="f1")),
            of_account(transaction("t2", "purchase", "9.00", invoice_id="f1", status="void")),
        ],
    }


class Recurly(Vendor):
    """A site: lists with a link to the next page, which has all that was asked for."""

    def answered(self, request: Request) -> tuple[int, Any]:
        if request.headers["authorization"] != basic(KEY)["Authorization"]:
            return 401, {"error": {"type": "unauthorized", "message": "Invalid API key"}}
        assert request.headers["accept"] == "application/vnd.recurly.v2021-02-25"
        table, query = request.path.strip("/"), request.query
        if table not in self.objects:
            return 404, {"error": {"type": "not_found"}}
        assert (query["limit"], query["order"]) == ("200", "asc")
        start = query.get("begin_time")
        rows = self.objects[table]
        if start:
            assert query["sort"] == "updated_at"
            moment = datetime.fromisoformat(start).timestamp()
            rows = [one for one in rows if one.get("moment", 0) >= moment]
        first = int(query.get("cursor", 0))
        shown = rows[first : first + self.page]
        self.asked += [f"{table} {one['id']}" for one in shown]
        more = len(rows) > first + self.page
        following = urlencode(query | {"cursor": first + self.page})
        answer = {"object": "list", "has_more": more, "data": shown}
        return 200, answer | {"next": f"/{table}?{following}" if more else None}


@pytest.fixture(scope="module")
def recurly(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Account]:
    vendor = Recurly(tables())
    with account(tmp_path_factory.mktemp("recurly"), "recurly_api", vendor, {"key": KEY}) as made:
        yield made


def test_what_is_read_is_what_recurly_has_and_then_what_was_updated(recurly: Account) -> None:
    vendor = recurly.vendor
    assert recurly.sync() == {("acme", "EUR"): 3000 + 3000 + 500 - 4000}
    for table, objects in vendor.objects.items():
        assert same_objects(recurly.rows(table, "id"), objects, "id")

    vendor.clock.seconds += 7200
    now = {"moment": vendor.second}
    vendor.objects["invoices"][2] |= {"state": "voided", **now}
    vendor.objects["transactions"][1] |= {"status": "success", **now}
    vendor.objects["invoices"].append(of_account(invoice("f4", "2.50")) | now)
    assert recurly.sync() == {("acme", "EUR"): 2100 + 3000 + 250 - 4000}
    assert sorted(vendor.asked) == ["invoices f3", "invoices f4", "transactions t2"]


def test_what_a_sweep_no_longer_finds_is_gone(recurly: Account) -> None:
    vendor = recurly.vendor
    recurly.stage()
    del vendor.objects["transactions"][1]  # which no update tells
    recurly.stage()
    assert recurly.rows("transactions", "id") == [("t1",), ("t2",)]
    vendor.clock.seconds += 90_000
    recurly.stage()
    assert recurly.rows("transactions", "id") == [("t1",)]


def test_what_is_wrong_is_one_sentence_with_what_to_do(recurly: Account) -> None:
    assert recurly.refusal(key="private-key-9").endswith(
        "/accounts answers 401 Unauthorized: "
        '{"error": {"type": "unauthorized", "message": "Invalid API key"}}. Check that key is a '
        "private API key of this site, and url if the site is in the EU: https://v3.eu.recurly.com."
    )
    assert "no option colour: there is key, url, rate, sweep." in recurly.unknown_option()
    site = recurly.options["url"]
    assert "There is no Recurly at this address" in recurly.refusal(url=f"{site}/elsewhere")
