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
