"""The session of one case: its bodies, its requests, and the records that it has to delete."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Iterator, Mapping
from typing import Any, TypeAlias, TypeVar
from urllib.parse import quote

import msgspec
from msgspec import Struct

from headrace.client.answer import Answer
from headrace.client.verdict import message_of
from headrace.testkit.conformance.expect import same, true
from headrace.testkit.conformance.leftovers import Leftovers

T = TypeVar("T")

Send: TypeAlias = Callable[[str, str, bytes | None, Mapping[str, str]], Coroutine[Any, Any, Answer]]
"""Sends a request at the organisation's pace: method, path, body, additional headers."""

JSON_TYPE = {"Content-Type": "application/json"}


class Exchange(Struct, frozen=True):
    """A request and its answer, as recorded."""

    method: str
    path: str
    status: int
    body: Any
    """Decoded JSON, text if it is not JSON, None if it is empty."""


class Session:
    """Sends the requests of one case. Names are unique to the case, so cases do not interfere."""

    def __init__(self, send: Send, prefix: str) -> None:
        self._send = send
        self.prefix = prefix
        self.exchanges: list[Exchange] = []
        self.sent: set[str] = set()
        """Texts of the bodies and paths sent: what a recording may repeat."""
        self.leftovers = Leftovers()

    # names ---------------------------------------------------------------------------------

    def name(self, text: str) -> str:
        """Return the externalId that stands for `text` in this case."""
        return f"{self.prefix}-{text}"

    def at(self, path: str, text: str) -> str:
        """Return a path such as `/invoices/external:...` for `/invoices` and a name."""
        return f"{path}/external:{quote(self.name(text), safe='')}"

    def email(self, who: str) -> str:
        """Return an e-mail address unique to this case, in characters that the vendor allows."""
        return f"{who}.{self.prefix}@example.com"

    def ref(self, text: str) -> dict[str, str]:
        """Return a reference for a body."""
        return {"externalId": self.name(text)}

    # requests ------------------------------------------------------------------------------

    async def call(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        raw: bytes | None = None,
        headers: Mapping[str, str] = JSON_TYPE,
    ) -> Answer:
        """Send any request; `body` is sent as JSON, `raw` as is. Created records are remembered."""
        data = msgspec.json.encode(body) if body is not None else raw
        self.leftovers.before(method, path, body)
        self.sent.update(_texts(body))
        # A cancelled request may still create its record after the clean-up, so wait for its end.
        answer = await to_its_end(self._send(method, path, data, headers))
        content = decoded(answer)
        self.leftovers.after(method, path, answer.status, content)
        self.exchanges.append(Exchange(method, path, answer.status, content))
        return answer

    async def done(self, method: str, path: str, body: Any = None) -> Any:
        """Send a request that must succeed with any 2xx; returns the decoded body."""
        answer = await self.call(method, path, body)
        true(200 <= answer.status < 300, said(method, path, answer))
        return decoded(answer)

    async def entity(self, method: str, path: str, body: Any = None) -> dict[str, Any]:
        """Send a request like `call` whose answer must be an object with an `id`."""
        found = await self.done(method, path, body)
        true(
            isinstance(found, dict) and isinstance(found.get("id"), str),
            f"{method} {path} answers {found!r}, not an object with an id",
        )
        return dict(found)

    async def get(self, path: str) -> Any:
        """Send a GET that must be 200; returns the decoded body."""
        answer = await self.call("GET", path)
        same(answer.status, 200, f"the status of GET {path}")
        return decoded(answer)

    async def status(self, expected: int, method: str, path: str, body: Any = None) -> Any:
        """Send a request that must have exactly this status; returns the decoded body."""
        answer = await self.call(method, path, body)
        true(answer.status == expected, f"{said(method, path, answer)}; expected {expected}")
        return decoded(answer)

    async def refused(self, method: str, path: str, body: Any = None) -> None:
        """Send a request that must be refused with any 4xx."""
        answer = await self.call(method, path, body)
        true(
            400 <= answer.status < 500 and answer.status != 429,
            f"{method} {path} must be refused, it answers {answer.status}",
        )

    # entities ------------------------------------------------------------------------------

    async def customer(self, text: str, **fields: Any) -> dict[str, Any]:
        """Import a customer; returns the answer."""
        body = {"externalId": self.name(text), "name": f"Customer {self.name(text)}", **fields}
        return await self.entity("POST", "/customers", body)

    def invoice_body(self, text: str, owner: str, amount: Any = 1000, **fields: Any) -> Any:
        """Return the body of an invoice; by default it is not due for a long time."""
        return {
            "externalId": self.name(text),
            "customId": f"No {text}",
            "issuedAt": "2015-05-05T12:30:00Z",
            "dueDate": "2999-06-05T12:30:00Z",
            "currency": "EUR",
            "grossAmount": amount,
            "netAmount": amount,
            "customer": self.ref(owner),
            **fields,
        }

    async def invoice(
        self, text: str, owner: str, amount: Any = 1000, **fields: Any
    ) -> dict[str, Any]:
        """Import an invoice; returns the answer."""
        return await self.entity(
            "POST", "/invoices", self.invoice_body(text, owner, amount, **fields)
        )

    async def credit_note(
        self, text: str, owner: str, amount: Any = 1000, **fields: Any
    ) -> dict[str, Any]:
        """Import a credit note; returns the answer."""
        body = {
            "externalId": self.name(text),
            "customId": f"No {text}",
            "issuedAt": "2015-05-06T12:30:00Z",
            "currency": "EUR",
            "grossAmount": amount,
            "netAmount": amount,
            "customer": self.ref(owner),
            **fields,
        }
        return await self.entity("POST", "/credit_notes", body)

    def payment_body(self, text: str, owner: str, amount: Any = 1000, **fields: Any) -> Any:
        """Return the body of a payment or refund."""
        return {
            "externalId": self.name(text),
            "currency": "EUR",
            "amount": amount,
            "validatedAt": "2016-02-03T00:00:00Z",
            "instrument": "WIRE_TRANSFER",
            "customer": self.ref(owner),
            **fields,
        }

    async def payment(
        self, text: str, owner: str, amount: Any = 1000, **fields: Any
    ) -> dict[str, Any]:
        """Import a payment; returns the answer."""
        return await self.entity(
            "POST", "/payments", self.payment_body(text, owner, amount, **fields)
        )

    async def refund(
        self, text: str, owner: str, amount: Any = 1000, **fields: Any
    ) -> dict[str, Any]:
        """Import a refund; returns the answer."""
        return await self.entity(
            "POST", "/refunds", self.payment_body(text, owner, amount, **fields)
        )

    def link(self, kind: str, text: str, amount: Any) -> dict[str, Any]:
        """Return a link for `linkedInvoices` etc.; `kind` is invoice, payment or creditNote."""
        return {"amountLinked": amount, kind: self.ref(text)}

    async def outstanding(self, text: str) -> Any:
        """Return the outstanding amount of an invoice."""
        return (await self.get(self.at("/invoices", text))).get("amountOutstanding")


async def to_its_end(work: Coroutine[Any, Any, T]) -> T:
    """Await the end of a task even if cancelled meanwhile; raises the cancellation afterwards."""
    task = asyncio.create_task(work)
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        await asyncio.wait({task})
        raise


def decoded(answer: Answer) -> Any:
    """Return the body as JSON, or else as text; None if there is none."""
    if not answer.body:
        return None
    try:
        return msgspec.json.decode(answer.body)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return answer.body.decode("utf-8", "replace")


def said(method: str, path: str, answer: Answer) -> str:
    """Describe an answer for a message."""
    return f"{method} {path} answers {answer.status}: {message_of(answer)}"


def _texts(value: Any) -> Iterator[str]:
    """The texts in a JSON value, names of fields included."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for key, inner in value.items():
            yield str(key)
            yield from _texts(inner)
    elif isinstance(value, list | tuple):
        for inner in value:
            yield from _texts(inner)
