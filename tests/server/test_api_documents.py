"""Invoices, credit notes, payments and refunds: import, links, open amounts, deletion."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hub_api import (
    ANY_ID,
    ANY_TIME,
    Api,
    credit_note,
    customer,
    invoice,
    payment,
    to_invoice,
)


@pytest.fixture(autouse=True)
def owner(api: Api) -> dict[str, Any]:
    return dict(api.post("/customers", customer("C", accountingRef="411")))


def brief(owner: dict[str, Any]) -> dict[str, Any]:
    return {
        "id": owner["id"],
        "externalId": owner["externalId"],
        "companyName": owner["name"],
        "accountingRef": owner["accountingRef"],
    }


def test_an_invoice_is_imported_as_in_the_guide(api: Api, owner: dict[str, Any]) -> None:
    body = {
        "customId": "INV123456",
        "externalId": "54a65b4c32",
        "issuedAt": "2015-05-05T12:30:00Z",
        "dueDate": "2015-06-05T12:30:00Z",
        "currency": "EUR",
        "grossAmount": 1700,
        "netAmount": 1500,
        "customer": {"externalId": "C"},
    }
    answer = {
        "id": ANY_ID,
        "externalId": "54a65b4c32",
        "customId": "INV123456",
        "issuedAt": "2015-05-05T12:30:00.000Z",
        "dueDate": "2015-06-05T12:30:00.000Z",
        "currency": "EUR",
        "grossAmount": 1700,
        "netAmount": 1500,
        "name": None,
        "customerId": owner["id"],
        "amountOutstanding": 1700,
        "state": "OVERDUE",
        "dunningPlanId": None,
        "source": "API",
        "pdfUrl": None,
        "directUrl": None,
        "payments": [],
    }
    made = api.post("/invoices", body)
    assert made == answer
    assert api.post("/invoices", body, status=200) == made
    assert api.get("/invoices/external:54a65b4c32") == made
    assert api.get(f"/invoices/{made['id']}") == made
    page = {"offset": 0, "limit": 50, "total": 1, "invoices": [made]}
    assert api.get("/invoices") == page
    changed = api.post("/invoices", {"externalId": "54a65b4c32", "name": "May"}, status=200)
    assert changed == {**made, "name": "May"}
    put = api.call("PUT", f"/invoices/{made['id']}", {"grossAmount": 1800, "name": None})
    assert (put.status, put.body) == (
        200,
        {**made, "grossAmount": 1800, "amountOutstanding": 1800},
    )


EMBEDDED = {
    "currency": "EUR",
    "issuedAt": "2015-05-05T12:30:00.000Z",
    "dueDate": "2999-06-05T12:30:00.000Z",
}
"""What an invoice of these tests has in common inside another document's answer."""


def test_a_payment_with_links_lowers_the_outstanding_amount(
    api: Api, owner: dict[str, Any]
) -> None:
    one = api.post("/invoices", invoice("I1", "C", 1000))
    two = api.post("/invoices", invoice("I2", "C", 500, name="Second"))
    links = [to_invoice("I1", "1000"), {"amountLinked": 200.0, "invoice": {"id": two["id"]}}]
    made = api.post(
        "/payments",
        payment("P", "C", 1300, instrument="CARD", refNumber="fix:1", linkedInvoices=links),
    )
    assert made == {
        "id": ANY_ID,
        "externalId": "P",
        "currency": "EUR",
        "amount": 1300,
        "amountLinked": 1200,
        "validatedAt": "2016-02-03T00:00:00.000Z",
        "instrument": "CARD",
        "refNumber": "fix:1",
        "bankAccountId": None,
        "type": "ACCOUNT",
        "createdAt": ANY_TIME,
        "modifiedAt": ANY_TIME,
        "customer": brief(owner),
        "linkedInvoices": [
            {
                "linkedAmount": 1000,
                "invoice": {
                    "id": one["id"],
                    "customId": "No I1",
                    "externalId": "I1",
                    "name": None,
                    "grossAmount": 1000,
                    "netAmount": 1000,
                    "amountOutstanding": 0,
                    "paidDate": "2016-02-03T00:00:00.000Z",
                    "status": "PAID",
                    **EMBEDDED,
                },
            },
            {
                "linkedAmount": 200,
                "invoice": {
                    "id": two["id"],
                    "customId": "No I2",
                    "externalId": "I2",
                    "name": "Second",
                    "grossAmount": 500,
                    "netAmount": 500,
                    "amountOutstanding": 300,
                    "paidDate": None,
                    "status": "DUE",
                    **EMBEDDED,
                },
            },
        ],
    }
    assert api.get("/payments/external:P") == made
    assert api.get("/payments") == {"offset": 0, "limit": 50, "total": 1, "items": [made]}
    paid = {"amount": 1000, "executedAt": "2016-02-03T00:00:00.000Z", "instrument": "CARD"}
    assert api.get("/invoices/external:I1") == {
        **one,
        "amountOutstanding": 0,
        "state": "PAID",
        "payments": [paid],
    }
    listed = api.get("/invoices")["invoices"]
    assert [entry["externalId"] for entry in listed] == ["I2", "I1"], "newest first"
    assert listed == [api.get("/invoices/external:I2"), api.get("/invoices/external:I1")]


def open_amounts(api: Api, *names: str) -> list[int]:
    return [api.get(f"/invoices/external:{name}")["amountOutstanding"] for name in names]


def test_given_links_replace_the_earlier_ones_and_missing_links_leave_them(api: Api) -> None:
    for name in ("A", "B"):
        api.post("/invoices", invoice(name, "C", 1000))
    api.post("/payments", payment("P", "C", 1000, linkedInvoices=[to_invoice("A", 600)]))
    assert open_amounts(api, "A", "B") == [400, 1000]
    api.post("/payments", payment("P", "C", 1000), status=200)
    assert open_amounts(api, "A", "B") == [400, 1000]
    both = [to_invoice("B", 700), to_invoice("A", 300)]
    answer = api.call("PUT", "/payments/external:P", {"linkedInvoices": both}).body
    assert answer["amountLinked"] == 1000
    assert [link["linkedAmount"] for link in answer["linkedInvoices"]] == [700, 300]
    assert open_amounts(api, "A", "B") == [700, 300]
    api.post("/payments", {"externalId": "P", "linkedInvoices": []}, status=200)
    assert open_amounts(api, "A", "B") == [1000, 1000]
    assert api.get("/payments/external:P")["amountLinked"] == 0


def test_two_links_to_one_invoice_add_up(api: Api) -> None:
    api.post("/invoices", invoice("A", "C", 1000))
    twice = [to_invoice("A", 600), to_invoice("A", 400)]
    api.post("/payments", payment("P", "C", 1000, linkedInvoices=twice))
    assert api.get("/invoices/external:A")["state"] == "PAID"


REFUSED_LINKS = [
    (
        [to_invoice("A", 501)],
        "linkedInvoices[0].amountLinked: payment P can't take EUR 5.01 of invoice A: EUR 5.00 of "
        "its EUR 5.00 are open.",
    ),
    (
        [to_invoice("A", 500), to_invoice("B", 501)],
        "linkedInvoices[1].amountLinked: payment P can't give EUR 5.01 to invoice B: EUR 5.00 of "
        "its EUR 10.00 are left.",
    ),
    (
        [to_invoice("nobody", 1)],
        "linkedInvoices[0].invoice: no invoice with externalId nobody exists; import it first.",
    ),
    (
        [{"amountLinked": 1, "invoice": {}}],
        "linkedInvoices[0].invoice: needs the id or the externalId of the invoice.",
    ),
    (
        [to_invoice("dollars", 1)],
        "linkedInvoices[0]: payment P is in EUR and invoice dollars in USD: a link needs the same "
        "currency on both sides.",
    ),
    (
        [to_invoice("stranger", 1)],
        "linkedInvoices[0]: payment P and invoice stranger belong to customers of "
        "different families.",
    ),
    ([to_invoice("A", 0)], "linkedInvoices[0].amountLinked: Expected `int` >= 1."),
    ([{"invoice": {"externalId": "A"}}], "linkedInvoices[0].amountLinked: is required."),
]


@pytest.mark.parametrize(("links", "sentence"), REFUSED_LINKS)
def test_a_refused_link_changes_nothing(api: Api, links: list[Any], sentence: str) -> None:
    api.post("/customers", customer("S"))
    api.post("/invoices", invoice("A", "C", 500))
    api.post("/invoices", invoice("B", "C", 1000))
    api.post("/invoices", invoice("dollars", "C", currency="USD"))
    api.post("/invoices", invoice("stranger", "S"))
    assert api.refused("POST", "/payments", payment("P", "C", linkedInvoices=links)) == sentence
    assert api.get("/payments")["total"] == 0
    made = api.post("/payments", payment("P", "C", linkedInvoices=[to_invoice("A", 1)]))
    body = {"externalId": "P", "refNumber": "new", "linkedInvoices": links}
    assert api.refused("POST", "/payments", body) == sentence
    assert api.get("/payments/external:P") == made
    assert open_amounts(api, "A", "B") == [499, 1000]


def test_family_members_may_settle_each_other(api: Api) -> None:
    api.post("/customers", customer("child", parent={"externalId": "C"}))
    api.post("/invoices", invoice("of child", "child", 100))
    api.post("/invoices", invoice("of parent", "C", 100))
    api.post("/payments", payment("P", "C", linkedInvoices=[to_invoice("of child", 100)]))
    api.post("/payments", payment("Q", "child", linkedInvoices=[to_invoice("of parent", 100)]))
    assert open_amounts(api, "of%20child", "of%20parent") == [0, 0]


def test_a_document_moves_only_where_its_links_allow(api: Api) -> None:
    api.post("/customers", customer("S"))
    api.post("/invoices", invoice("A", "C", 500))
    api.post("/payments", payment("P", "C", linkedInvoices=[to_invoice("A", 400)]))
    move = {"customer": {"externalId": "S"}}
    assert api.refused("PUT", "/invoices/external:A", move) == (
        "customer: payment P and invoice A belong to customers of different families."
    )
    assert api.refused("PUT", "/invoices/external:A", {"currency": "USD"}) == (
        "currency: payment P is in EUR and invoice A in USD: a link needs the same currency on "
        "both sides."
    )
    assert api.refused("PUT", "/invoices/external:A", {"grossAmount": 399}) == (
        "grossAmount: invoice A can't be reduced to EUR 3.99: EUR 4.00 of it are linked; remove "
        "links first."
    )
    assert api.refused("PUT", "/payments/external:P", {"amount": 399}) == (
        "amount: payment P can't be reduced to EUR 3.99: EUR 4.00 of it are linked; remove links "
        "first."
    )
    smaller = {"amount": 100, "linkedInvoices": [to_invoice("A", 100)]}
    assert api.call("PUT", "/payments/external:P", smaller).status == 200
    assert open_amounts(api, "A") == [400]
    api.call("PUT", "/payments/external:P", {"linkedInvoices": []})
    moved = api.call("PUT", "/invoices/external:A", {**move, "currency": "USD"})
    assert moved.status == 200
    assert [api.get(f"/invoices?customerId=external:{n}")["total"] for n in "CS"] == [0, 1]
    assert api.get("/customers/external:S")["currency"] == "USD"


def test_a_credit_note_settles_invoices(api: Api, owner: dict[str, Any]) -> None:
    one = api.post("/invoices", invoice("A", "C", 1000))
    note = credit_note("N", "C", 300, issuedAt="2016-01-01", name="Returned")
    made = api.post("/credit_notes", {**note, "linkedInvoices": [to_invoice("A", 250)]})
    assert made == {
        "id": ANY_ID,
        "externalId": "N",
        "customId": "No N",
        "issuedAt": "2016-01-01T00:00:00.000Z",
        "dueDate": None,
        "name": "Returned",
        "currency": "EUR",
        "grossAmount": 300,
        "netAmount": 300,
        "amountLinked": 250,
        "pdfUrl": None,
        "customer": brief(owner),
        "linkedInvoices": [
            {
                "linkedAmount": 250,
                "invoice": {
                    "id": one["id"],
                    "customId": "No A",
                    "externalId": "A",
                    "name": None,
                    "currency": "EUR",
                    "grossAmount": 1000,
                    "netAmount": 1000,
                    "amountOutstanding": 750,
                    "issuedAt": "2015-05-05T12:30:00.000Z",
                    "dueDate": "2999-06-05T12:30:00.000Z",
                    "paidDate": None,
                    "status": "DUE",
                },
            }
        ],
    }
    assert api.get("/credit_notes/external:N") == made
    assert api.get("/credit_notes") == {"offset": 0, "limit": 50, "total": 1, "items": [made]}
    assert api.get("/invoices/external:A")["payments"] == [], "a credit note is no payment"


def test_a_refund_refunds_payments_and_credit_notes(api: Api, owner: dict[str, Any]) -> None:
    paid = api.post("/payments", payment("P", "C", 1000))
    note = api.post("/credit_notes", credit_note("N", "C", 500))
    body = {
        **payment("R", "C", 900),
        "linkedPayments": [{"amountLinked": "600", "payment": {"externalId": "P"}}],
        "linkedCreditNotes": [{"amountLinked": 300, "creditNote": {"externalId": "N"}}],
    }
    made = api.post("/refunds", body)
    assert made == {
        "id": ANY_ID,
        "externalId": "R",
        "currency": "EUR",
        "amount": 900,
        "amountLinked": 900,
        "validatedAt": "2016-02-03T00:00:00.000Z",
        "instrument": None,
        "refNumber": None,
        "bankAccountId": None,
        "createdAt": ANY_TIME,
        "modifiedAt": ANY_TIME,
        "customer": brief(owner),
        "linkedTransactions": [
            {"linkedAmount": 600, "payment": {"id": paid["id"], "externalId": "P"}}
        ],
        "linkedCreditNotes": [
            {"linkedAmount": 300, "creditNote": {"id": note["id"], "externalId": "N"}}
        ],
    }
    assert api.get("/refunds") == {"offset": 0, "limit": 50, "total": 1, "items": [made]}
    assert api.get("/payments/external:P")["amountLinked"] == 600
    assert api.get("/customers/external:C")["balance"] == -400 - 200
    assert api.refused("DELETE", "/payments/external:P") == (
        "Refund R refers to payment P: delete the refund first."
    )
    assert api.refused("DELETE", "/credit_notes/external:N") == (
        "Refund R refers to credit note N: delete the refund first."
    )
    only_notes = api.call("PUT", "/refunds/external:R", {"linkedPayments": []}).body
    assert (only_notes["amountLinked"], len(only_notes["linkedCreditNotes"])) == (300, 1)
    assert api.call("DELETE", "/refunds/external:R").status == 204
    assert api.get("/customers/external:C")["balance"] == -1500
    assert api.call("DELETE", "/payments/external:P").status == 204
    assert api.call("DELETE", "/credit_notes/external:N").status == 204
    assert api.get("/customers/external:C")["balance"] == 0


def test_the_refunded_part_of_a_payment_cannot_settle_an_invoice(api: Api) -> None:
    api.post("/invoices", invoice("A", "C", 1000))
    api.post("/payments", payment("P", "C", 1000, linkedInvoices=[to_invoice("A", 900)]))
    link = {"amountLinked": 101, "payment": {"externalId": "P"}}
    refund = {**payment("R", "C", 500), "linkedPayments": [link]}
    assert api.refused("POST", "/refunds", refund) == (
        "linkedPayments[0].amountLinked: refund R can't take EUR 1.01 of payment P: EUR 1.00 of "
        "its EUR 10.00 are open."
    )


def test_deleting_an_invoice_frees_its_payment(api: Api) -> None:
    api.post("/invoices", invoice("A", "C", 1000))
    api.post("/payments", payment("P", "C", 1000, linkedInvoices=[to_invoice("A", 1000)]))
    assert api.get("/customers/external:C")["balance"] == 0
    gone = api.call("DELETE", "/invoices/external:A")
    assert (gone.status, gone.raw) == (204, b"")
    freed = api.get("/payments/external:P")
    assert (freed["amountLinked"], freed["linkedInvoices"]) == (0, [])
    assert api.get("/customers/external:C")["balance"] == -1000
    assert api.refused("DELETE", "/invoices/external:A", status=404) == (
        "There is no invoice with externalId A."
    )


def test_deleting_a_payment_opens_its_invoice(api: Api) -> None:
    api.post("/invoices", invoice("A", "C", 1000))
    api.post("/payments", payment("P", "C", 1000, linkedInvoices=[to_invoice("A", 1000)]))
    assert api.call("DELETE", "/payments/external:P").status == 204
    answer = api.get("/invoices/external:A")
    assert (answer["amountOutstanding"], answer["state"], answer["payments"]) == (1000, "DUE", [])


NEEDED = [
    ("/invoices", "invoice", "customId, issuedAt, dueDate, currency, grossAmount, netAmount"),
    ("/credit_notes", "credit note", "customId, currency, grossAmount, netAmount"),
    ("/payments", "payment", "currency, amount, validatedAt"),
    ("/refunds", "refund", "currency, amount, validatedAt"),
]


@pytest.mark.parametrize(("path", "noun", "fields"), NEEDED)
def test_a_new_document_needs_all_required_fields(
    api: Api, path: str, noun: str, fields: str
) -> None:
    assert (
        api.refused("POST", path, {"externalId": "x"}) == f"A new {noun} needs {fields}, customer."
    )
    unknown = {"externalId": "x", "customer": {"externalId": "nobody"}}
    values = {
        **invoice("x", "C"),
        **payment("x", "C"),
        **unknown,
    }
    assert api.refused("POST", path, values) == (
        "customer: no customer with externalId nobody exists; import it first."
    )
    assert api.get(path)["total"] == 0


def test_overdue_follows_the_organisations_time_zone(new_api: Callable[..., Api]) -> None:
    """Kiritimati is 14 hours ahead of UTC and Niue 11 behind, so their dates differ."""
    for zone in ("Pacific/Kiritimati", "Pacific/Niue", "UTC"):
        api = new_api(time_zone=zone)
        api.post("/customers", customer("C"))
        today = datetime.now(UTC).astimezone(ZoneInfo(zone)).date()
        for days, state in ((-1, "OVERDUE"), (0, "DUE"), (1, "DUE")):
            due = (today + timedelta(days=days)).isoformat()
            answer = api.post("/invoices", invoice(f"{days}", "C", dueDate=due))
            assert answer["state"] == state, (zone, days)
        assert api.get("/customers/external:C")["countInvoicesOverdue"] == 1


def test_an_invoice_of_zero_is_paid(api: Api) -> None:
    assert api.post("/invoices", invoice("A", "C", 0, dueDate="2001-01-01"))["state"] == "PAID"
