"""Users, dunning plans, bank accounts, actions, notes and account managers."""

from __future__ import annotations

from typing import Any

from headrace.testkit.conformance.evidence import (
    CLIENTS,
    HELP,
    REFERENCE,
    SENT,
    assumed,
    documented,
    observed,
)
from headrace.testkit.conformance.expect import NotApplicable, has, one, part, same, true
from headrace.testkit.conformance.session import Session

_MANAGERS = "/customers/{}/account-managers"
_MANAGER_OF = "GET /customers/{}"
_NOTES = "/customers/{}/notes"
_NOTHING = "00000000-0000-4000-8000-000000000000"


async def _listed(s: Session, path: str, key: str) -> list[Any]:
    page = await s.get(path)
    has(page, [key], f"the answer of {path}")
    true(isinstance(page[key], list), f"{key} of {path} is no list")
    return list(page[key])


@observed(CLIENTS, "GET /users")
async def users_stand_in_users(s: Session) -> None:
    """Users are listed in `users`, with `id`, names, `email` and `position`."""
    for user in (await _listed(s, "/users", "users"))[:3]:
        has(user, ["id", "firstName", "lastName", "email", "position"], "a user")


@observed(CLIENTS, "GET /dunning_plans")
async def plans_stand_in_items(s: Session) -> None:
    """Dunning plans are listed in `items`, with `id`, `name`, `mode` and `entity`."""
    for plan in (await _listed(s, "/dunning_plans?limit=200", "items"))[:3]:
        has(plan, ["id", "name", "mode", "entity"], "a plan")


@observed(CLIENTS, "GET /actions")
async def actions_stand_in_items(s: Session) -> None:
    """Actions are listed in `items`, each with its type, state, source, moments and customer."""
    for action in (await _listed(s, "/actions?offset=0&limit=50", "items"))[:3]:
        names = ["id", "name", "type", "state", "source", "createdAt", "updatedAt", "customer"]
        has(action, [*names, "dunningPlan", "carryingInvoice", "dueDate"], "an action")


@observed(SENT, "GET /actions/{}")
async def an_action_is_read_by_its_id(s: Session) -> None:
    """An action of the list is read alone."""
    await s.refused("GET", f"/actions/{_NOTHING}")
    actions = await _listed(s, "/actions?limit=1", "items")
    if not actions:
        raise NotApplicable("the organisation has no action")
    part(await s.get(f"/actions/{actions[0]['id']}"), {"id": actions[0]["id"]}, "the action")


@assumed("GET /actions/{}")
async def an_unknown_action(s: Session) -> None:
    """An action that does not exist is 404."""
    await s.status(404, "GET", f"/actions/{_NOTHING}")


@observed(REFERENCE, "GET /bank_accounts")
async def bank_accounts_are_listed(s: Session) -> None:
    """Bank accounts are listed."""
    await s.get("/bank_accounts")


@assumed("GET /bank_accounts")
async def bank_accounts_stand_in_bank_accounts(s: Session) -> None:
    """The list is in `bankAccounts`."""
    for account in await _listed(s, "/bank_accounts", "bankAccounts"):
        has(account, ["id", "name"], "a bank account")


@observed(REFERENCE, f"POST {_MANAGERS}", f"GET {_MANAGERS}")
async def account_managers_are_set_and_listed(s: Session) -> None:
    """A user becomes a customer's account manager, and is listed there."""
    await s.customer("C")
    path = f"{s.at('/customers', 'C')}/account-managers"
    await s.get(path)
    users = await _listed(s, "/users", "users")
    if not users:
        raise NotApplicable("the organisation has no user")
    await s.done("POST", path, {"id": users[0]["id"]})
    true(users[0]["id"] in str(await s.get(path)), "the manager is not listed")


@assumed(f"POST {_MANAGERS}", f"GET {_MANAGERS}")
async def the_list_of_account_managers(s: Session) -> None:
    """`{"id": null}` removes the manager; an unknown user is 400; the list is in its own key."""
    await s.customer("C")
    path = f"{s.at('/customers', 'C')}/account-managers"
    await s.done("POST", path, {"id": None})
    same(await _listed(s, path, "accountManagers"), [], "the managers")
    await s.status(400, "POST", path, {"id": _NOTHING})


@observed(SENT, f"POST {_NOTES}", f"GET {_NOTES}", f"DELETE {_NOTES}/{{}}")
async def notes_are_made_listed_and_deleted(s: Session) -> None:
    """A note with `content` is created, listed in `items`, and deleted by its `id`."""
    await s.customer("C")
    path = f"{s.at('/customers', 'C')}/notes"
    await s.done("POST", path, {"content": f"Called {s.prefix}."})
    note = one(await _listed(s, path, "items"), "notes")
    has(note, ["id"], "the note")
    await s.done("DELETE", f"{path}/{note['id']}")
    same(await _listed(s, path, "items"), [], "notes")


@assumed(f"POST {_NOTES}", f"DELETE {_NOTES}/{{}}")
async def a_notes_fields(s: Session) -> None:
    """201 with `id`, `content` and `createdAt`; no content is 400; 204 when deleted, then 404."""
    await s.customer("C")
    path = f"{s.at('/customers', 'C')}/notes"
    content = f"Called {s.prefix}."
    note = await s.status(201, "POST", path, {"content": content})
    part(note, {"content": content}, "the note")
    has(note, ["id", "createdAt"], "the note")
    await s.status(400, "POST", path, {"content": ""})
    await s.status(204, "DELETE", f"{path}/{note['id']}")
    await s.status(404, "DELETE", f"{path}/{note['id']}")


@documented(
    f"{HELP}, account managers", f"POST {_MANAGERS}", f"GET {_MANAGERS}", f"DELETE {_MANAGERS}/{{}}"
)
async def there_may_be_several_account_managers(s: Session) -> None:
    """A customer has several account managers; the `accountManagerId` of an import is the first."""
    users = [user["id"] for user in await _listed(s, "/users?limit=2", "users")]
    if len(users) < 2:
        raise NotApplicable("the organisation has fewer than two users")
    await s.customer("C", accountManagerId=users[0])
    path = f"{s.at('/customers', 'C')}/account-managers"
    await s.done("POST", path, {"id": users[1]})
    listed = [user["id"] for user in await _listed(s, path, "accountManagers")]
    same(listed, users, "the managers")
    await s.done("DELETE", f"{path}/{users[0]}")
    listed = [user["id"] for user in await _listed(s, path, "accountManagers")]
    same(listed, users[1:], "the managers after one was removed")


@assumed(f"DELETE {_MANAGERS}/{{}}", _MANAGER_OF)
async def the_next_manager_becomes_the_first(s: Session) -> None:
    """When the first is removed, the next is the `accountManagerId`; who is none is 404."""
    users = [user["id"] for user in await _listed(s, "/users?limit=2", "users")]
    await s.customer("C")
    path = f"{s.at('/customers', 'C')}/account-managers"
    await s.status(404, "DELETE", f"{path}/{_NOTHING}")
    if len(users) < 2:
        raise NotApplicable("the organisation has fewer than two users")
    for user in users:
        await s.done("POST", path, {"id": user})
    await s.status(204, "DELETE", f"{path}/{users[0]}")
    part(await s.get(s.at("/customers", "C")), {"accountManagerId": users[1]}, "the customer")
