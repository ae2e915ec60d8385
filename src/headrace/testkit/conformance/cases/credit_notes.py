"""Credit notes."""

from __future__ import annotations

from headrace.testkit.conformance.evidence import (
    GUIDE,
    REFERENCE,
    assumed,
    documented,
    observed,
)
from headrace.testkit.conformance.expect import has, one, part, same
from headrace.testkit.conformance.session import Session

_POST, _GET = "POST /credit_notes", "GET /credit_notes/{}"
_PUT, _DELETE = "PUT /credit_notes/{}", "DELETE /credit_notes/{}"


@documented(f"{GUIDE}, Import credit note", _POST, _GET, _DELETE)
async def one_is_made_changed_and_deleted(s: Session) -> None:
    """A credit note of a customer is imported, imported again, read and deleted."""
    await s.customer("C")
    made = await s.credit_note("N", "C", 300)
    same((await s.credit_note("N", "C", 200))["id"], made["id"], "the id")
    part(await s.get(s.at("/credit_notes", "N")), {"grossAmount": 200}, "the credit note")
    await s.done("DELETE", s.at("/credit_notes", "N"))
    await s.refused("GET", s.at("/credit_notes", "N"))


@documented(f"{GUIDE}, Import credit note", _POST)
async def it_settles_several_invoices(s: Session) -> None:
    """`linkedInvoices` lowers the outstanding amount of one or several invoices."""
    await s.customer("C")
    for name in "IJ":
        await s.invoice(name, "C", 100)
    links = [s.link("invoice", "I", 100), s.link("invoice", "J", 30)]
    await s.credit_note("N", "C", 200, linkedInvoices=links)
    same([await s.outstanding("I"), await s.outstanding("J")], [0, 70], "the outstanding amount")


@observed(REFERENCE, _GET)
async def its_answer(s: Session) -> None:
    """The customer is an object with `companyName`; links and PDF have their fields."""
    owner = await s.customer("C")
    await s.credit_note("N", "C", 300)
    found = await s.get(s.at("/credit_notes", "N"))
    has(found, ["customId", "issuedAt", "pdfUrl", "linkedInvoices", "netAmount"], "it")
    expected = {"id": owner["id"], "companyName": owner["name"], "externalId": s.name("C")}
    part(found["customer"], expected, "its customer")


@assumed(_POST, _PUT)
async def links_say_linked_amount(s: Session) -> None:
    """Links are answered as those of payments are; a PUT without links leaves them."""
    await s.customer("C")
    await s.invoice("I", "C", 100)
    await s.credit_note("N", "C", 200, linkedInvoices=[s.link("invoice", "I", 60)])
    changed = await s.status(200, "PUT", s.at("/credit_notes", "N"), {"name": "A title"})
    part(changed, {"name": "A title", "amountLinked": 60}, "the credit note")
    part(one(changed["linkedInvoices"], "links"), {"linkedAmount": 60}, "the link")


@assumed(_POST)
async def it_gives_no_more_than_it_has(s: Session) -> None:
    """Links over its amount are 400 and change nothing."""
    await s.customer("C")
    await s.invoice("I", "C", 500)
    body = {"externalId": s.name("N"), "linkedInvoices": [s.link("invoice", "I", 301)]}
    await s.credit_note("N", "C", 300)
    await s.status(400, "POST", "/credit_notes", body)
    same(await s.outstanding("I"), 500, "the outstanding amount")


@assumed(_DELETE)
async def deleting_it_opens_its_invoices(s: Session) -> None:
    """A deleted credit note takes its links with it; 204."""
    await s.customer("C")
    await s.invoice("I", "C", 500)
    await s.credit_note("N", "C", 300, linkedInvoices=[s.link("invoice", "I", 300)])
    await s.status(204, "DELETE", s.at("/credit_notes", "N"))
    same(await s.outstanding("I"), 500, "the outstanding amount")
