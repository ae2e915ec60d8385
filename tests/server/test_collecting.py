"""Payments that are collected in the portal, by the control plane."""

from __future__ import annotations

import json
import urllib.request
from typing import Any

import pytest

from headrace.model.errors import Refused
from headrace.testkit.hub import RunningHub, hub


def _call(running: RunningHub, method: str, path: str, body: Any = None) -> Any:
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(running.url + path, data, running.headers, method=method)
    request.add_header("Content-Type", "application/json")
    with urllib.request.urlopen(request) as answer:
        return json.loads(answer.read())


def _fill(running: RunningHub) -> None:
    _call(running, "POST", "/customers", {"externalId": "c1", "name": "Nordwind"})
    invoice = {
        "externalId": "i1",
        "customId": "I-1",
        "issuedAt": "2026-05-05",
        "dueDate": "2026-06-05",
        "currency": "EUR",
        "grossAmount": 10000,
        "netAmount": 10000,
        "customer": {"externalId": "c1"},
    }
    _call(running, "POST", "/invoices", invoice)


def test_a_collected_payment_has_no_external_id_and_settles_what_it_is_linked_to() -> None:
    with hub() as running:
        _fill(running)
        paid = running.collect("c1", 2000, settles={"i1": 2000}, validatedAt="2026-05-06")
        assert paid["externalId"] is None
        assert (paid["instrument"], paid["amount"], paid["amountLinked"]) == ("CARD", 2000, 2000)
        assert paid["refNumber"].startswith("UPF-")
        assert _call(running, "GET", "/invoices/external:i1")["amountOutstanding"] == 8000
        assert _call(running, "GET", "/customers/external:c1")["balance"] == 8000
        assert _call(running, "GET", f"/payments/{paid['id']}") == paid


def test_a_collected_payment_without_links_lowers_the_balance_alone() -> None:
    with hub() as running:
        _fill(running)
        running.collect("c1", 2000, instrument="DIRECT_DEBIT", refNumber="SEPA 7")
        assert _call(running, "GET", "/invoices/external:i1")["amountOutstanding"] == 10000
        assert _call(running, "GET", "/customers/external:c1")["balance"] == 8000


def test_a_failed_direct_debit_opens_its_invoices_again_and_leaves_a_refund() -> None:
    with hub() as running:
        _fill(running)
        paid = running.collect("c1", 2000, settles={"i1": 2000}, instrument="DIRECT_DEBIT")
        refund = running.fail(paid["id"])
        assert refund["externalId"] is None
        assert refund["linkedTransactions"][0]["payment"]["id"] == paid["id"]
        assert _call(running, "GET", "/invoices/external:i1")["amountOutstanding"] == 10000
        assert _call(running, "GET", "/customers/external:c1")["balance"] == 10000
        with pytest.raises(Refused, match="Nothing of payment"):
            running.fail(paid["id"])


def test_collected_payments_can_be_part_of_a_seed() -> None:
    seed = """
{"method": "POST", "path": "/customers", "body": {"externalId": "c1", "name": "Nordwind"}}
{"method": "POST", "path": "/_hub/organisations/{organisation}/collected", "as": "debit", \
"body": {"customer": {"externalId": "c1"}, "currency": "EUR", "amount": 500}}
{"method": "POST", "path": "/_hub/organisations/{organisation}/collected/{debit}/failed"}
"""
    with hub() as running:
        played = running.seed(seed)
        assert played["made"] == {"customers": 1, "collected": 1, "failed": 1}
        assert [one["amount"] for one in _call(running, "GET", "/refunds")["items"]] == [500]


def test_a_collected_payment_cannot_have_an_external_id() -> None:
    with hub() as running:
        _fill(running)
        with pytest.raises(Refused, match="externalId"):
            running.collect("c1", 2000, externalId="P1")
