"""Customers: import, partial update, parents, balances, deletion."""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import quote

import pytest
from hub_api import ANY_ID, Api, credit_note, customer, invoice, payment, to_invoice

FULL = {
    "externalId": "1a2c3b",
    "name": "Upflow SAS",
    "vatNumber": "FR123",
    "accountingRef": "411UP",
    "accountManagerId": None,
    "address": {"address": "25 Passage Dubail", "zipcode": "75010", "city": "Paris"},
    "paymentMethods": {"card": {"enabled": True}},
    "customFields": [],
    "contacts": [
        {
            "firstName": "John",
            "lastName": "Doe",
            "phone": "+33678059778",
            "email": "john@example.com",
            "position": "ACCOUNTING",
            "externalId": "1a2c3d",
            "isMain": True,
        }
    ],
}

ANSWER = {
    "id": ANY_ID,
    "externalId": "1a2c3b",
    "name": "Upflow SAS",
    "vatNumber": "FR123",
    "accountingRef": "411UP",
    "accountManagerId": None,
    "dunningPlanId": None,
    "address": {"address": "25 Passage Dubail", "zipcode": "75010", "city": "Paris"},
    "parent": None,
    "paymentMethods": {"card": {"enabled": True}},
    "customFields": [],
    "contacts": [
        {
            "id": ANY_ID,
            "externalId": "1a2c3d",
            "email": "john@example.com",
            "firstName": "John",
            "lastName": "Doe",
            "phone": "+33678059778",
            "position": "ACCOUNTING",
            "isMain": True,
        }
    ],
    "balance": 0,
    "amountDue": 0,
    "amountOverdue": 0,
    "countInvoicesDue": 0,
    "countInvoicesOverdue": 0,
    "currency": "EUR",
    "directUrl": None,
}


def test_import_creates_then_updates(api: Api) -> None:
    assert api.post("/customers", FULL) == ANSWER
    assert api.post("/customers", FULL, status=200) == ANSWER
    assert api.get("/customers/external:1a2c3b") == ANSWER
    assert api.get("/customers") == {"offset": 0, "limit": 50, "total": 1, "customers": [ANSWER]}


def test_absent_fields_stay_and_null_clears(api: Api) -> None:
    made = api.post("/customers", FULL)
    assert api.post("/customers", {"externalId": "1a2c3b", "vatNumber": ""}, status=200) == {
        **made,
        "vatNumber": "",
    }
    answer = api.call("PUT", f"/customers/{made['id']}", {"vatNumber": None, "address": None})
    assert answer.status == 200
    assert answer.body == {**made, "vatNumber": None, "address": None}
    assert api.get(f"/customers/{made['id']}") == answer.body


def test_an_import_updates_by_id_and_by_both_ids(api: Api) -> None:
    assert api.refused("POST", "/customers", {"name": "N"}) == "A new customer needs externalId."
    first = api.post("/customers", customer("x"))
    named = api.post("/customers", {"id": first["id"], "name": "Y"}, status=200)
    assert named == {**first, "name": "Y"}
    second = api.post("/customers", customer("z"))
    assert api.post("/customers", {"id": second["id"], "externalId": "z"}, status=200) == second
    assert api.refused("POST", "/customers", {"id": second["id"], "externalId": "x"}) == (
        "id: id and externalId are those of two different customers."
    )
    unknown = "00000000-0000-7000-8000-000000000000"
    assert api.refused("POST", "/customers", {"id": unknown, "name": "n"}) == (
        f"id: no customer with id {unknown} exists; leave id out to create one."
    )
    assert api.refused("POST", "/customers", {"id": second["id"], "externalId": "new"}) == (
        "externalId: customer z has one already and it never changes."
    )
    assert api.refused("PUT", "/customers/external:z", {"externalId": "new"}) == (
        "externalId: customer z has one already and it never changes."
    )
    assert api.refused("PUT", "/customers/external:z", {"id": first["id"]}) == (
        "id: customer z has another id, and an id never changes."
    )


def test_a_new_customer_needs_a_name(api: Api) -> None:
    answer = api.call("POST", "/customers", {"externalId": "x"})
    assert answer.body == {
        "statusCode": 400,
        "error": "Bad Request",
        "message": "A new customer needs name.",
        "details": [{"field": "name", "message": "is required"}],
    }
    assert api.refused("POST", "/customers", {"name": ""}).startswith("name: ")
    assert api.get("/customers")["total"] == 0


def test_an_unknown_dunning_plan_is_refused_and_not_ignored(api: Api) -> None:
    assert api.refused("POST", "/customers", customer("x", dunningPlanId="p")) == (
        "dunningPlanId: no dunning plan with id p exists; there is none, and the API makes none."
    )
    assert api.post("/customers", customer("x", dunningPlanId=None))["dunningPlanId"] is None


def test_a_parent_must_exist_and_have_no_parent(api: Api) -> None:
    missing = customer("child", parent={"externalId": "root"})
    assert api.refused("POST", "/customers", missing) == (
        "parent: no customer with externalId root exists; import it first."
    )
    root = api.post("/customers", customer("root"))
    child = api.post("/customers", missing)
    assert child["parent"] == {"id": root["id"], "externalId": "root"}
    assert api.refused("POST", "/customers", customer("x", parent={"externalId": "child"})) == (
        "parent: customer child has a parent itself; link to the root, there is one level only."
    )
    api.post("/customers", customer("other"))
    assert api.refused("PUT", "/customers/external:root", {"parent": {"externalId": "other"}}) == (
        "parent: customer root has children, so it can't get a parent: one level only."
    )
    assert api.refused("PUT", "/customers/external:other", {"parent": {"externalId": "other"}}) == (
        "parent: customer other can't be its own parent."
    )
    assert api.refused("PUT", "/customers/external:other", {"parent": {}}) == (
        "parent: needs the id or the externalId of the customer."
    )
    alone = api.call("PUT", "/customers/external:child", {"parent": None})
    assert (alone.status, alone.body["parent"]) == (200, None)


def test_a_customer_with_links_into_its_family_cannot_leave_it(api: Api) -> None:
    api.post("/customers", customer("root"))
    api.post("/customers", customer("child", parent={"externalId": "root"}))
    api.post("/invoices", invoice("I", "child"))
    api.post("/payments", payment("P", "root", linkedInvoices=[to_invoice("I", 1)]))
    assert api.refused("PUT", "/customers/external:child", {"parent": None}) == (
        "parent: can't change while payment P is linked to invoice I of another customer of the "
        "family."
    )


def test_balance_sums_the_family_in_the_customers_currency(api: Api) -> None:
    api.post("/customers", customer("root"))
    api.post("/customers", customer("child", parent={"externalId": "root"}))
    api.post("/invoices", invoice("late", "child", 1000, dueDate="2016-01-01"))
    api.post("/invoices", invoice("due", "root", 300))
    api.post("/payments", payment("P", "root", 450, linkedInvoices=[to_invoice("late", 400)]))
    api.post("/credit_notes", credit_note("N", "child", 20))
    figures = ("balance", "amountDue", "amountOverdue", "countInvoicesDue", "countInvoicesOverdue")

    def read(name: str) -> tuple[object, ...]:
        answer = api.get(f"/customers/external:{name}")
        return (*(answer[figure] for figure in figures), answer["currency"])

    assert read("root") == (300 + 600 - 50 - 20, 300, 600, 1, 1, "EUR")
    assert read("child") == (600 - 20, 0, 600, 0, 1, "EUR")
    api.post(
        "/refunds", {**payment("R", "root", 70), "linkedPayments": [], "linkedCreditNotes": []}
    )
    assert read("root")[0] == 300 + 600 - 50 - 20 + 70
    api.post("/invoices", invoice("dollars", "child", 5000, currency="USD"))
    assert read("root") == (900, 300, 600, 2, 1, "EUR")


def test_a_customers_currency_is_its_documents_or_else_the_organisations(
    new_api: Callable[..., Api],
) -> None:
    api = new_api(currency="CHF")
    assert api.post("/customers", customer("C"))["currency"] == "CHF"
    api.post("/invoices", invoice("A", "C", 100, currency="JPY"))
    answer = api.get("/customers/external:C")
    assert (answer["currency"], answer["balance"]) == ("JPY", 100)
    api.post("/invoices", invoice("B", "C", 100, currency="USD"))
    answer = api.get("/customers/external:C")
    assert (answer["currency"], answer["balance"], answer["countInvoicesDue"]) == ("CHF", 0, 2)
    assert api.call("DELETE", "/invoices/external:B").status == 204
    assert api.get("/customers/external:C")["currency"] == "JPY"


def test_only_an_empty_customer_can_be_deleted(api: Api) -> None:
    api.post("/customers", customer("C"))
    api.post("/customers", customer("child", parent={"externalId": "C"}))
    for number in (1, 2):
        api.post("/invoices", invoice(f"I{number}", "C"))
    api.post("/payments", payment("P", "C"))
    assert api.refused("DELETE", "/customers/external:C") == (
        "Customer C still has 2 invoices and 1 payment and 1 child customer: delete them first."
    )
    for path in ("invoices/external:I1", "invoices/external:I2", "payments/external:P"):
        assert api.call("DELETE", f"/{path}").status == 204
    assert api.refused("DELETE", "/customers/external:C") == (
        "Customer C still has 1 child customer: delete them first."
    )
    assert api.call("DELETE", "/customers/external:child").status == 204
    gone = api.call("DELETE", "/customers/external:C")
    assert (gone.status, gone.raw) == (204, b"")
    assert api.refused("GET", "/customers/external:C", status=404) == (
        "There is no customer with externalId C."
    )
    assert api.get("/customers") == {"offset": 0, "limit": 50, "total": 0, "customers": []}
    assert api.post("/customers", customer("C"))["balance"] == 0


@pytest.mark.parametrize("external_id", ["a/b", "a b", "ä:ö", "external:x", "100%", "?&#=", "x.y"])
def test_any_external_id_can_be_part_of_a_path(api: Api, external_id: str) -> None:

    made = api.post("/customers", customer(external_id))
    assert made["externalId"] == external_id
    for head in ("external:", "external%3A"):
        assert api.get(f"/customers/{head}{quote(external_id, safe='')}") == made
