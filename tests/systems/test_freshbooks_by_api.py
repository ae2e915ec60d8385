"""FreshBooks read by its API: everything at first, then what was updated, by days."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC
from typing import Any

import pytest
from test_freshbooks import credit, invoice, payment
from vendor_account import Account, Request, Tokens, Vendor, account, same_objects

SECRET = "client-secret-0"


def tables() -> dict[str, list[dict[str, Any]]]:
    return {
        "clients": [
            {"id": 1, "organization": "Acme", "email": "a@acme.io", "vis_state": 2},
            {"id": 2, "organization": "Other", "vis_state": 0},
        ],
        "invoices": [
            invoice(1, "100.00", "35.00"),
            invoice(2, "20.00", "20.00", customerid=2),
            invoice(3, "7.00", "7.00"),
        ],
        "payments": [
            payment(11, 1, "30.00"),
            payment(12, 2, "9.00", clientid=2),
            payment(13, 1, "20.00", type="Credit", creditid=21),
        ],
        "credit_notes": [credit(21, "goodwill", "25.00") | {"id": 21}],
    }


class FreshBooks(Vendor):
    """One account: lists of the objects in one state, two a page. Payments have no states to ask
    for, and credit notes no days."""

    def __init__(self) -> None:
        super().__init__(tables())
        self.tokens = Tokens()
        self.page_hook: Any = None

    def answered(self, request: Request) -> tuple[int, Any]:
        if request.path == "/auth/oauth/token":
            assert request.body["client_secret"] == SECRET
            assert request.body["redirect_uri"] == "https://acme.test/"
            return self.tokens.grant(request.body)
        if not self.tokens.admits(request):
            return 401, {"error": "unauthenticated"}
        table = request.path.rpartition("/")[2]
        if table not in self.objects or "/account/A1/" not in request.path:
            return 404, {}
        return 200, {"response": {"result": self.listed(table, request.query)}}

    def listed(self, table: str, query: dict[str, str]) -> dict[str, Any]:
        state = query.get("search[vis_state]")
        kept = [0, 2] if state is None else [int(state)]
        if table == "payments" and state is not None:
            kept = [0]  # whatever is asked for
        rows = [one for one in self.objects[table] if one["vis_state"] in kept]
        day = query.get("search[updated_min]", "")
        if table != "credit_notes":
            rows = [one for one in rows if one.get("day", "2026-11-01") >= day]
        size = min(int(query["per_page"]), self.page)
        first = (int(query["page"]) - 1) * size
        shown = rows[first : first + size]
        if day:
            self.asked += [f"{table} {one['id']}" for one in shown]
        elif query["per_page"] == "100":
            self.asked.append(f"all {table}")
        total, pages = len(rows), max(1, -(-len(rows) // size))
        if self.page_hook is not None:
            self.page_hook(table, query)
        return {table: shown, "page": int(query["page"]), "pages": pages, "total": total}


@pytest.fixture(scope="module")
def freshbooks(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Account]:
    options = {"client_id": "app", "client_secret": SECRET, "account": "A1"}
    options |= {"redirect_uri": "https://acme.test/", "refresh_token": "refresh-token-0"}
    folder = tmp_path_factory.mktemp("freshbooks")
    with account(folder, "freshbooks", FreshBooks(), options) as made:
        yield made


def test_what_is_read_is_what_freshbooks_has_and_then_what_was_updated(
    freshbooks: Account,
) -> None:
    vendor: Any = freshbooks.vendor
    assert freshbooks.sync() == {("1", "EUR"): 10000 + 700 - 3000 - 2500, ("2", "EUR"): 1100}
    for table, objects in vendor.objects.items():
        assert same_objects(freshbooks.rows(table, "id"), objects, "id")

    vendor.clock.seconds += 5 * 86_400 / 7  # within a day of the sweep
    day = {"day": vendor.clock.now().astimezone(UTC).date().isoformat()}
    invoices, payments = vendor.objects["invoices"], vendor.objects["payments"]
    invoices[1] |= {"amount": {"amount": "21.00", "code": "EUR"}, **day}
    invoices[2] |= {"vis_state": 1, **day}
    invoices.append(invoice(4, "3.00", "3.00") | day)
    payments.append(payment(14, 4, "1.00") | day)
    assert freshbooks.sync() == {("1", "EUR"): 10000 + 300 - 3000 - 2500 - 100, ("2", "EUR"): 1200}
    changed = [one for one in vendor.asked if not one.startswith("all")]
    assert set(changed) == {"invoices 2", "invoices 3", "invoices 4", "payments 14"}
    assert {one for one in vendor.asked if one.startswith("all")} == {"all credit_notes"}

    payments[1]["vis_state"] = 1  # deleted, which only their number shows
    payments[1] |= day
    assert freshbooks.sync()["2", "EUR"] == 2100
    assert "all payments" in vendor.asked
    freshbooks.stage()
    assert "all payments" not in vendor.asked
    assert vendor.tokens.given == 1


def test_objects_that_move_to_a_page_that_was_read_are_not_lost(freshbooks: Account) -> None:
    vendor: Any = freshbooks.vendor
    vendor.clock.seconds += 2 * 86_400
    vendor.objects["invoices"] += [invoice(n, "1.00", "1.00") for n in range(5, 10)]

    def deletes(table: str, query: dict[str, str]) -> None:
        if table == "invoices" and query["page"] == "1":
            vendor.objects["invoices"][0]["vis_state"] = 1
            vendor.page_hook = None

    vendor.page_hook = deletes
    freshbooks.stage()
    found = {number for (number,) in freshbooks.rows("invoices", "id")}
    assert found >= {2, 4, 5, 6, 7, 8, 9}


def test_a_list_that_never_keeps_still_deletes_nothing(freshbooks: Account) -> None:
    vendor: Any = freshbooks.vendor
    vendor.clock.seconds += 2 * 86_400
    vendor.objects["invoices"] += [invoice(n, "1.00", "1.00") for n in range(30, 50)]

    def deletes(table: str, query: dict[str, str]) -> None:
        if table == "invoices" and query["page"] == "1":
            next(one for one in vendor.objects[table] if one["vis_state"] == 0)["vis_state"] = 1

    vendor.page_hook = deletes
    said = freshbooks.refusal()
    assert said.endswith("FreshBooks changes the list of invoices each time it is read.")
    vendor.page_hook = None
    freshbooks.stage()
    assert len(freshbooks.rows("invoices", "id")) >= 10


def test_a_total_that_counts_otherwise_is_no_change(freshbooks: Account) -> None:
    vendor: Any = freshbooks.vendor
    vendor.clock.seconds += 2 * 86_400
    listed = vendor.listed
    vendor.listed = lambda *given: (page := listed(*given)) | {"total": page["total"] + 1}
    try:
        freshbooks.stage()
    finally:
        vendor.listed = listed
    assert len(freshbooks.rows("invoices", "id")) >= 10


def test_what_is_wrong_is_one_sentence_with_what_to_do(freshbooks: Account) -> None:
    vendor: Any = freshbooks.vendor
    vendor.tokens.refused = True
    assert freshbooks.refusal().endswith(
        'answers 401 Unauthorized: {"error": "unauthenticated"}. Check account, and that the app '
        "may read clients, invoices, payments and credit notes."
    )
    vendor.tokens.refused = False
    vendor.tokens.refresh = vendor.tokens.access = "elsewhere"
    assert freshbooks.refusal().endswith(
        f"{json.dumps({'error': 'invalid_grant'})}. Authorise headrace's app in FreshBooks again, "
        "and set refresh_token to the new token."
    )
    assert "no option colour: there is client_id" in freshbooks.unknown_option()
