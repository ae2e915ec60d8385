"""Zuora read by its Data Query: every row at first, then what was updated, deletions included."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import datetime
from typing import Any

import pytest
from small_api import Said
from test_zuora import ACCOUNT, invoice, moved, payment, shaped
from vendor_account import Account, Request, Tokens, Vendor, account, same_objects

SECRET = "client-secret-0"
LINKS = [{"id": "l1", "payment_id": "p1", "invoice_id": "f1", "amount": 40.1}]
TABLES = {
    "account": [ACCOUNT],
    "contact": [{"id": "ann", "work_email": "ann@acme.io", "account_id": "acme"}],
    "invoice": [invoice("f1", "100.00"), invoice("f2", "-30.00"), invoice("f3", "50.00")],
    "payment": [payment("p1", "60.00")],
    "invoice_payment": LINKS,
    "credit_balance_adjustment": [
        moved("b1", "Increase", "30.00", ("Invoice", "f2")),
        moved("b3", "Decrease", "30.00", ("Invoice", "f3")),
    ],
}


class Zuora(Vendor):
    """A tenant without Invoice Settlement, and files of rows at an address of its own."""

    def __init__(self) -> None:
        names = shaped("zuora_api", TABLES)
        super().__init__(
            {t: [{k.lower(): v for k, v in r.items()} for r in rows] for t, rows in names.items()}
        )
        self.tokens = Tokens()
        self.jobs: list[list[dict[str, Any]]] = []
        self.waiting = 1

    def answered(self, request: Request) -> tuple[int, Any]:
        if request.path == "/oauth/token":
            if request.body["client_secret"] != SECRET:
                return 401, {"message": "Invalid client id"}
            return self.tokens.grant(request.body)
        if request.path.startswith("/files/"):
            assert "authorization" not in request.headers
            rows = self.jobs[int(request.path.removeprefix("/files/"))]
            return 200, Said("".join(json.dumps(row) + "\n" for row in rows), {})
        if not self.tokens.admits(request):
            return 401, {"reasons": [{"message": "Authentication error"}]}
        if request.body:
            assert (request.body["outputFormat"], request.body["compression"]) == ("JSON", "NONE")
            self.jobs.append(self.queried(request.body["query"]))
            return 200, {"data": {"id": str(len(self.jobs) - 1), "queryStatus": "accepted"}}
        number = request.path.removeprefix("/query/jobs/")
        if self.waiting:
            self.waiting -= 1
            return 200, {"data": {"id": number, "queryStatus": "in_progress"}}
        if not self.jobs[int(number)] and self.page == 0:
            error = "Query exceeded the maximum time limit of 3600.00s"
            return 200, {"data": {"id": number, "queryStatus": "failed", "errorMessage": error}}
        file = f"http://{request.headers['host']}/files/{number}"
        return 200, {"data": {"id": number, "queryStatus": "completed", "dataFile": file}}

    def queried(self, query: str) -> list[dict[str, Any]]:
        if query == "show tables":
            return [{"Table": name} for name in [*self.objects, "refund", "subscription"]]
        if found := re.fullmatch(r"select \* from (\w+)", query):
            rows = self.objects.get(found[1], [])
            return [row for row in rows if not row.get("gone")]
        found = re.fullmatch(
            r"select t\.\*, t\.deleted as headrace_deleted from (\w+) t "
            r"where t\.updateddate >= timestamp '(.*) \+00:00'",
            query,
        )
        assert found is not None, query
        moment = datetime.fromisoformat(f"{found[2]}+00:00").timestamp()
        rows = [row for row in self.objects.get(found[1], []) if row.get("moment", 0) >= moment]
        self.asked += [f"{found[1]} {row['id']}" for row in rows]
        return [row | {"headrace_deleted": bool(row.get("gone"))} for row in rows]


@pytest.fixture(scope="module")
def zuora(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Account]:
    options = {"client_id": "app", "client_secret": SECRET}
    with account(tmp_path_factory.mktemp("zuora"), "zuora_api", Zuora(), options) as made:
        yield made


def test_what_is_read_is_what_zuora_has_and_then_what_was_updated(zuora: Account) -> None:
    vendor: Any = zuora.vendor
    assert zuora.sync() == {("acme", "EUR"): 10000 - 3000 + 5000 - 6000}
    for table, objects in vendor.objects.items():
        assert same_objects(zuora.rows(table, "id"), objects, "id")
    # Tables that the tenant lacks are not asked for.
    assert len(vendor.jobs) == len(vendor.objects) + 2
    assert zuora.book.connection.execute(
        "select amount from book.allocations where from_external_id = 'p1'"
    ).fetchall() == [(4010,)]

    vendor.clock.seconds += 7200
    now = {"moment": vendor.second}
    invoices = vendor.objects["invoice"]
    invoices[0] |= {"amount": "110.00", **now}
    vendor.objects["payment"][0] |= {"gone": True, **now}
    vendor.objects["invoicepayment"][0] |= {"gone": True, **now}
    invoices.append(invoices[2] | {"id": "f4", "amount": "5.00", **now})
    assert zuora.sync() == {("acme", "EUR"): 11000 - 3000 + 5000 + 500}
    asked = ["invoice f1", "invoice f4", "invoicepayment l1", "payment p1"]
    assert sorted(vendor.asked) == asked


def test_what_is_wrong_is_one_sentence_with_what_to_do(zuora: Account) -> None:
    vendor: Any = zuora.vendor
    assert zuora.refusal(client_secret="client-secret-9").endswith(
        '/oauth/token answers 401 Unauthorized: {"message": "Invalid client id"}. Check url, the '
        "tenant's data centre, and client_id and client_secret of its OAuth client."
    )
    vendor.tokens.refused = True
    assert "Check that the OAuth client's user may run data queries." in zuora.refusal()
    vendor.tokens.refused = False
    vendor.page = 0  # a query without rows takes too long
    assert "exceeded the maximum time limit" in zuora.refusal()
    assert "no option colour: there is url, client_id" in zuora.unknown_option()
