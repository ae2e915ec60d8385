"""Users, bank accounts, dunning plans, account managers, actions and notes."""

from __future__ import annotations

from typing import Any

import pytest
from administration import Administration
from hub_api import ANY_ID, ANY_TIME, Api, customer, invoice, payment

from headrace.model.collection import ActionDraft
from headrace.model.errors import BadRequest
from headrace.model.reference import external
from headrace.store.records.actions import make_action
from headrace.store.records.directory import make_bank_account, make_dunning_plan, make_user
from headrace.store.records.organisations import make_position
from headrace.testkit.hub import RunningHub

NOBODY = "00000000-0000-7000-8000-000000000000"


@pytest.fixture
def admin(running: RunningHub, api: Api) -> Administration:
    return Administration(running, api)


def test_users_are_listed_and_read(api: Api, admin: Administration) -> None:
    assert api.get("/users") == {"offset": 0, "limit": 50, "total": 0, "users": []}
    jane = admin.make(make_user, email="jane@x.io", first_name="Jane", last_name="Doe")
    joe = admin.make(make_user, email="joe@x.io", position="FINANCE")
    answers = [
        {
            "id": joe.id,
            "firstName": None,
            "lastName": None,
            "email": "joe@x.io",
            "position": "FINANCE",
        },
        {
            "id": jane.id,
            "firstName": "Jane",
            "lastName": "Doe",
            "email": "jane@x.io",
            "position": None,
        },
    ]
    assert api.get("/users") == {"offset": 0, "limit": 50, "total": 2, "users": answers}
    assert api.get("/users?limit=1&offset=1")["users"] == answers[1:]


def test_bank_accounts_and_dunning_plans_are_listed(api: Api, admin: Administration) -> None:
    account = admin.make(make_bank_account, name="Main", iban="DE1", bic="X", currency="EUR")
    answer = {"id": account.id, "name": "Main", "iban": "DE1", "bic": "X", "currency": "EUR"}
    page = {"offset": 0, "limit": 50, "total": 1, "bankAccounts": [answer]}
    assert api.get("/bank_accounts") == page
    plan = admin.make(make_dunning_plan, name="Gentle")
    answer = {"id": plan.id, "name": "Gentle", "mode": "AUTOMATIC", "entity": "CUSTOMER"}
    assert api.get("/dunning_plans") == {"offset": 0, "limit": 50, "total": 1, "items": [answer]}


@pytest.mark.parametrize("path", ["/users", "/bank_accounts", "/dunning_plans", "/actions"])
def test_the_api_cannot_change_users_bank_accounts_or_plans(api: Api, path: str) -> None:
    for method in ("POST", "PUT", "DELETE", "PATCH"):
        assert api.refused(method, path, {"name": "x"}, status=405) == (
            f"{method} is not served here: this path takes GET."
        )
    assert api.get(f"{path}?limit=9999")["limit"] == 500


def test_a_customer_refers_to_existing_users_and_plans(api: Api, admin: Administration) -> None:
    user = admin.make(make_user, email="jane@x.io").id
    plan = admin.make(make_dunning_plan, name="Gentle").id
    account = admin.make(make_bank_account, name="Main").id
    methods = {
        "card": {"enabled": True},
        "wireTransfer": {
            "enabled": True,
            "bankAccount": {"id": account},
            "bankAccounts": [{"id": account}],
        },
    }
    body = customer("C", accountManagerId=user, dunningPlanId=plan, paymentMethods=methods)
    made = api.post("/customers", body)
    assert [made[key] for key in ("accountManagerId", "dunningPlanId", "paymentMethods")] == [
        user,
        plan,
        methods,
    ]
    put = api.call("PUT", "/customers/external:C", {"dunningPlanId": None})
    assert put.body == {**made, "dunningPlanId": None}
    put = api.call("PUT", "/customers/external:C", {"accountManagerId": None})
    assert put.body == {**made, "dunningPlanId": None, "accountManagerId": None}


def test_an_unknown_reference_is_refused_with_the_known_ones(
    api: Api, admin: Administration
) -> None:
    assert api.refused("POST", "/customers", customer("C", accountManagerId=NOBODY)) == (
        f"accountManagerId: no user with id {NOBODY} exists; there is none, and the API makes none."
    )
    user = admin.make(make_user, email="jane@x.io").id
    plans = [admin.make(make_dunning_plan, name=f"Plan {n}").id for n in range(11)]
    account = admin.make(make_bank_account, name="Main").id
    assert api.refused("POST", "/customers", customer("C", accountManagerId=plans[0])) == (
        f"accountManagerId: no user with id {plans[0]} exists; there are {user} (jane@x.io)."
    )
    ten = ", ".join(f"{plan} (Plan {n})" for n, plan in enumerate(plans[:10]))
    assert api.refused("POST", "/customers", customer("C", dunningPlanId="")) == (
        f"dunningPlanId: no dunning plan with id  exists; there are {ten} and others."
    )
    for wire, place in (
        ({"bankAccount": {"id": NOBODY}}, "bankAccount.id"),
        ({"bankAccounts": [{"id": account}, {"id": NOBODY}]}, "bankAccounts[1].id"),
    ):
        body = customer("C", paymentMethods={"wireTransfer": wire})
        assert api.refused("POST", "/customers", body) == (
            f"paymentMethods.wireTransfer.{place}: no bank account with id {NOBODY} exists; "
            f"there are {account} (Main)."
        )
    for wire in ({"bankAccount": "x"}, {"bankAccounts": {}}, [], 5):
        body = customer("C", paymentMethods={"wireTransfer": wire})
        assert api.refused("POST", "/customers", body).startswith("paymentMethods.wireTransfer: ")
    assert api.get("/customers")["total"] == 0
    fine = {"wireTransfer": {"enabled": False, "bankAccount": None}, "check": None}
    assert api.post("/customers", customer("C", paymentMethods=fine))["paymentMethods"] == fine


@pytest.mark.parametrize("path", ["/payments", "/refunds"])
def test_a_payment_needs_an_existing_bank_account(
    api: Api, admin: Administration, path: str
) -> None:
    api.post("/customers", customer("C"))
    account = admin.make(make_bank_account, name="Main").id
    made = api.post(path, payment("P", "C", bankAccountId=account))
    assert made["bankAccountId"] == account
    cleared = api.call("PUT", f"{path}/external:P", {"bankAccountId": None}).body
    assert cleared["bankAccountId"] is None
    body = {"externalId": "P", "bankAccountId": NOBODY}
    assert api.refused("POST", path, body) == (
        f"bankAccountId: no bank account with id {NOBODY} exists; there are {account} (Main)."
    )


def test_account_managers_are_set_listed_and_removed(api: Api, admin: Administration) -> None:
    path = "/customers/external:C/account-managers"
    assert api.refused("GET", path, status=404) == "There is no customer with externalId C."
    assert api.refused("POST", path, {"id": None}, status=404)
    api.post("/customers", customer("C"))
    jane = admin.make(make_user, email="jane@x.io", first_name="Jane").id
    empty = {"offset": 0, "limit": 50, "total": 0, "accountManagers": []}
    assert api.get(path) == empty
    chosen = {
        "offset": 0,
        "limit": 50,
        "total": 1,
        "accountManagers": [
            {
                "id": jane,
                "firstName": "Jane",
                "lastName": None,
                "email": "jane@x.io",
                "position": None,
            }
        ],
    }
    assert api.post(path, {"id": jane}) == chosen
    assert api.post(path, {"id": jane}, status=200) == chosen
    assert api.get(path) == chosen
    assert api.get("/customers/external:C")["accountManagerId"] == jane
    assert "no user with id x exists" in api.refused("POST", path, {"id": "x"})
    assert api.refused("POST", path, {}) == "id: is required."
    bob = admin.make(make_user, email="bob@x.io").id
    listed = api.post(path, {"id": bob})["accountManagers"]
    assert [user["id"] for user in listed] == [jane, bob]
    api.post("/customers", customer("C", accountManagerId=bob), status=200)
    assert [user["id"] for user in api.get(path)["accountManagers"]] == [bob]
    api.post(path, {"id": jane})
    assert api.refused("DELETE", f"{path}/{NOBODY}", status=404) == (
        f"customer C has no account manager with id {NOBODY}."
    )
    assert api.call("DELETE", f"{path}/{bob}").status == 204
    assert api.get("/customers/external:C")["accountManagerId"] == jane
    assert api.post(path, {"id": None}, status=200) == empty


def test_actions_are_found_by_type_and_day(api: Api, admin: Administration) -> None:
    api.post("/customers", customer("C"))
    api.post("/invoices", invoice("A", "C"))
    mail = ActionDraft(name="Mail", type="EMAIL", carrying_invoice=external("A"))
    for draft in (mail, ActionDraft(name="Call", type="TASK")):
        admin.make(make_action, draft)
    for query, total, names in (
        ("type=TASK", 1, ["Call"]),
        ("type=task", 0, []),
        ("dateFrom=2026-11-22&dateTo=2026-11-22", 2, ["Call", "Mail"]),
        ("dateFrom=2026-11-22&type=EMAIL&customerId=external:C", 1, ["Mail"]),
        ("dateTo=2026-11-21", 0, []),
        ("dateFrom=2026-11-01&offset=1", 2, ["Mail"]),
    ):
        page = api.get(f"/actions?{query}")
        assert (page["total"], [one["name"] for one in page["items"]]) == (total, names), query
    assert api.refused("GET", "/actions?dateTo=20261101") == (
        "dateTo must be a date such as 2026-01-31, not '20261101'."
    )


def test_actions_are_listed_and_read(api: Api, admin: Administration) -> None:
    assert api.get("/actions") == {"offset": 0, "limit": 50, "total": 0, "items": []}
    owner = api.post("/customers", customer("C", accountingRef="411"))
    api.post("/customers", customer("D"))
    carrying = api.post("/invoices", invoice("A", "C"))
    plan = admin.make(make_dunning_plan, name="Gentle").id
    jane = admin.make(make_user, email="jane@x.io").id
    first = admin.make(
        make_action,
        ActionDraft(
            name="First reminder",
            type="EMAIL",
            source="WORKFLOW",
            due_date="2026-11-30",
            dunning_plan_id=plan,
            carrying_invoice=external("A"),
            assigned_to=["Jane@x.io", jane],
        ),
    ).id
    second = admin.make(make_action, ActionDraft(name="Call", type="TASK", state="EXECUTED")).id
    answers: list[dict[str, Any]] = [
        {
            "id": second,
            "name": "Call",
            "type": "TASK",
            "state": "EXECUTED",
            "source": "MANUAL",
            "createdAt": "2026-11-22T12:00:00.000Z",
            "updatedAt": "2026-11-22T12:00:00.000Z",
            "dueDate": None,
            "dunningPlan": None,
            "customer": None,
            "carryingInvoice": None,
            "assignedTo": [],
        },
        {
            "id": first,
            "name": "First reminder",
            "type": "EMAIL",
            "state": "TODO",
            "source": "WORKFLOW",
            "createdAt": "2026-11-22T12:00:00.000Z",
            "updatedAt": "2026-11-22T12:00:00.000Z",
            "dueDate": "2026-11-30T00:00:00.000Z",
            "dunningPlan": {"id": plan, "name": "Gentle"},
            "customer": {
                "id": owner["id"],
                "externalId": "C",
                "companyName": "Customer C",
                "accountingRef": "411",
            },
            "carryingInvoice": {"id": carrying["id"], "customId": "No A", "externalId": "A"},
            "assignedTo": [{"email": "jane@x.io"}, {"email": "jane@x.io"}],
        },
    ]
    assert api.get("/actions") == {"offset": 0, "limit": 50, "total": 2, "items": answers}
    assert api.get("/actions?offset=1&limit=1")["items"] == answers[1:]
    for value in ("external:C", owner["id"]):
        page = api.get(f"/actions?customerId={value}")
        assert (page["total"], page["items"]) == (1, answers[1:])
    assert api.get("/actions?customerId=external:D")["total"] == 0
    assert api.get("/actions?customerId=external:nobody")["total"] == 0
    assert api.get(f"/actions/{first}") == answers[1]
    assert api.refused("GET", "/actions/external:x", status=404) == (
        "There is no action with externalId x."
    )


def test_an_action_is_deleted_with_its_customer_only(api: Api, admin: Administration) -> None:
    api.post("/customers", customer("C"))
    api.post("/invoices", invoice("A", "C"))
    draft = ActionDraft(name="First reminder", type="EMAIL", carrying_invoice=external("A"))
    first = admin.make(make_action, draft).id
    admin.make(make_action, ActionDraft(name="Call", type="TASK"))
    assert api.call("DELETE", "/invoices/external:A").status == 204
    assert api.get(f"/actions/{first}")["carryingInvoice"] is None
    assert api.call("DELETE", "/customers/external:C").status == 204
    assert api.get("/actions")["total"] == 1
    with pytest.raises(BadRequest, match="no customer with externalId nobody exists"):
        draft = ActionDraft(name="n", type="TASK", customer=external("nobody"))
        admin.make(make_action, draft)


def test_notes_are_created_listed_and_deleted(api: Api) -> None:
    path = "/customers/external:C/notes"
    assert api.refused("GET", path, status=404) == "There is no customer with externalId C."
    assert api.refused("POST", path, {"content": "x"}, status=404)
    for name in "CD":
        api.post("/customers", customer(name))
    first = api.post(path, {"content": "Called, will pay on Friday"})
    assert first == {"id": ANY_ID, "content": "Called, will pay on Friday", "createdAt": ANY_TIME}
    second = api.post(path, {"content": "Paid"})
    page = {"offset": 0, "limit": 50, "total": 2, "items": [second, first]}
    assert api.get(path) == page
    assert api.get(f"{path}?limit=1&offset=1")["items"] == [first]
    assert api.refused("POST", path, {"content": ""}).startswith("content: ")
    elsewhere = f"/customers/external:D/notes/{first['id']}"
    assert api.refused("DELETE", elsewhere, status=404) == (
        f"There is no note with id {first['id']} at customer D."
    )
    assert api.call("DELETE", f"{path}/{first['id']}").status == 204
    assert api.get(path) == {**page, "total": 1, "items": [second]}
    assert api.refused("GET", f"{path}/{second['id']}", status=405)
    assert api.call("DELETE", "/customers/external:C").status == 204, "notes do not hold it"
    api.post("/customers", customer("C"))
    assert api.get(path)["total"] == 0


def test_an_organisation_has_its_own_positions(api: Api, admin: Administration) -> None:
    body = customer("C", contacts=[{"email": "a@x.io", "position": "Geschäftsführer"}])
    assert "there are ACCOUNTING, PAYER, PURCHASER, SALES" in api.refused(
        "POST", "/customers", body
    )
    admin.run(make_position, "Geschäftsführer")
    admin.run(make_position, "Geschäftsführer")
    (entry,) = api.post("/customers", body)["contacts"]
    assert entry["position"] == "Geschäftsführer"


def test_another_organisations_records_do_not_exist(
    api: Api, admin: Administration, new_api: Any
) -> None:
    user = admin.make(make_user, email="jane@x.io").id
    action = admin.make(make_action, ActionDraft(name="n", type="TASK")).id
    other = new_api()
    assert other.get("/users")["total"] == other.get("/actions")["total"] == 0
    assert other.refused("GET", f"/actions/{action}", status=404)
    assert "there is none" in other.refused(
        "POST", "/customers", customer("C", accountManagerId=user)
    )
