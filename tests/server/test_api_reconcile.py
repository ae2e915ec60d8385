"""Reconciliations: links with an identity of their own."""

from __future__ import annotations

from typing import Any

import pytest
from hub_api import Api, credit_note, customer, invoice, payment, to_invoice


@pytest.fixture(autouse=True)
def books(api: Api) -> None:
    api.post("/customers", customer("C"))
    api.post("/invoices", invoice("I1", "C", 1000))
    api.post("/invoices", invoice("I2", "C", 500))
    api.post("/payments", payment("P1", "C", 1200))
    api.post("/payments", payment("P2", "C", 800))
    api.post("/credit_notes", credit_note("N", "C", 300))
    api.post("/refunds", payment("R", "C", 400))


def part(external_id: str, amount: int, **more: Any) -> dict[str, Any]:
    return {"externalId": external_id, "amountLinked": amount, **more}


def request(external_id: str = "partial-1", **sides: Any) -> dict[str, Any]:
    empty: dict[str, Any] = {"invoices": [], "payments": [], "creditNotes": [], "refunds": []}
    return {"externalId": external_id, **empty, **sides}


def applied(api: Api) -> dict[str, int]:
    """Return the linked amount of each document."""
    found = {}
    for name in ("I1", "I2"):
        entry = api.get(f"/invoices/external:{name}")
        found[name] = entry["grossAmount"] - entry["amountOutstanding"]
    for path, names in (("payments", ("P1", "P2")), ("credit_notes", ("N",)), ("refunds", ("R",))):
        for name in names:
            found[name] = api.get(f"/{path}/external:{name}")["amountLinked"]
    return {name: amount for name, amount in found.items() if amount}


def test_one_debit_and_one_credit_are_linked(api: Api) -> None:
    body = request(invoices=[part("I1", 700)], payments=[part("P1", 700)])
    assert api.post("/reconcile", body) == "CREATED"
    assert applied(api) == {"I1": 700, "P1": 700}
    assert [p["amount"] for p in api.get("/invoices/external:I1")["payments"]] == [700]
    (link,) = api.get("/payments/external:P1")["linkedInvoices"]
    assert (link["linkedAmount"], link["invoice"]["externalId"]) == (700, "I1")


def test_a_reconciliation_is_idempotent_replaceable_and_removable(api: Api) -> None:
    body = request(invoices=[part("I1", 700)], payments=[part("P1", 700)])
    for _ in range(3):
        assert api.post("/reconcile", body) == "CREATED"
        assert applied(api) == {"I1": 700, "P1": 700}
    api.post("/reconcile", request("2", invoices=[part("I1", 300)], creditNotes=[part("N", 300)]))
    assert applied(api) == {"I1": 1000, "P1": 700, "N": 300}
    api.post("/reconcile", request(invoices=[part("I2", 100)], payments=[part("P2", 100)]))
    assert applied(api) == {"I1": 300, "N": 300, "I2": 100, "P2": 100}
    api.post("/reconcile", request())
    api.post("/reconcile", request())
    assert applied(api) == {"I1": 300, "N": 300}
    api.post("/reconcile", {"externalId": "2"})
    assert applied(api) == {}


def test_refunds_are_debits(api: Api) -> None:
    sides = {"payments": [part("P1", 300)], "creditNotes": [part("N", 100)]}
    api.post("/reconcile", request(refunds=[part("R", 400)], **sides))
    refund = api.get("/refunds/external:R")
    links = [(e["linkedAmount"], e["payment"]["externalId"]) for e in refund["linkedTransactions"]]
    assert links == [(300, "P1")]
    links = [
        (e["linkedAmount"], e["creditNote"]["externalId"]) for e in refund["linkedCreditNotes"]
    ]
    assert links == [(100, "N")]
    assert applied(api) == {"P1": 300, "N": 100, "R": 400}


def test_several_documents_on_a_side_are_split_in_a_stable_way(api: Api) -> None:
    body = request(
        invoices=[part("I1", 1000), part("I2", 500)],
        refunds=[part("R", 400)],
        payments=[part("P1", 1200), part("P2", 400)],
        creditNotes=[part("N", 300)],
    )
    before = None
    for _ in range(2):
        api.post("/reconcile", body)
        links = {
            name: [
                (entry["linkedAmount"], entry["invoice"]["externalId"])
                for entry in api.get(f"/payments/external:{name}")["linkedInvoices"]
            ]
            for name in ("P1", "P2")
        }
        assert links == {"P1": [(1000, "I1"), (200, "I2")], "P2": [(300, "I2")]}
        assert before is None or before == links
        before = links
    assert applied(api) == {"I1": 1000, "I2": 500, "R": 400, "P1": 1200, "P2": 400, "N": 300}


def test_importing_a_document_again_keeps_the_links_of_a_reconciliation(api: Api) -> None:
    api.post("/reconcile", request(invoices=[part("I1", 700)], payments=[part("P1", 700)]))
    api.post("/payments", payment("P1", "C", 1200), status=200)
    assert applied(api) == {"I1": 700, "P1": 700}
    own = payment("P1", "C", 1200, linkedInvoices=[to_invoice("I1", 200)])
    api.post("/payments", own, status=200)
    assert applied(api) == {"I1": 900, "P1": 900}
    api.post("/payments", payment("P1", "C", 1200, linkedInvoices=[]), status=200)
    assert applied(api) == {"I1": 700, "P1": 700}
    too_much = payment("P1", "C", 1200, linkedInvoices=[to_invoice("I2", 501)])
    assert "can't" in api.refused("POST", "/payments", too_much)
    api.post("/payments", own, status=200)
    api.post("/reconcile", request())
    assert applied(api) == {"I1": 200, "P1": 200}


def test_documents_are_named_by_id_external_id_or_custom_id(api: Api) -> None:
    one = api.get("/invoices/external:I1")["id"]
    both = {"id": api.get("/payments/external:P1")["id"], "externalId": "P1", "amountLinked": "10"}
    sides = {"invoices": [{"id": one, "customId": "No I1", "amountLinked": 10}], "payments": [both]}
    api.post("/reconcile", request(**sides))
    assert applied(api) == {"I1": 10, "P1": 10}
    wrong = [{"id": one, "externalId": "I2", "amountLinked": 10}]
    assert api.refused("POST", "/reconcile", request(invoices=wrong, payments=[both])) == (
        "invoices[0]: id and externalId are those of two different invoices."
    )


@pytest.mark.parametrize(
    ("sides", "sentence"),
    [
        (
            {"invoices": [part("I1", 700)], "payments": [part("P1", 600)]},
            "amountLinked: invoices and refunds sum up to EUR 7.00, payments and credit notes to "
            "EUR 6.00: both sides must be equal.",
        ),
        (
            {"payments": [part("P1", 600)]},
            "amountLinked: invoices and refunds sum up to EUR 0.00, payments and credit notes to "
            "EUR 6.00: both sides must be equal.",
        ),
        (
            {"invoices": [part("I1", 1001)], "payments": [part("P1", 1001)]},
            "invoices[0].amountLinked: payment P1 can't take EUR 10.01 of invoice I1: EUR 10.00 of "
            "its EUR 10.00 are open.",
        ),
        (
            {"invoices": [part("I1", 301)], "creditNotes": [part("N", 301)]},
            "invoices[0].amountLinked: credit note N can't give EUR 3.01 to invoice I1: EUR 3.00 "
            "of its EUR 3.00 are left.",
        ),
        (
            {"refunds": [part("R", 401)], "payments": [part("P1", 401)]},
            "refunds[0].amountLinked: refund R can't give EUR 4.01 to payment P1: EUR 4.00 of its "
            "EUR 4.00 are left.",
        ),
        (
            {"invoices": [part("I9", 1)], "payments": [part("P1", 1)]},
            "invoices[0]: no invoice with externalId I9 exists; import it first.",
        ),
        (
            {"invoices": [{"amountLinked": 1}], "payments": [part("P1", 1)]},
            "invoices[0]: needs the id or the externalId of the invoice.",
        ),
        (
            {"invoices": [part("dollars", 1)], "payments": [part("P1", 1)]},
            "payments[0]: payment P1 is in EUR and invoice dollars in USD: a link needs the same "
            "currency on both sides.",
        ),
        (
            {"invoices": [part("stranger", 1)], "payments": [part("P1", 1)]},
            "invoices[0]: invoice stranger and payment P1 belong to customers of "
            "different families.",
        ),
        (
            {"invoices": [part("I1", 0)], "payments": []},
            "invoices[0].amountLinked: Expected `int` >= 1.",
        ),
    ],
)
def test_a_refused_reconciliation_changes_nothing(
    api: Api, sides: dict[str, Any], sentence: str
) -> None:
    api.post("/customers", customer("S"))
    api.post("/invoices", invoice("dollars", "C", currency="USD"))
    api.post("/invoices", invoice("stranger", "S"))
    api.post("/reconcile", request(invoices=[part("I1", 5)], payments=[part("P2", 5)]))
    assert api.refused("POST", "/reconcile", request(**sides)) == sentence
    assert applied(api) == {"I1": 5, "P2": 5}


def test_own_documents_are_matched_before_those_of_the_family(api: Api) -> None:
    for name in "AB":
        api.post("/customers", customer(name, parent={"externalId": "C"}))
        api.post("/invoices", invoice(f"of {name}", name, 100))
        api.post("/payments", payment(f"by {name}", name, 100))
    sides = {
        "invoices": [part("of A", 100), part("I1", 100)],
        "payments": [part("P1", 100), part("by B", 100)],
    }
    api.post("/reconcile", request(**sides))
    for name, target in (("P1", "I1"), ("by%20B", "of A")):
        (link,) = api.get(f"/payments/external:{name}")["linkedInvoices"]
        assert link["invoice"]["externalId"] == target
    crossed = {"invoices": [part("of B", 100)], "payments": [part("by A", 100)]}
    api.post("/reconcile", request("2", **crossed))
    (link,) = api.get("/payments/external:by%20A")["linkedInvoices"]
    assert link["invoice"]["externalId"] == "of B"


def test_a_deleted_document_leaves_its_reconciliation(api: Api) -> None:
    body = request(invoices=[part("I1", 700)], payments=[part("P1", 700)])
    api.post("/reconcile", body)
    assert api.call("DELETE", "/payments/external:P1").status == 204
    assert applied_without(api, "I1") == 0
    api.post("/payments", payment("P1", "C", 1200))
    api.post("/reconcile", body)
    assert applied(api) == {"I1": 700, "P1": 700}


def applied_without(api: Api, name: str) -> int:
    entry = api.get(f"/invoices/external:{name}")
    return int(entry["grossAmount"] - entry["amountOutstanding"])
