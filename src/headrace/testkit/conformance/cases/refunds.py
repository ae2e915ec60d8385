"""Refunds of payments and credit notes."""

from __future__ import annotations

from headrace.testkit.conformance.evidence import (
    GUIDE,
    HELP,
    REFERENCE,
    assumed,
    documented,
    observed,
)
from headrace.testkit.conformance.expect import has, one, part, same
from headrace.testkit.conformance.session import Session

_POST, _GET = "POST /refunds", "GET /refunds/{}"
_PUT, _DELETE = "PUT /refunds/{}", "DELETE /refunds/{}"


@documented(f"{GUIDE}, Import refund", _POST, _GET, _DELETE)
async def one_is_made_changed_and_deleted(s: Session) -> None:
    """A refund of a customer is imported, imported again, read and deleted."""
    await s.customer("C")
    made = await s.refund("R", "C", 300)
    same((await s.refund("R", "C", 200))["id"], made["id"], "the id")
    part(await s.get(s.at("/refunds", "R")), {"amount": 200}, "the refund")
    await s.done("DELETE", s.at("/refunds", "R"))
    await s.refused("GET", s.at("/refunds", "R"))


@documented(f"{GUIDE}, Import refund", _POST)
async def it_gives_back_payments_and_credit_notes(s: Session) -> None:
    """`linkedPayments` and `linkedCreditNotes` take `amountLinked`, also as text."""
    await s.customer("C")
    await s.payment("P", "C", 1000)
    await s.credit_note("N", "C", 2000)
    links = {
        "linkedPayments": [s.link("payment", "P", "1000")],
        "linkedCreditNotes": [s.link("creditNote", "N", "2000")],
    }
    await s.refund("R", "C", 3000, **links)
    part(await s.get(s.at("/customers", "C")), {"balance": 0}, "the customer")


@documented(f"{HELP}, refunds", _POST)
async def it_unpays_what_its_payment_paid(s: Session) -> None:
    """The refunded part of a payment can't be linked to an invoice as well."""
    await s.customer("C")
    await s.invoice("I", "C", 100)
    await s.payment("P", "C", 100)
    await s.refund("R", "C", 100, linkedPayments=[s.link("payment", "P", 100)])
    same(await s.outstanding("I"), 100, "the outstanding amount")
    part(await s.get(s.at("/customers", "C")), {"balance": 100}, "the customer")


@observed(REFERENCE, _GET)
async def its_answer(s: Session) -> None:
    """`linkedTransactions`, `linkedCreditNotes`, `amountLinked` and the customer's name."""
    owner = await s.customer("C")
    await s.refund("R", "C", 300)
    found = await s.get(s.at("/refunds", "R"))
    part(found, {"amountLinked": 0, "linkedTransactions": [], "linkedCreditNotes": []}, "it")
    has(found, ["modifiedAt", "instrument", "validatedAt"], "the refund")
    part(found["customer"], {"id": owner["id"], "companyName": owner["name"]}, "its customer")


@assumed(_GET)
async def its_links_name_the_other_side(s: Session) -> None:
    """A link is answered as `linkedAmount` and the payment's or credit note's ids."""
    await s.customer("C")
    payment = await s.payment("P", "C", 1000)
    await s.refund("R", "C", 300, linkedPayments=[s.link("payment", "P", 300)])
    found = await s.get(s.at("/refunds", "R"))
    link = one(found["linkedTransactions"], "linkedTransactions")
    expected = {"id": payment["id"], "externalId": s.name("P")}
    same(link, {"linkedAmount": 300, "payment": expected}, "the link")


@assumed("DELETE /payments/{}", _DELETE)
async def what_it_refers_to_stays(s: Session) -> None:
    """A refunded payment is deleted only after its refund: 400 before, 204 after."""
    await s.customer("C")
    await s.payment("P", "C", 1000)
    await s.refund("R", "C", 300, linkedPayments=[s.link("payment", "P", 300)])
    await s.status(400, "DELETE", s.at("/payments", "P"))
    await s.status(204, "DELETE", s.at("/refunds", "R"))
    await s.status(204, "DELETE", s.at("/payments", "P"))


@assumed(_POST, _PUT)
async def it_gives_back_no_more_than_there_is(s: Session) -> None:
    """Links over the refund's amount or over the payment's free part are 400."""
    await s.customer("C")
    await s.invoice("I", "C", 80)
    await s.payment("P", "C", 100, linkedInvoices=[s.link("invoice", "I", 80)])
    links = [s.link("payment", "P", 21)]
    await s.status(400, "POST", "/refunds", s.payment_body("R", "C", 50, linkedPayments=links))
    await s.refund("R", "C", 20, linkedPayments=[s.link("payment", "P", 20)])
    await s.status(400, "PUT", s.at("/refunds", "R"), {"amount": 19})
    await s.status(200, "PUT", s.at("/refunds", "R"), {"refNumber": "1"})
