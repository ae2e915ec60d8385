"""Invoices: import, amounts, dates, states."""

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

_POST, _GET = "POST /invoices", "GET /invoices/{}"
_PUT, _DELETE = "PUT /invoices/{}", "DELETE /invoices/{}"
_BELOW = "/customers/{}/invoices"


@documented(f"{GUIDE}, Import invoice", _POST, _GET)
async def an_import_makes_one(s: Session) -> None:
    """The guide's example is imported and read back, by `externalId` and by `id`."""
    await s.customer("C")
    amounts = {"grossAmount": 1700, "netAmount": 1500, "currency": "EUR", "customId": "INV123456"}
    made = await s.invoice("I", "C", **amounts)
    found = await s.get(s.at("/invoices", "I"))
    part(found, {"id": made["id"], "externalId": s.name("I"), **amounts}, "the invoice")
    same(await s.get(f"/invoices/{made['id']}"), found, "the record read by id")


@documented(f"{GUIDE}, Import", _POST)
async def a_second_import_changes_it(s: Session) -> None:
    """An import with a known `externalId` changes that invoice."""
    await s.customer("C")
    made = await s.invoice("I", "C", 1000)
    part(await s.invoice("I", "C", 1200), {"id": made["id"], "grossAmount": 1200}, "the answer")


@documented(f"{GUIDE}, Delete", _DELETE, _GET)
async def one_is_deleted(s: Session) -> None:
    """An invoice is deleted by its `externalId`, and is gone."""
    await s.customer("C")
    await s.invoice("I", "C")
    await s.done("DELETE", s.at("/invoices", "I"))
    await s.refused("GET", s.at("/invoices", "I"))


@observed(CLIENTS, _POST)
async def its_customer_must_exist(s: Session) -> None:
    """An invoice of a customer that does not exist is refused."""
    await s.refused("POST", "/invoices", s.invoice_body("I", "nobody"))


@observed(CLIENTS, _GET)
async def its_answer(s: Session) -> None:
    """The customer is shown as `customerId`; `amountOutstanding`, `state` and others are there."""
    owner = await s.customer("C")
    await s.invoice("I", "C", 1000)
    found = await s.get(s.at("/invoices", "I"))
    expected = {"customerId": owner["id"], "amountOutstanding": 1000, "dunningPlanId": None}
    part(found, expected, "the invoice")
    has(found, ["state", "source", "pdfUrl", "payments", "netAmount", "name"], "the invoice")


@observed(CLIENTS, _GET)
async def states(s: Session) -> None:
    """`DUE` before the due date, `OVERDUE` after it, `PAID` when nothing is open."""
    await s.customer("C")
    for name, due in (("due", "2999-01-01T00:00:00Z"), ("late", "2016-01-01T00:00:00Z")):
        await s.invoice(name, "C", 100, dueDate=due)
    await s.invoice("paid", "C", 100)
    await s.payment("P", "C", 100, linkedInvoices=[s.link("invoice", "paid", 100)])
    for name, state in (("due", "DUE"), ("late", "OVERDUE"), ("paid", "PAID")):
        part(await s.get(s.at("/invoices", name)), {"state": state}, f"the invoice {name}")


@documented(f"{HELP}, overview of an integration", _GET)
async def one_that_is_partly_paid_stays_due(s: Session) -> None:
    """A partial payment lowers the outstanding amount and does not change the state."""
    await s.customer("C")
    await s.invoice("I", "C", 100)
    await s.payment("P", "C", 40, linkedInvoices=[s.link("invoice", "I", 40)])
    expected = {"state": "DUE", "amountOutstanding": 60}
    part(await s.get(s.at("/invoices", "I")), expected, "the invoice")


@observed(REFERENCE, _GET)
async def its_payments_are_shown(s: Session) -> None:
    """`payments` has `amount`, `executedAt` and `instrument` of each."""
    await s.customer("C")
    await s.invoice("I", "C", 100)
    await s.payment("P", "C", 40, linkedInvoices=[s.link("invoice", "I", 40)])
    shown = one((await s.get(s.at("/invoices", "I"))).get("payments"), "payments")
    part(shown, {"amount": 40, "instrument": "WIRE_TRANSFER"}, "the payment")
    true(str(shown.get("executedAt")).startswith("2016-02-03"), "executedAt is another day")


@observed(SENT, _POST)
async def dates_without_a_time_are_taken(s: Session) -> None:
    """A bare date is taken as well as a date-time; answers begin with that day."""
    await s.customer("C")
    await s.invoice("I", "C", issuedAt="2016-01-01", dueDate="2016-01-31")
    found = await s.get(s.at("/invoices", "I"))
    days = [str(found[key])[:10] for key in ("issuedAt", "dueDate")]
    same(days, ["2016-01-01", "2016-01-31"], "the days")


@observed(SENT, _POST)
async def both_ids_may_be_sent_again(s: Session) -> None:
    """A client sends the answer's `id` with the `externalId` in the next import."""
    await s.customer("C")
    made = await s.invoice("I", "C")
    same((await s.invoice("I", "C", id=made["id"]))["id"], made["id"], "the id")


@assumed(_POST, _PUT, _DELETE)
async def statuses_tell_new_from_changed(s: Session) -> None:
    """201 for a new invoice, 200 for a changed one, 204 for a deleted one."""
    await s.customer("C")
    body = s.invoice_body("I", "C")
    await s.status(201, "POST", "/invoices", body)
    await s.status(200, "POST", "/invoices", body)
    await s.status(200, "PUT", s.at("/invoices", "I"), {"name": "A title"})
    await s.status(204, "DELETE", s.at("/invoices", "I"))


@assumed(_PUT)
async def a_change_is_partial(s: Session) -> None:
    """A PUT changes the fields that it carries and leaves the others."""
    await s.customer("C")
    before = await s.invoice("I", "C")
    after = await s.entity("PUT", s.at("/invoices", "I"), {"name": "A title"})
    same(after, {**before, "name": "A title"}, "the invoice")


@assumed(_POST)
async def dates_are_answered_in_utc(s: Session) -> None:
    """Moments are answered in UTC with milliseconds."""
    await s.customer("C")
    found = await s.invoice("I", "C", issuedAt="2016-01-01T01:00:00+02:00", dueDate="2016-02-01")
    expected = {"issuedAt": "2015-12-31T23:00:00.000Z", "dueDate": "2016-02-01T00:00:00.000Z"}
    part(found, expected, "the invoice")


@assumed(_POST)
async def amounts_are_whole_numbers(s: Session) -> None:
    """`"1000"` and `1000.0` are read as 1000; fractions, negative and absurd amounts are 400."""
    await s.customer("C")
    for amount in ("1000", 1000.0, 1000):
        part(await s.invoice("I", "C", amount), {"grossAmount": 1000}, "the invoice")
    for wrong in (10.5, "10.5", -1, "x", None, 2**63):
        await s.status(400, "POST", "/invoices", s.invoice_body("I", "C", wrong))
    part(await s.get(s.at("/invoices", "I")), {"grossAmount": 1000}, "the invoice")


@assumed(_POST)
async def currencies_and_dates_are_checked(s: Session) -> None:
    """A currency that is not an ISO 4217 code, or a date that is not ISO 8601, is 400."""
    await s.customer("C")
    for wrong in ({"currency": "eur"}, {"currency": "XXQ"}, {"dueDate": "tomorrow"}):
        await s.status(400, "POST", "/invoices", s.invoice_body("I", "C", **wrong))


@assumed(_POST)
async def needed_fields(s: Session) -> None:
    """A new invoice without its number, dates, currency, amounts or customer is 400."""
    await s.customer("C")
    for name in ("customId", "issuedAt", "dueDate", "currency", "grossAmount", "customer"):
        body = {key: value for key, value in s.invoice_body("I", "C").items() if key != name}
        await s.status(400, "POST", "/invoices", body)


@assumed(_POST, _DELETE)
async def one_without_an_external_id(s: Session) -> None:
    """Without an `externalId`, each import creates a new invoice, whose `externalId` is null."""
    await s.customer("C")
    body = {**s.invoice_body("I", "C"), "externalId": None}
    made = [await s.entity("POST", "/invoices", body) for _ in range(2)]
    true(made[0]["id"] != made[1]["id"], "both imports have the same id")
    same(made[0].get("externalId"), None, "the externalId")
    await s.done("DELETE", f"/invoices/{made[0]['id']}")


@observed(REFERENCE, f"POST {_BELOW}")
async def one_is_made_below_its_customer(s: Session) -> None:
    """An invoice is posted below its customer, as in the older reference, without naming it."""
    owner = await s.customer("C")
    body = s.invoice_body("I", "C")
    del body["customer"]
    made = await s.entity("POST", f"{s.at('/customers', 'C')}/invoices", body)
    found = await s.get(f"/invoices/{made['id']}")
    part(found, {"customerId": owner["id"], "externalId": s.name("I")}, "the invoice")


@assumed(f"GET {_BELOW}")
async def those_of_a_customer_are_listed_below_it(s: Session) -> None:
    """A GET below the customer lists its invoices."""
    await s.customer("C")
    made = await s.invoice("I", "C")
    page = await s.get(f"{s.at('/customers', 'C')}/invoices")
    same([entry["id"] for entry in page["invoices"]], [made["id"]], "the list")
