"""Payments and their links to invoices."""

from __future__ import annotations

from headrace.testkit.conformance.evidence import (
    CLIENTS,
    GUIDE,
    REFERENCE,
    SENT,
    assumed,
    documented,
    observed,
)
from headrace.testkit.conformance.expect import has, one, part, same
from headrace.testkit.conformance.session import Session

_POST, _GET = "POST /payments", "GET /payments/{}"
_PUT, _DELETE = "PUT /payments/{}", "DELETE /payments/{}"


@documented(f"{GUIDE}, Import payment", _POST, _GET, _DELETE)
async def one_is_made_changed_and_deleted(s: Session) -> None:
    """A payment of a customer is imported, imported again, read and deleted."""
    await s.customer("C")
    made = await s.payment("P", "C", 300)
    same((await s.payment("P", "C", 200))["id"], made["id"], "the id")
    part(await s.get(s.at("/payments", "P")), {"amount": 200}, "the payment")
    await s.done("DELETE", s.at("/payments", "P"))
    await s.refused("GET", s.at("/payments", "P"))


@documented(f"{GUIDE}, Import payment", _POST)
async def it_settles_several_invoices(s: Session) -> None:
    """`linkedInvoices` with `amountLinked`, also as text, lowers the outstanding amount."""
    await s.customer("C")
    await s.invoice("I", "C", 1000)
    await s.invoice("J", "C", 500)
    links = [s.link("invoice", "I", "1000"), s.link("invoice", "J", 200)]
    await s.payment("P", "C", 1500, linkedInvoices=links)
    same([await s.outstanding("I"), await s.outstanding("J")], [0, 300], "the outstanding amount")


@documented(f"{GUIDE}, Import payment", _POST)
async def a_link_needs_an_amount(s: Session) -> None:
    """A link without an applied amount is refused."""
    await s.customer("C")
    await s.invoice("I", "C")
    link = {"invoice": s.ref("I")}
    await s.refused("POST", "/payments", s.payment_body("P", "C", linkedInvoices=[link]))


@documented(f"{GUIDE}, Import payment", _POST, "GET /customers/{}")
async def one_without_links_is_a_credit(s: Session) -> None:
    """A payment that is linked to a customer only lowers the balance."""
    await s.customer("C")
    await s.payment("P", "C", 700)
    part(await s.get(s.at("/customers", "C")), {"balance": -700}, "the customer")


@documented(f"{GUIDE}, Import payment", _POST)
async def a_synthetic_one_has_its_mark(s: Session) -> None:
    """`refNumber` may begin with `fix:`."""
    await s.customer("C")
    await s.invoice("I", "C", 100)
    links = [s.link("invoice", "I", 100)]
    await s.payment("P", "C", 100, refNumber="fix:I", linkedInvoices=links)
    part(await s.get(s.at("/invoices", "I")), {"state": "PAID"}, "the invoice")


@observed(CLIENTS, _GET)
async def its_answer(s: Session) -> None:
    """Links have `linkedAmount` and show the invoice; the customer has a `companyName`."""
    owner = await s.customer("C")
    invoice = await s.invoice("I", "C", 1000)
    await s.payment("P", "C", 600, linkedInvoices=[s.link("invoice", "I", 400)])
    found = await s.get(s.at("/payments", "P"))
    has(found, ["createdAt", "currency", "validatedAt", "instrument"], "the payment")
    part(found["customer"], {"id": owner["id"], "companyName": owner["name"]}, "its customer")
    link = one(found["linkedInvoices"], "linkedInvoices")
    part(link, {"linkedAmount": 400}, "the link")
    part(link["invoice"], {"id": invoice["id"], "externalId": s.name("I")}, "its invoice")


@observed(REFERENCE, _GET)
async def an_invoice_in_a_link_has_a_status(s: Session) -> None:
    """A payment's `amountLinked` is the sum of its links; an invoice in a link has `status`."""
    await s.customer("C")
    await s.invoice("I", "C", 1000)
    await s.payment("P", "C", 600, linkedInvoices=[s.link("invoice", "I", 400)])
    found = await s.get(s.at("/payments", "P"))
    part(found, {"amountLinked": 400, "type": "ACCOUNT"}, "the payment")
    has(found, ["modifiedAt", "bankAccountId"], "the payment")
    expected = {"status": "DUE", "amountOutstanding": 600, "paidDate": None}
    part(one(found["linkedInvoices"], "links")["invoice"], expected, "the invoice")


@observed(SENT, _POST)
async def instruments(s: Session) -> None:
    """WIRE_TRANSFER, DIRECT_DEBIT, CARD, CASH, CHECK and UNKNOWN are accepted."""
    await s.customer("C")
    for word in ("WIRE_TRANSFER", "DIRECT_DEBIT", "CARD", "CASH", "CHECK", "UNKNOWN"):
        part(await s.payment("P", "C", instrument=word), {"instrument": word}, "the payment")


@observed(SENT, _POST)
async def both_ids_may_be_sent_again(s: Session) -> None:
    """A client sends the answer's `id` with the `externalId` in the next import."""
    await s.customer("C")
    made = await s.payment("P", "C")
    same((await s.payment("P", "C", id=made["id"]))["id"], made["id"], "the id")


@assumed(_POST, _GET)
async def both_ids_name_one_that_has_no_external_id(s: Session) -> None:
    """An import with the `id` of a payment without an `externalId` assigns its own to it."""
    await s.customer("C")
    nameless = s.payment_body("P", "C", 300)
    del nameless["externalId"]
    id = (await s.entity("POST", "/payments", nameless))["id"]
    try:
        found = await s.payment("P", "C", 300, id=id)
        part(found, {"id": id, "externalId": s.name("P")}, "the payment")
        part(await s.get(s.at("/payments", "P")), {"id": id}, "the payment")
        part(await s.payment("P", "C", 300, id=id), {"id": id}, "the same again")
    except BaseException:  # it is not found by its external id to be tidied up
        await s.call("DELETE", f"/payments/{id}")
        raise


@assumed(_POST)
async def links_are_replaced_when_present(s: Session) -> None:
    """`linkedInvoices` replaces the payment's links; an import without it leaves them."""
    await s.customer("C")
    for name in "IJ":
        await s.invoice(name, "C", 100)
    await s.payment("P", "C", 100, linkedInvoices=[s.link("invoice", "I", 60)])
    await s.payment("P", "C", 100)
    same(await s.outstanding("I"), 40, "the outstanding amount of I")
    await s.payment("P", "C", 100, linkedInvoices=[s.link("invoice", "J", 70)])
    same([await s.outstanding("I"), await s.outstanding("J")], [100, 30], "the outstanding amount")
    await s.payment("P", "C", 100, linkedInvoices=[])
    same(await s.outstanding("J"), 100, "the outstanding amount of J")


@assumed(_POST)
async def nobody_gives_or_takes_too_much(s: Session) -> None:
    """Links over the payment's amount or over the invoice's are 400 and change nothing."""
    await s.customer("C")
    await s.invoice("I", "C", 100)
    for amount, linked in ((100, 101), (500, 101), (100, 0), (100, -5)):
        body = s.payment_body("P", "C", amount, linkedInvoices=[s.link("invoice", "I", linked)])
        await s.status(400, "POST", "/payments", body)
    same(await s.outstanding("I"), 100, "the outstanding amount")
    await s.status(404, "GET", s.at("/payments", "P"))


@assumed(_POST)
async def links_stay_in_one_currency_and_family(s: Session) -> None:
    """A link to another currency or to another customer's invoice is 400; a child's is fine."""
    await s.customer("C")
    await s.customer("D")
    await s.customer("E", parent=s.ref("C"))
    await s.invoice("usd", "C", 100, currency="USD")
    await s.invoice("other", "D", 100)
    await s.invoice("child", "E", 100)
    for name in ("usd", "other", "nothing"):
        body = s.payment_body("P", "C", 100, linkedInvoices=[s.link("invoice", name, 10)])
        await s.status(400, "POST", "/payments", body)
    await s.payment("P", "C", 100, linkedInvoices=[s.link("invoice", "child", 10)])


@assumed(_DELETE, "DELETE /invoices/{}")
async def deleting_takes_the_links_along(s: Session) -> None:
    """Deleting a payment opens its invoices, deleting an invoice frees its payments; 204."""
    await s.customer("C")
    for name in "IJ":
        await s.invoice(name, "C", 100)
        await s.payment(f"P{name}", "C", 100, linkedInvoices=[s.link("invoice", name, 100)])
    await s.status(204, "DELETE", s.at("/payments", "PI"))
    same(await s.outstanding("I"), 100, "the outstanding amount of I")
    await s.status(204, "DELETE", s.at("/invoices", "J"))
    part(await s.get(s.at("/payments", "PJ")), {"amountLinked": 0}, "the payment")


@assumed(_PUT)
async def a_change_is_partial(s: Session) -> None:
    """A PUT changes the fields that it carries; the amount can't go below its links."""
    await s.customer("C")
    await s.invoice("I", "C", 100)
    before = await s.payment("P", "C", 100, linkedInvoices=[s.link("invoice", "I", 80)])
    after = await s.status(200, "PUT", s.at("/payments", "P"), {"refNumber": "42"})
    expected = {**before, "refNumber": "42", "modifiedAt": after.get("modifiedAt")}
    same(after, expected, "the payment")
    await s.status(400, "PUT", s.at("/payments", "P"), {"amount": 79})
    part(await s.get(s.at("/payments", "P")), {"amount": 100}, "the payment")
