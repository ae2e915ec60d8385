"""Refusals: their statuses and their form."""

from __future__ import annotations

from headrace.testkit.conformance.evidence import (
    CLIENTS,
    GUIDE,
    assumed,
    documented,
    observed,
)
from headrace.testkit.conformance.expect import has, same, true
from headrace.testkit.conformance.session import JSON_TYPE, Session, decoded

_NOTHING = "00000000-0000-4000-8000-000000000000"


@documented(f"{GUIDE}, Authentication", "GET /customers")
async def keys_are_needed(s: Session) -> None:
    """A wrong secret is refused."""
    answer = await s.call("GET", "/customers?limit=1", headers={"X-Api-Secret": "wrong"})
    true(400 <= answer.status < 500, f"a wrong secret is answered {answer.status}")


@assumed("GET /customers")
async def wrong_keys_are_401(s: Session) -> None:
    """A wrong key or secret is 401."""
    for header in ("X-Api-Key", "X-Api-Secret"):
        answer = await s.call("GET", "/customers?limit=1", headers={header: "wrong"})
        same(answer.status, 401, f"the status for a wrong {header}")


@observed(CLIENTS, "GET /customers/{}", "GET /payments/{}")
async def what_does_not_exist_is_404(s: Session) -> None:
    """An unknown `id` or `externalId` is 404."""
    for path in ("/customers", "/payments", "/invoices"):
        await s.status(404, "GET", s.at(path, "nothing"))
        await s.status(404, "GET", f"{path}/{_NOTHING}")


@observed(CLIENTS, "GET /customers/{}", "POST /customers")
async def a_refusal_has_words(s: Session) -> None:
    """A refusal is JSON with a `message` or an `error` for people."""
    for method, path, body in (
        ("GET", s.at("/customers", "nothing"), None),
        ("POST", "/customers", {"externalId": s.name("C")}),
    ):
        answer = await s.call(method, path, body)
        found = decoded(answer)
        true(isinstance(found, dict), f"{method} {path} is refused with {found!r}")
        words = found.get("message") or found.get("error")
        true(isinstance(words, str), f"{method} {path} is refused without words: {found!r}")


@assumed("POST /customers")
async def the_form_of_a_refusal(s: Session) -> None:
    """`statusCode`, `error`, `message`, `details` of `field` and `message`."""
    found = await s.status(400, "POST", "/customers", {"externalId": s.name("C"), "name": 5})
    has(found, ["statusCode", "error", "message", "details"], "the refusal")
    same((found["statusCode"], found["error"]), (400, "Bad Request"), "status and error")
    has(found["details"][0], ["field", "message"], "a detail")
    same(found["details"][0]["field"], "name", "the field")


@assumed("POST /customers")
async def bodies_that_cant_be_read(s: Session) -> None:
    """Broken JSON, broken UTF-8, a list, nothing, NUL in text, too deep nesting are 400."""
    deep = b'{"address":' + b"[" * 100_000
    for raw in (b"{", b'{"name":"\xff"}', b"[]", b"", b'{"name":"a\\u0000"}', deep):
        answer = await s.call("POST", "/customers", raw=raw, headers=JSON_TYPE)
        same(answer.status, 400, f"the status for {raw[:20]!r}")


@assumed("POST /customers")
async def another_media_type_is_415(s: Session) -> None:
    """A body with another content type than JSON is 415."""
    headers = {"Content-Type": "text/xml"}
    answer = await s.call("POST", "/customers", raw=b"<customer/>", headers=headers)
    same(answer.status, 415, "the status")


@assumed("GET /users")
async def another_method_is_405(s: Session) -> None:
    """A method that a path does not support is 405, and `Allow` names those that it supports."""
    answer = await s.call("POST", "/users", {})
    same(answer.status, 405, "the status")
    same(answer.headers.get("allow"), "GET", "Allow")


@assumed("GET /customers")
async def every_answer_has_an_id(s: Session) -> None:
    """Every answer carries an `X-Request-Id`."""
    answer = await s.call("GET", "/customers?limit=1")
    true("x-request-id" in answer.headers, "there is no X-Request-Id")
