"""Chargebee read by its API: every object at first, then what was updated."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from typing import Any

import pytest
from test_chargebee import TABLES
from vendor_account import Account, Request, Vendor, account, same_objects

from headrace.systems.access import basic

KEY = "live_0123456789"


class Chargebee(Vendor):
    """Lists of two objects a page, as Chargebee answers them."""

    def answered(self, request: Request) -> tuple[int, Any]:
        if request.path.startswith("/portal"):
            return 200, "<html>"
        if request.headers["authorization"] != basic(KEY)["Authorization"]:
            return 401, {"api_error_code": "api_authentication_failed", "message": "Sorry."}
        table = request.path.removeprefix("/api/v2/")
        if table not in self.objects:
            return 404, {}
        query = request.query
        assert query["limit"] == "100"
        after = int(query.get("updated_at[after]", -1))
        rows = [one for one in self.objects[table] if one["updated_at"] > after]
        if query.get("include_deleted") != "true":
            rows = [one for one in rows if not one.get("deleted")]
        start = json.loads(query.get("offset", "[0]"))[0]
        shown = rows[start : start + self.page]
        self.asked += [f"{table} {one['id']}" for one in shown]
        answer: dict[str, Any] = {"list": [{table[:-1]: one, "card": {}} for one in shown]}
        if len(rows) > start + self.page:
            answer["next_offset"] = json.dumps([start + self.page])
        return 200, answer


@pytest.fixture(scope="module")
def chargebee(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Account]:
    vendor = Chargebee(copy.deepcopy(TABLES))
    for rows in vendor.objects.values():
        for one in rows:
            one["updated_at"] = vendor.second - 86_400
    options = {"site": "acme", "key": KEY}
    with account(tmp_path_factory.mktemp("chargebee"), "chargebee", vendor, options) as made:
        yield made


def test_what_is_read_is_what_chargebee_has_and_then_what_was_updated(chargebee: Account) -> None:
    vendor = chargebee.vendor
    assert chargebee.sync() == {("cus", "EUR"): 2500 + 3500 + 700 - 500, ("cus", "JPY"): 1200}
    for table, objects in vendor.objects.items():
        assert same_objects(chargebee.rows(table, "id"), objects, "id")
    assert len(vendor.asked) == sum(len(objects) for objects in vendor.objects.values())

    vendor.clock.seconds += 7200
    invoices = vendor.objects["invoices"]
    new = invoices[5] | {"id": "7", "total": 900, "amount_due": 900}
    invoices[5] |= {"deleted": True, "updated_at": vendor.second}
    invoices[0] |= {"total": 11000, "updated_at": vendor.second}
    invoices.append(new | {"updated_at": vendor.second})
    assert chargebee.sync() == {
        ("cus", "EUR"): 1000 + 2500 + 3500 + 700 - 500,
        ("cus", "JPY"): 900,
    }
    assert sorted(vendor.asked) == ["invoices 1", "invoices 6", "invoices 7"]


def test_what_is_wrong_is_one_sentence_with_what_to_do(chargebee: Account) -> None:
    assert chargebee.refusal(key="live_wrong_wrong").endswith(
        "/api/v2/credit_notes answers 401 Unauthorized: "
        '{"api_error_code": "api_authentication_failed", "message": "Sorry."}. Check site, and '
        "that key is an API key of that site which may read all of it."
    )
    assert "no option colour: there is site, key, url" in chargebee.unknown_option()
    assert "must be a whole number of requests a minute, not fast." in chargebee.mistake(
        rate="fast"
    )
    for sweep in ("soon", "5", "-1d"):
        assert f"sweep of kind = \"system:chargebee\": '{sweep}' is not" in chargebee.mistake(
            sweep=sweep
        )
    assert chargebee.mistake(url="acme.chargebee.com").endswith("must start with https://.")
    assert chargebee.mistake(site="").endswith("needs site.")
    said = chargebee.refusal(url=f"{chargebee.options['url']}/portal")
    assert said.endswith(
        "/portal/api/v2/credit_notes answers something that is not JSON: check url."
    )
