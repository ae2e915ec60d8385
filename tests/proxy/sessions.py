"""A client's session with a server that is said to be the real one, as exchanges."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from typing import Any, Protocol

import msgspec

from headrace.oracle.exchange import Exchange
from headrace.oracle.player import Played
from headrace.proxy.traffic import Arrivals
from headrace.server.admission.limits import Gate, Limits, RateRefusal
from headrace.server.call import error_answer

JSON = "application/json"
_NOTHING = b'{"statusCode":404,"error":"Not Found","message":"No.","details":[]}'


class Server(Protocol):
    """Answers requests."""

    async def play(self, method: str, target: str, body: bytes, content_type: str) -> Played: ...


def requests(tag: str) -> Iterator[tuple[str, str, Any]]:
    """Method, target and body of what a careful client does: it looks, imports, reads, deletes."""
    name = f"{tag}-C"
    customer = f"/customers/external:{name}"
    ref = {"externalId": name}
    yield "GET", customer, None
    body = {
        "externalId": name,
        "name": f"Client {tag}",
        "vatNumber": "FR123",
        "address": {"address": "1 rue X", "zipcode": "75010", "city": "Paris", "country": "France"},
        "contacts": [
            {"email": f"a.{tag}@example.com", "firstName": "Ann", "position": "PAYER",
             "isMain": True, "externalId": f"{tag}-a"},
            {"email": f"b.{tag}@example.com"},
        ],
    }  # fmt: skip
    yield "POST", "/customers", body
    yield "POST", "/customers", body
    yield "POST", "/customers", {"externalId": f"{tag}-D", "name": "Other", "parent": ref}
    yield "POST", "/customers", {"externalId": f"{tag}-E"}
    yield "PUT", customer, {"accountingRef": "411"}
    yield "GET", customer, None
    yield "GET", f"{customer}/contacts", None
    yield "POST", f"{customer}/contacts", {"email": f"c.{tag}@example.com", "lastName": "Doe"}
    yield "POST", f"{customer}/notes", {"content": "Called."}
    yield "GET", f"{customer}/notes", None
    field = {"externalId": f"{tag}-F", "label": tag, "dataType": "TEXT", "entityType": "INVOICE"}
    yield "POST", "/custom_fields", field
    yield "GET", "/custom_fields", None
    yield from _documents(tag, ref)
    yield from _reads(tag, customer)
    yield "POST", f"{customer}/customer_summary", {}
    yield "POST", f"{customer}/portal", {"expiresIn": 60}
    yield "DELETE", customer, None
    for path in ("refunds", "payments", "credit_notes"):
        yield "DELETE", f"/{path}/external:{tag}-{path}", None
        yield "GET", f"/{path}/external:{tag}-{path}", None
    yield "DELETE", f"/custom_fields/external:{tag}-F", None


def _documents(tag: str, ref: dict[str, str]) -> Iterator[tuple[str, str, Any]]:
    for number in (1, 2, 3):
        one = f"/invoices/external:{tag}-I{number}"
        yield "GET", one, None
        yield (
            "POST",
            "/invoices",
            {
                "externalId": f"{tag}-I{number}", "customId": f"No {number}", "currency": "EUR",
                "issuedAt": f"2015-05-0{number}", "dueDate": f"299{number}-06-05",
                "grossAmount": 1000 * number, "netAmount": 900 * number, "customer": ref,
                "customFields": [{"externalId": f"{tag}-F", "value": "x"}],
            },
        )  # fmt: skip
        yield "GET", one, None
    link = [{"amountLinked": 1000, "invoice": {"externalId": f"{tag}-I1"}}]
    money = {"currency": "EUR", "validatedAt": "2015-06-01", "customer": ref}
    paid = {**money, "externalId": f"{tag}-payments", "amount": 1500, "linkedInvoices": link,
            "instrument": "CARD"}  # fmt: skip
    yield "GET", f"/payments/external:{tag}-payments", None
    yield "POST", "/payments", paid
    yield "POST", "/payments", {**paid, "amount": "x"}
    for number in range(5):
        other = {**money, "externalId": f"{tag}-P{number}", "amount": 100 + number}
        yield "GET", f"/payments/external:{tag}-P{number}", None
        yield "POST", "/payments", other
    link = [{"amountLinked": 200, "invoice": {"externalId": f"{tag}-I2"}}]
    note = {"externalId": f"{tag}-credit_notes", "customId": "CN", "issuedAt": "2015-05-20",
            "currency": "EUR", "grossAmount": 300, "netAmount": 250, "customer": ref,
            "linkedInvoices": link}  # fmt: skip
    yield "POST", "/credit_notes", note
    back = [{"amountLinked": 50, "payment": {"externalId": f"{tag}-payments"}}]
    refund = {**money, "externalId": f"{tag}-refunds", "amount": 60, "linkedPayments": back}
    yield "POST", "/refunds", refund
    entries = {
        "invoices": [{"externalId": f"{tag}-I2", "amountLinked": 10}],
        "payments": [{"externalId": f"{tag}-payments", "amountLinked": 10}],
        "creditNotes": [],
        "refunds": [],
    }
    yield "POST", "/reconcile", {"externalId": f"{tag}-R", **entries}


def _reads(tag: str, customer: str) -> Iterator[tuple[str, str, Any]]:
    yield "GET", f"/invoices/external:{tag}-I1", None
    yield "GET", f"/invoices/external:{tag}-I2", None
    for path in ("payments", "credit_notes", "refunds"):
        yield "GET", f"/{path}/external:{tag}-{path}", None
        yield "GET", f"/{path}", None
        yield "GET", f"/{path}?limit=5000", None
    yield "GET", "/customers?limit=5000", None
    yield "GET", "/customers?limit=1&offset=1", None
    yield "GET", "/invoices?limit=5000", None
    yield "GET", "/invoices?sortBy=dueDate&sortOrder=DESC", None
    yield "GET", "/payments?sortBy=amount&sortOrder=ASC", None
    yield "GET", f"/invoices?customerId=external:{tag}-C", None
    yield "GET", f"{customer}/invoices", None
    yield "GET", "/invoices?limit=abc", None
    yield "GET", "/customers/00000000-0000-7000-8000-00000000abcd", None
    yield "GET", "/custmers", None
    yield "PATCH", "/customers", {}
    yield "HEAD", "/customers", None
    for path in ("users", "bank_accounts", "dunning_plans", "actions"):
        yield "GET", f"/{path}", None


async def exchanges(server: Server, tag: str, client: int) -> AsyncIterator[Exchange]:
    """Play the session; each request is sent when the one before is answered."""
    for number, (method, target, body) in enumerate(requests(tag)):
        sent = b"" if body is None else msgspec.json.encode(body)
        kind = JSON if sent else ""
        answer = await server.play(method, target, sent, kind)
        yield Exchange(
            client, method, target, kind, sent, answer.status, answer.headers, answer.body,
            began=number + 0.1, ended=number + 0.9,
        )  # fmt: skip


def limited(limits: Limits, gap: float, beside: int = 1) -> list[Exchange]:
    """Return what a client that sends steadily gets from a server with these limits, at moments in
    seconds; of the many that are admitted, those from the 590th on."""
    gate, arrivals, found = Gate(limits), Arrivals(), []
    for number in range(720):
        now = number * gap
        passing = [(arrivals.began(1, now), _arrive(gate, now)) for _ in range(beside)]
        for entry, refusal in passing:
            if refusal is None:
                gate.leave()
                status, headers, body = 404, {"content-type": "application/json"}, _NOTHING
            else:
                answer = error_answer(refusal, refusal.headers)
                status, body = 429, answer.body
                headers = {name.decode(): text.decode() for name, text in answer.headers}
            traffic = arrivals.ended(entry, now + gap / 2, status)
            exchange = Exchange(1, "GET", "/customers/x", "", b"", status,
                                {**headers, "x-request-id": "1"}, body, traffic)  # fmt: skip
            if status == 429 or number >= 590:
                found.append(exchange)
    return found[:60]


def _arrive(gate: Gate, now: float) -> RateRefusal | None:
    try:
        gate.enter(now)
    except RateRefusal as refusal:
        return refusal
    return None
