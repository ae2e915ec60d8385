"""Contacts: in the customer's full list, and by their own endpoints."""

from __future__ import annotations

from typing import Any

from headrace.testkit.conformance.evidence import (
    GUIDE,
    HELP,
    REFERENCE,
    SENT,
    assumed,
    documented,
    observed,
)
from headrace.testkit.conformance.expect import has, one, part, same, true
from headrace.testkit.conformance.session import Session

_PATH = "/customers/{}/contacts"
_IMPORT = "POST /customers"


def _contact(s: Session, who: str, **fields: Any) -> dict[str, Any]:
    return {"externalId": s.name(who), "email": s.email(who), "firstName": who, **fields}


async def _names(s: Session, owner: str = "C") -> list[Any]:
    found = await s.get(s.at("/customers", owner))
    has(found, ["contacts"], "the customer")
    return sorted(str(contact.get("externalId")) for contact in found["contacts"])


@documented(f"{GUIDE}, Import customer", _IMPORT)
async def a_list_is_the_full_list(s: Session) -> None:
    """Contacts that a customer's `contacts` leaves out are removed."""
    await s.customer("C", contacts=[_contact(s, "ann"), _contact(s, "bob")])
    await s.customer("C", contacts=[_contact(s, "bob"), _contact(s, "cyd")])
    same(await _names(s), [s.name("bob"), s.name("cyd")], "the contacts")


@documented(f"{GUIDE}, Import customer", _IMPORT)
async def no_list_leaves_them(s: Session) -> None:
    """An import without `contacts` leaves them as they are."""
    await s.customer("C", contacts=[_contact(s, "ann")])
    await s.customer("C", name="Another name")
    same(await _names(s), [s.name("ann")], "the contacts")


@documented(f"{GUIDE}, Import customer", _IMPORT)
async def an_email_is_needed(s: Session) -> None:
    """A contact without an e-mail is refused."""
    body = {"externalId": s.name("C"), "name": "C", "contacts": [{"firstName": "Ann"}]}
    await s.refused("POST", "/customers", body)


@documented(f"{GUIDE}, Import customer", _IMPORT)
async def an_email_is_unique(s: Session) -> None:
    """Two contacts of a customer with one e-mail are refused."""
    twice = [_contact(s, "ann"), {"email": s.email("ann"), "externalId": s.name("other")}]
    body = {"externalId": s.name("C"), "name": "C", "contacts": twice}
    await s.refused("POST", "/customers", body)


@documented(f"{GUIDE}, Import customer", _IMPORT)
async def a_position_must_exist(s: Session) -> None:
    """A position that the organisation does not have is refused."""
    contact = _contact(s, "ann", position="A position that nobody has")
    body = {"externalId": s.name("C"), "name": "C", "contacts": [contact]}
    await s.refused("POST", "/customers", body)


@documented(f"{GUIDE}, Import contacts", f"POST {_PATH}")
async def one_is_made_below_its_customer(s: Session) -> None:
    """A contact is created by its own endpoint."""
    await s.customer("C")
    path = f"{s.at('/customers', 'C')}/contacts"
    made = await s.entity("POST", path, _contact(s, "ann", position="ACCOUNTING", isMain=True))
    part(made, {"email": s.email("ann")}, "the contact")
    same(await _names(s), [s.name("ann")], "the customer's contacts")


@documented(f"{GUIDE}, Import customer", _IMPORT)
async def the_same_stands_under_several_customers(s: Session) -> None:
    """One `externalId` under two customers makes two contacts, each with an `id` of its own."""
    ids = []
    for owner in "CD":
        await s.customer(owner, contacts=[_contact(s, "ann")])
        found = await s.get(s.at("/customers", owner))
        ids.append(one(found["contacts"], "contacts")["id"])
    true(ids[0] != ids[1], "both contacts have the same id")


@documented(f"{HELP}, importing customers", _IMPORT)
async def one_of_them_is_the_main_one(s: Session) -> None:
    """The first contact is the main one; a later one that claims to be takes its place."""
    await s.customer("C", contacts=[_contact(s, "ann")])
    path = f"{s.at('/customers', 'C')}/contacts"
    await s.entity("POST", path, _contact(s, "bob", isMain=True))
    found = await s.get(s.at("/customers", "C"))
    mains = [entry["externalId"] for entry in found["contacts"] if entry.get("isMain")]
    same(mains, [s.name("bob")], "the main contact")


@observed(REFERENCE, f"GET {_PATH}", f"GET {_PATH}/{{}}")
async def they_are_listed_and_read(s: Session) -> None:
    """Contacts are listed with `page` and `limit`, and read one by one."""
    await s.customer("C", contacts=[_contact(s, "ann"), _contact(s, "bob")])
    path = f"{s.at('/customers', 'C')}/contacts"
    await s.get(f"{path}?page=1&limit=10")
    found = await s.get(s.at("/customers", "C"))
    for contact in found["contacts"]:
        read = await s.get(f"{path}/{contact['id']}")
        part(read, {"id": contact["id"], "externalId": contact["externalId"]}, "the contact")


@assumed(f"GET {_PATH}")
async def the_list_is_called_contacts(s: Session) -> None:
    """The list is in `contacts`, with `offset`, `limit` and `total`."""
    await s.customer("C", contacts=[_contact(s, "ann"), _contact(s, "bob")])
    page = await s.get(f"{s.at('/customers', 'C')}/contacts?limit=1")
    part(page, {"offset": 0, "limit": 1, "total": 2}, "the page")
    one(page.get("contacts"), "contacts of the page")


@observed(REFERENCE, f"PUT {_PATH}/{{}}")
async def one_is_changed(s: Session) -> None:
    """A PUT changes a contact and answers it with its `id`."""
    await s.customer("C", contacts=[_contact(s, "ann")])
    path = f"{s.at('/customers', 'C')}/contacts"
    (contact,) = (await s.get(s.at("/customers", "C")))["contacts"]
    body = {**_contact(s, "ann"), "phone": "+33678059778"}
    changed = await s.entity("PUT", f"{path}/{contact['id']}", body)
    part(changed, {"id": contact["id"], "phone": "+33678059778"}, "the contact")


@observed(REFERENCE, f"DELETE {_PATH}/{{}}")
async def one_is_deleted(s: Session) -> None:
    """A contact is deleted by its `id`; the others stay."""
    await s.customer("C", contacts=[_contact(s, "ann"), _contact(s, "bob")])
    path = f"{s.at('/customers', 'C')}/contacts"
    found = await s.get(s.at("/customers", "C"))
    ids = {contact["externalId"]: contact["id"] for contact in found["contacts"]}
    await s.done("DELETE", f"{path}/{ids[s.name('ann')]}")
    same(await _names(s), [s.name("bob")], "the contacts")


@assumed(f"POST {_PATH}")
async def case_does_not_make_another_email(s: Session) -> None:
    """E-mail addresses ignore case: the same one is 400 for another contact of the customer."""
    await s.customer("C", contacts=[_contact(s, "ann")])
    body = {"externalId": s.name("other"), "email": s.email("ANN")}
    await s.status(400, "POST", f"{s.at('/customers', 'C')}/contacts", body)


@assumed(_IMPORT)
async def one_in_a_list_keeps_its_id(s: Session) -> None:
    """A contact that a full list names again by `externalId` or e-mail keeps its `id`."""
    await s.customer("C", contacts=[_contact(s, "ann"), {"email": s.email("bob")}])
    before = (await s.get(s.at("/customers", "C")))["contacts"]
    renamed = _contact(s, "ann", firstName="Anna")
    await s.customer("C", contacts=[renamed, {"email": s.email("bob"), "phone": "1"}])
    after = (await s.get(s.at("/customers", "C")))["contacts"]
    ids = [[entry["id"] for entry in entries] for entries in (before, after)]
    same(ids[1], ids[0], "the ids")


@assumed(f"POST {_PATH}", f"DELETE {_PATH}/{{}}")
async def their_statuses(s: Session) -> None:
    """201 for a new contact, 204 for a deleted one, 404 below an unknown customer."""
    await s.customer("C")
    path = f"{s.at('/customers', 'C')}/contacts"
    made = await s.status(201, "POST", path, _contact(s, "ann"))
    await s.status(204, "DELETE", f"{path}/{made['id']}")
    await s.status(404, "GET", f"{s.at('/customers', 'nobody')}/contacts")


@observed(SENT, _IMPORT)
async def one_that_moves_brings_its_old_id(s: Session) -> None:
    """A contact with the `id` of another customer's contact and an `externalId` is a new one."""
    first = await s.customer("C", contacts=[_contact(s, "ann")])
    old = first["contacts"][0]["id"]
    moved = await s.customer("D", contacts=[_contact(s, "ann", id=old)])
    part(moved["contacts"][0], {"externalId": s.name("ann")}, "the contact")
    true(moved["contacts"][0]["id"] != old, "both customers have one contact")
    same(await _names(s), [s.name("ann")], "the first customer's contacts")


@assumed(_IMPORT)
async def an_old_id_and_an_email_are_enough(s: Session) -> None:
    """An unknown `id` with an e-mail makes a contact, without an e-mail it is 400."""
    old = "00000000-0000-4000-8000-000000000000"
    made = await s.customer("C", contacts=[{"id": old, "email": s.email("ann")}])
    true(made["contacts"][0]["id"] != old, "the id of the request is taken over")
    body = {"externalId": s.name("D"), "name": "D", "contacts": [{"id": old}]}
    await s.status(400, "POST", "/customers", body)


@documented(f"{HELP}, missing contacts and errors", _IMPORT)
async def an_accent_before_the_at_is_refused(s: Session) -> None:
    """Before the @, an address has letters from a to z, digits and `+ _ ' . -` only."""
    for name in ("ü", "a!", "a b"):
        contact = {"email": f"{name}@example.com"}
        body = {"externalId": s.name("C"), "name": "C", "contacts": [contact]}
        await s.refused("POST", "/customers", body)
    allowed = {"email": f"a+b_c'd.e-{s.email('f')}"}
    await s.customer("C", contacts=[allowed])


@observed(SENT, _IMPORT)
async def false_is_an_empty_name(s: Session) -> None:
    """`firstName` as `false`, an empty text or a blank is taken, and nobody is called so."""
    for number, name in enumerate((False, "", " ")):
        contact = _contact(s, f"ann{number}", firstName=name)
        made = await s.customer(f"C{number}", contacts=[contact])
        true(not (made["contacts"][0].get("firstName") or "").strip(), "there is a first name")
