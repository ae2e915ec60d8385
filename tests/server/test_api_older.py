"""Endpoints of the older reference: invoices below their customer, and open items."""

from __future__ import annotations

from typing import Any

from hub_api import ANY_TIME, Api, credit_note, customer, invoice, payment, to_invoice


def test_invoices_are_posted_and_listed_below_their_customer(api: Api) -> None:
    path = "/customers/external:C/invoices"
    body = invoice("A", "C")
    del body["customer"]
    assert api.refused("POST", path, body, status=404) == "There is no customer with externalId C."
    assert api.refused("GET", path, status=404) == "There is no customer with externalId C."
    for name in "CD":
        owner = api.post("/customers", customer(name))
    made = api.post(path, body)
    assert made == api.get("/invoices/external:A")
    assert made["customerId"] != owner["id"]
    assert api.post(path, invoice("A", "C"), status=200) == made
    assert api.refused("POST", path, invoice("A", "D")) == (
        "customer: is another one than customer C of the path; leave it out."
    )
    api.post("/invoices", invoice("B", "D"))
    assert api.get(path) == {"offset": 0, "limit": 50, "total": 1, "invoices": [made]}
    assert api.get(f"{path}?limit=9999&offset=1")["limit"] == 500


def test_the_open_items_of_a_customer_are_listed(api: Api) -> None:
    root = api.post("/customers", customer("root", accountingRef="411"))
    child = api.post("/customers", customer("child", parent={"externalId": "root"}))
    late = api.post("/invoices", invoice("late", "child", 1000, dueDate="2016-01-01"))
    api.post("/invoices", invoice("paid", "root", 50))
    due = api.post("/invoices", invoice("due", "root", 300))
    yen = api.post("/invoices", invoice("yen", "root", 700, currency="JPY"))
    links = [to_invoice("late", 400), to_invoice("paid", 50)]
    paid = api.post("/payments", payment("P", "root", 500, refNumber="42", linkedInvoices=links))
    note = api.post("/credit_notes", credit_note("N", "child", 20))

    def brief(of: dict[str, Any]) -> dict[str, Any]:
        keys = ("id", "externalId", "accountingRef")
        return {"companyName": of["name"], **{key: of[key] for key in keys}}

    def item(kind: str, entry: dict[str, Any], owner: dict[str, Any], **more: Any) -> Any:
        return {
            "type": kind,
            "id": entry["id"],
            "externalId": entry["externalId"],
            "customId": entry.get("customId"),
            "date": "2015-05-05T12:30:00.000Z",
            "dueDate": entry.get("dueDate"),
            "currency": entry["currency"],
            "state": entry.get("state"),
            "pdfUrl": None,
            "customer": brief(owner),
            **more,
        }

    expected = {
        "customer": brief(root),
        "date": ANY_TIME,
        "totals": [
            {
                "currency": "EUR",
                "outstanding": 600 + 300 - 50 - 20,
                "due": 300,
                "overdue": 600,
                "unapplied": 70,
            },
            {"currency": "JPY", "outstanding": 700, "due": 700, "overdue": 0, "unapplied": 0},
        ],
        "items": [
            item("INVOICE", late, child, amount=1000, openAmount=600),
            item("INVOICE", due, root, amount=300, openAmount=300),
            item("INVOICE", yen, root, amount=700, openAmount=700),
            item("CREDIT_NOTE", note, child, amount=20, openAmount=20, date=None),
            item(
                "PAYMENT",
                paid,
                root,
                amount=500,
                openAmount=50,
                customId="42",
                date="2016-02-03T00:00:00.000Z",
            ),
        ],
    }
    path = "/customers/external:root/customer_summary"
    assert api.post(path, None, status=200) == expected
    assert api.post(path, {"anything": 1}, status=200) == expected
    below = api.post("/customers/external:child/customer_summary", None, status=200)
    assert [entry["externalId"] for entry in below["items"]] == ["late", "N"]
    assert api.refused("GET", path, status=405)
    assert api.refused("POST", "/customers/external:x/customer_summary", status=404)
