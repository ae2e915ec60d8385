"""Customers: import, reading, changing, deleting, parents, balances."""

from __future__ import annotations

from headrace.testkit.conformance.evidence import (
    CLIENTS,
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

_POST, _GET, _PUT, _DELETE = (
    "POST /customers",
    "GET /customers/{}",
    "PUT /customers/{}",
    "DELETE /customers/{}",
)
_ADDRESS = {
    "address": "25 Passage Dubail",
    "zipcode": "75010",
    "city": "Paris",
    "country": "France",
}


@documented(f"{GUIDE}, Import", _POST, _GET)
async def an_import_makes_one(s: Session) -> None:
    """An import creates a customer, which is read by its `externalId` and by its `id`."""
    made = await s.customer("C", address=_ADDRESS)
    by_name = await s.get(s.at("/customers", "C"))
    part(by_name, {"id": made["id"], "externalId": s.name("C")}, "the customer")
    part(by_name["address"], _ADDRESS, "its address")
    same(await s.get(f"/customers/{made['id']}"), by_name, "the record read by id")


@documented(f"{GUIDE}, Import", _POST)
async def a_second_import_changes_it(s: Session) -> None:
    """An import with a known `externalId` changes that customer and creates none."""
    made = await s.customer("C")
    again = await s.customer("C", name="Another name")
    part(again, {"id": made["id"], "name": "Another name"}, "the second answer")
    part(await s.get(s.at("/customers", "C")), {"name": "Another name"}, "the customer")


@documented(f"{GUIDE}, Delete", _DELETE, _GET)
async def an_empty_one_can_be_deleted(s: Session) -> None:
    """An empty customer can be deleted by its `externalId`, and is gone."""
    await s.customer("C")
    await s.done("DELETE", s.at("/customers", "C"))
    await s.refused("GET", s.at("/customers", "C"))


@documented(f"{GUIDE}, Import customer", _POST)
async def a_parent_must_exist(s: Session) -> None:
    """A parent that does not exist is 400."""
    body = {"externalId": s.name("C"), "name": "C", "parent": s.ref("nobody")}
    await s.status(400, "POST", "/customers", body)


@documented(f"{GUIDE}, Import customer", _POST)
async def a_child_names_its_parent(s: Session) -> None:
    """A child is imported with a reference to a parent that exists."""
    parent = await s.customer("P")
    await s.customer("C", parent=s.ref("P"))
    child = await s.get(s.at("/customers", "C"))
    has(child, ["parent"], "the child")
    part(child["parent"], {"id": parent["id"]}, "its parent")


@assumed(_POST)
async def parents_have_one_level(s: Session) -> None:
    """A parent with a parent is 400, and so is a parent for one that has children."""
    await s.customer("P")
    await s.customer("C", parent=s.ref("P"))
    below = {"externalId": s.name("D"), "name": "D", "parent": s.ref("C")}
    await s.status(400, "POST", "/customers", below)
    await s.customer("Q")
    above = {"externalId": s.name("P"), "name": "P", "parent": s.ref("Q")}
    await s.status(400, "POST", "/customers", above)


@observed(CLIENTS, _PUT)
async def a_change_is_partial(s: Session) -> None:
    """A PUT changes the fields that it carries and leaves the others; null clears a plan."""
    await s.customer("C", address=_ADDRESS)
    await s.done("PUT", s.at("/customers", "C"), {"dunningPlanId": None})
    after = await s.get(s.at("/customers", "C"))
    part(after, {"dunningPlanId": None, "name": f"Customer {s.name('C')}"}, "the customer")
    part(after["address"], _ADDRESS, "its address")


@observed(CLIENTS, _GET)
async def its_answer_has_what_it_owes(s: Session) -> None:
    """The answer has `balance`, `countInvoicesDue` and `directUrl`."""
    await s.customer("C")
    await s.invoice("I", "C", 1200)
    found = await s.get(s.at("/customers", "C"))
    part(found, {"balance": 1200, "countInvoicesDue": 1}, "the customer")
    has(found, ["directUrl"], "the customer")


@observed(REFERENCE, _GET)
async def due_leaves_out_what_is_overdue(s: Session) -> None:
    """`amountDue` and `amountOverdue` are separate, and so are their counts."""
    await s.customer("C")
    await s.invoice("due", "C", 300)
    await s.invoice("late", "C", 500, dueDate="2016-01-01T00:00:00Z")
    expected = {
        "amountDue": 300,
        "amountOverdue": 500,
        "countInvoicesDue": 1,
        "countInvoicesOverdue": 1,
        "currency": "EUR",
    }
    part(await s.get(s.at("/customers", "C")), expected, "the customer")


@documented(f"{HELP}, unapplied amounts", _GET)
async def the_balance_is_due_and_overdue_less_unapplied(s: Session) -> None:
    """The balance is the amounts due and overdue minus unapplied payments and credit notes."""
    await s.customer("C")
    await s.invoice("I", "C", 1000)
    await s.payment("P", "C", 300)
    await s.credit_note("N", "C", 200)
    part(await s.get(s.at("/customers", "C")), {"balance": 500}, "the customer")


@assumed(_GET)
async def an_unapplied_refund_raises_the_balance(s: Session) -> None:
    """A refund without links adds to the balance."""
    await s.customer("C")
    await s.refund("R", "C", 250)
    part(await s.get(s.at("/customers", "C")), {"balance": 250}, "the customer")


@documented(f"{HELP}, overview of an integration", _GET)
async def a_parents_balance_includes_its_children(s: Session) -> None:
    """A parent's balance is its own and its children's; a child has its own only."""
    await s.customer("P")
    await s.customer("C", parent=s.ref("P"))
    await s.invoice("I", "P", 100)
    await s.invoice("J", "C", 50)
    part(await s.get(s.at("/customers", "P")), {"balance": 150}, "the parent")
    part(await s.get(s.at("/customers", "C")), {"balance": 50}, "the child")


@observed(SENT, _POST)
async def both_ids_may_be_sent_again(s: Session) -> None:
    """A client sends the answer's `id` with the `externalId` in the next import."""
    made = await s.customer("C")
    same((await s.customer("C", id=made["id"]))["id"], made["id"], "the id")


@observed(SENT, _POST)
async def empty_texts_are_taken(s: Session) -> None:
    """Empty texts and an empty list of custom fields are accepted."""
    address = {"address": "", "zipcode": "", "city": "", "state": "", "country": ""}
    await s.customer("C", vatNumber="", address=address, customFields=[])


@observed(REFERENCE, _POST, _GET)
async def payment_methods_come_back(s: Session) -> None:
    """`paymentMethods`, `vatNumber` and `accountingRef` are kept and answered."""
    methods = {"card": {"enabled": True}, "check": {"enabled": False}}
    await s.customer("C", paymentMethods=methods, vatNumber="FR12", accountingRef="411C")
    found = await s.get(s.at("/customers", "C"))
    part(found, {"vatNumber": "FR12", "accountingRef": "411C"}, "the customer")
    part(found["paymentMethods"], methods, "its payment methods")


@assumed(_POST, _PUT, _DELETE)
async def statuses_tell_new_from_changed(s: Session) -> None:
    """201 for a new customer, 200 for a changed one, 204 without a body for a deleted one."""
    body = {"externalId": s.name("C"), "name": "C"}
    await s.status(201, "POST", "/customers", body)
    await s.status(200, "POST", "/customers", body)
    await s.status(200, "PUT", s.at("/customers", "C"), {"name": "D"})
    same(await s.status(204, "DELETE", s.at("/customers", "C")), None, "the body of a 204")


@assumed(_POST)
async def what_an_import_leaves_out_stays(s: Session) -> None:
    """Fields that a second import leaves out stay as they are; null clears them."""
    await s.customer("C", vatNumber="FR12", accountingRef="411C")
    after = await s.customer("C", vatNumber=None)
    part(after, {"vatNumber": None, "accountingRef": "411C"}, "the customer")


@assumed(_POST)
async def ids_that_mean_two_are_refused(s: Session) -> None:
    """An `id` and an `externalId` of two customers are 400, and so is an unknown `id`."""
    made = await s.customer("C")
    await s.customer("D")
    body = {"externalId": s.name("D"), "id": made["id"], "name": "D"}
    await s.status(400, "POST", "/customers", body)
    unknown = {"id": "00000000-0000-4000-8000-000000000000", "name": "D"}
    await s.status(400, "POST", "/customers", unknown)


@assumed(_POST)
async def unknown_fields_are_ignored(s: Session) -> None:
    """A field that the API does not know is ignored."""
    await s.customer("C", someFieldOfTomorrow={"a": 1})


@assumed(_POST)
async def a_name_is_needed_and_must_say_something(s: Session) -> None:
    """A new customer without a name, or with an empty one, is 400."""
    await s.status(400, "POST", "/customers", {"externalId": s.name("C")})
    await s.status(400, "POST", "/customers", {"externalId": s.name("C"), "name": ""})


@assumed(_POST)
async def plans_and_managers_must_exist(s: Session) -> None:
    """A dunning plan or account manager that does not exist is 400."""
    nobody = "00000000-0000-4000-8000-000000000000"
    for field in ("dunningPlanId", "accountManagerId"):
        body = {"externalId": s.name("C"), "name": "C", field: nobody}
        await s.status(400, "POST", "/customers", body)


@assumed(_DELETE)
async def one_with_documents_stays(s: Session) -> None:
    """Deleting a customer that has documents or children is 400, and it stays."""
    await s.customer("C")
    await s.invoice("I", "C")
    await s.status(400, "DELETE", s.at("/customers", "C"))
    await s.customer("P")
    await s.customer("D", parent=s.ref("P"))
    await s.status(400, "DELETE", s.at("/customers", "P"))
    await s.get(s.at("/customers", "C"))


@assumed("GET /customers", alone=True)
async def newest_come_first(s: Session) -> None:
    """A list is newest first."""
    await s.customer("A")
    await s.customer("B")
    page = await s.get("/customers?limit=2")
    names = [entry.get("externalId") for entry in page["customers"]]
    same(names, [s.name("B"), s.name("A")], "the first two of the list")


@assumed(_GET)
async def currencies_are_not_added_up(s: Session) -> None:
    """With documents of several currencies the balance sums one of them."""
    await s.customer("C")
    await s.invoice("I", "C", 100)
    await s.invoice("J", "C", 900, currency="USD")
    found = await s.get(s.at("/customers", "C"))
    part(found, {"countInvoicesDue": 2}, "the customer")
    sums = {"EUR": 100, "USD": 900}
    same(found["balance"], sums.get(found["currency"], 0), f"the balance in {found['currency']}")


@documented(f"{GUIDE}, Import customer", _POST, _GET)
async def the_guides_example_is_taken(s: Session) -> None:
    """The guide's example of an import, with its contact and its parent."""
    await s.customer("1a2c3c")
    contact = {
        "firstName": "John",
        "lastName": "Doe",
        "phone": "+33678059778",
        "email": s.email("john"),
        "position": "ACCOUNTING",
        "externalId": s.name("1a2c3d"),
        "isMain": True,
    }
    await s.customer("1a2c3b", address=_ADDRESS, parent=s.ref("1a2c3c"), contacts=[contact])
    found = await s.get(s.at("/customers", "1a2c3b"))
    has(found, ["contacts"], "the customer")
    true("id" in one(found["contacts"], "contacts"), "the contact has no id")


@documented(f"{GUIDE}, Import customer", _POST)
async def an_external_id_is_needed(s: Session) -> None:
    """A new customer without an `externalId` is refused: name and externalId are required."""
    await s.refused("POST", "/customers", {"name": f"Customer {s.prefix}"})


@documented(f"{GUIDE}, Import customer and Create custom fields", _POST, _GET, _PUT)
async def the_singular_is_served(s: Session) -> None:
    """The guide's `/customer/` and `/customer/{id}` are served like `/customers`."""
    body = {"externalId": s.name("C"), "name": "C"}
    made = await s.entity("POST", "/customer/", body)
    path = s.at("/customer", "C")
    await s.done("PUT", path, {"name": "D"})
    part(await s.get(path), {"id": made["id"], "name": "D"}, "the customer")
