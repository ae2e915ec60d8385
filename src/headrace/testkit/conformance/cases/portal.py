"""The portal: links for customers, and their open items."""

from __future__ import annotations

from typing import Any

from headrace.testkit.conformance.evidence import (
    GUIDE,
    REFERENCE,
    SENT,
    assumed,
    documented,
    observed,
)
from headrace.testkit.conformance.expect import has, part, same, true
from headrace.testkit.conformance.session import JSON_TYPE, Session, decoded, said

_PORTAL = "POST /customers/{}/portal"
_SUMMARY = "POST /customers/{}/customer_summary"


def _links(found: Any) -> list[str]:
    values = found.values() if isinstance(found, dict) else [found]
    return [value for value in values if isinstance(value, str) and value.startswith("http")]


@documented(f"{GUIDE}, Create customer portal URL", _PORTAL)
async def a_link_is_made(s: Session) -> None:
    """A link has any lifetime, also one for a frame; by `externalId` and by `id`."""
    made = await s.customer("C")
    for path in (s.at("/customers", "C"), f"/customers/{made['id']}"):
        body = {"expiresIn": 25 * 86400, "frameAncestors": "app.example.com www.example.com"}
        found = await s.done("POST", f"{path}/portal", body)
        true(len(_links(found)) == 1, f"the answer {found!r} holds no link")


@observed(SENT, _PORTAL)
async def no_body_is_needed(s: Session) -> None:
    """An empty body with a JSON content type is accepted."""
    await s.customer("C")
    path = f"{s.at('/customers', 'C')}/portal"
    answer = await s.call("POST", path, headers=JSON_TYPE)
    true(200 <= answer.status < 300, said("POST", path, answer))
    true(len(_links(decoded(answer))) == 1, "the answer holds no link")


@assumed(_PORTAL)
async def its_answer(s: Session) -> None:
    """201 with `url`; less than a second is 400, an unknown customer 404."""
    await s.customer("C")
    path = f"{s.at('/customers', 'C')}/portal"
    has(await s.status(201, "POST", path, {}), ["url"], "the answer")
    await s.status(400, "POST", path, {"expiresIn": 0})
    await s.status(404, "POST", f"{s.at('/customers', 'nobody')}/portal", {})


@observed(REFERENCE, _SUMMARY)
async def a_summary_is_answered(s: Session) -> None:
    """The endpoint exists."""
    await s.customer("C")
    await s.done("POST", f"{s.at('/customers', 'C')}/customer_summary", {})


@assumed(_SUMMARY)
async def a_summary_lists_the_open_items(s: Session) -> None:
    """The statement has all open items, with totals per currency."""
    await s.customer("C")
    await s.invoice("I", "C", 1000)
    await s.invoice("late", "C", 500, dueDate="2016-01-01")
    await s.payment("P", "C", 300)
    found = await s.done("POST", f"{s.at('/customers', 'C')}/customer_summary", {})
    totals = {"outstanding": 1200, "due": 1000, "overdue": 500, "unapplied": 300}
    same(found["totals"], [{"currency": "EUR", **totals}], "the totals")
    items = [(item["type"], item["externalId"], item["openAmount"]) for item in found["items"]]
    expected = [("INVOICE", s.name("late"), 500), ("INVOICE", s.name("I"), 1000)]
    same(items, [*expected, ("PAYMENT", s.name("P"), 300)], "the items")
    part(found["customer"], {"externalId": s.name("C")}, "the customer")
