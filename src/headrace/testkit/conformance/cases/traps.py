"""Requests of real clients that a strict server might refuse."""

from __future__ import annotations

from urllib.parse import quote

from headrace.testkit.conformance.evidence import CLIENTS, assumed, observed
from headrace.testkit.conformance.expect import same, true
from headrace.testkit.conformance.session import JSON_TYPE, Session, said


@observed(CLIENTS, "GET /customers/{}", "DELETE /customers/{}")
async def a_content_type_without_a_body(s: Session) -> None:
    """GET and DELETE with a JSON content type and no body are accepted."""
    await s.customer("C")
    for method in ("GET", "DELETE"):
        path = s.at("/customers", "C")
        answer = await s.call(method, path, headers=JSON_TYPE)
        true(200 <= answer.status < 300, said(method, path, answer))


@observed(CLIENTS, "DELETE /invoices/{}")
async def a_delete_answers_204_or_json(s: Session) -> None:
    """Every success except 204 is JSON, because clients parse it."""
    await s.customer("C")
    await s.invoice("I", "C")
    answer = await s.call("DELETE", s.at("/invoices", "I"))
    true(answer.status == 204 or (answer.is_json and bool(answer.body)), "neither 204 nor JSON")


@observed(CLIENTS, "GET /customers")
async def header_names_in_lower_case(s: Session) -> None:
    """The names of the key headers ignore case."""
    headers = {"x-api-secret": "wrong"}
    answer = await s.call("GET", "/customers?limit=1", headers=headers)
    true(400 <= answer.status < 500, "a wrong secret in a lower-case header is accepted")
    same((await s.call("GET", "/customers?limit=1", headers={})).status, 200, "the status")


@observed(CLIENTS, "GET /customers/{}", "PUT /customers/{}")
async def an_encoded_colon(s: Session) -> None:
    """`external%3A` is the same as `external:`."""
    made = await s.customer("C")
    path = "/customers/" + quote(f"external:{s.name('C')}", safe="")
    true("%3A" in path, "the path is not encoded")
    same((await s.get(path))["id"], made["id"], "the id")
    await s.done("PUT", path, {"dunningPlanId": None})


@assumed("GET /invoices/{}", "DELETE /invoices/{}")
async def any_character_in_an_external_id(s: Session) -> None:
    """Paths accept encoded slashes, spaces, colons, percent signs and letters of any script."""
    await s.customer("C")
    for text in ("INV/1", "a b", "a:b", "100%", "Ünïcode-請求", "a?b#c", "a+b", "."):
        made = await s.invoice(text, "C")
        same((await s.get(s.at("/invoices", text)))["id"], made["id"], f"the id of {text!r}")
        await s.status(204, "DELETE", s.at("/invoices", text))


@assumed("GET /customers/{}", "GET /customers")
async def head_is_get_without_a_body(s: Session) -> None:
    """HEAD has the status of GET and no body."""
    await s.customer("C")
    for path in (s.at("/customers", "C"), "/customers?limit=1"):
        answer = await s.call("HEAD", path)
        same((answer.status, answer.body), (200, b""), f"the answer of HEAD {path}")
    same((await s.call("HEAD", s.at("/customers", "none"))).status, 404, "of one that is not there")


@assumed("POST /invoices", "GET /invoices/{}")
async def dates_at_the_edges_of_time(s: Session) -> None:
    """A date outside the years 1 to 9999 in UTC is 400; the first and last days are taken."""
    await s.customer("C")
    for date in ("9999-12-31T23:59:59-14:00", "0001-01-01T00:00:00+14:00"):
        await s.status(400, "POST", "/invoices", s.invoice_body("I", "C", issuedAt=date))
        await s.status(400, "POST", "/payments", s.payment_body("P", "C", validatedAt=date))
    for name, date in (("first", "0001-01-01T00:00:00Z"), ("last", "9999-12-31T23:59:59Z")):
        made = await s.invoice(name, "C", issuedAt=date, dueDate=date)
        same((await s.get(f"/invoices/{made['id']}"))["id"], made["id"], "the id")
    await s.get(s.at("/customers", "C"))


@assumed("POST /credit_notes", "POST /payments", "POST /refunds")
async def documents_need_no_external_id(s: Session) -> None:
    """Credit notes, payments and refunds without an `externalId` are made, one at each import."""
    await s.customer("C")
    note = {"customId": "N", "currency": "EUR", "grossAmount": 100, "netAmount": 100}
    money = {"currency": "EUR", "amount": 100, "validatedAt": "2016-02-03"}
    for path, body in (("/credit_notes", note), ("/payments", money), ("/refunds", money)):
        made = await s.entity("POST", path, {**body, "customer": s.ref("C")})
        same(made["externalId"], None, f"the externalId of {path}")
        await s.status(204, "DELETE", f"{path}/{made['id']}")
