"""One case's conversation with the server: its bodies, its requests, and what it has to delete."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Mapping
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
"""Method, path, body, further headers; at the organisation's pace."""

JSON_TYPE = {"Content-Type": "application/json"}


class Exchange(Struct, frozen=True):
    """A request and what came back, as recorded."""

    method: str
    path: str
    status: int
    body: Any
    """Decoded JSON; the text where it is none; None when empty."""


class Session:
    """What a case talks through. Names are of this case alone, so cases don't meet."""

    def __init__(self, send: Send, prefix: str) -> None:
        self._send = send
        self.prefix = prefix
        self.exchanges: list[Exchange] = []
        self.leftovers = Leftovers()

    # names ---------------------------------------------------------------------------------

    def name(self, text: str) -> str:
        """The externalId that stands for `text` in this case."""
        return f"{self.prefix}-{text}"

    def at(self, path: str, text: str) -> str:
        """`/invoices/external:...` for `/invoices` and a name."""
        return f"{path}/external:{quote(self.name(text), safe='')}"

    def email(self, who: str) -> str:
        """An address of this case alone, in the characters that the vendor allows."""
        return f"{who}.{self.prefix}@example.com"

    def ref(self, text: str) -> dict[str, str]:
        """A reference in a body."""
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
        """Any request; `body` goes as JSON, `raw` as it is. Whatever it makes is remembered."""
        data = msgspec.json.encode(body) if body is not None else raw
        self.leftovers.before(method, path, body)
        # A request that is given up halfway may still make what is deleted before.
        answer = await to_its_end(self._send(method, path, data, headers))
        content = decoded(answer)
        self.leftovers.after(method, path, answer.status, content)
        self.exchanges.append(Exchange(method, path, answer.status, content))
        return answer

    async def done(self, method: str, path: str, body: Any = None) -> Any:
        """A request that must succeed with any 2xx; gives the decoded body."""
        answer = await self.call(method, path, body)
        true(200 <= answer.status < 300, said(method, path, answer))
        return decoded(answer)

    async def entity(self, method: str, path: str, body: Any = None) -> dict[str, Any]:
        """The same for an answer that must be an object with an `id`."""
        found = await self.done(method, path, body)
        true(
            isinstance(found, dict) and isinstance(found.get("id"), str),
            f"{method} {path} answers {found!r}, not an object with an id",
        )
        return dict(found)

    async def get(self, path: str) -> Any:
        """A GET that must be 200."""
        answer = await self.call("GET", path)
        same(answer.status, 200, f"the status of GET {path}")
        return decoded(answer)

    async def status(self, expected: int, method: str, path: str, body: Any = None) -> Any:
        """A request that must have this very status; gives the decoded body."""
        answer = await self.call(method, path, body)
        true(answer.status == expected, f"{said(method, path, answer)}; expected {expected}")
        return decoded(answer)

    async def refused(self, method: str, path: str, body: Any = None) -> None:
        """A request that must be refused as the client's mistake, with whatever 4xx."""
        answer = await self.call(method, path, body)
        true(
            400 <= answer.status < 500 and answer.status != 429,
            f"{method} {path} must be refused, it answers {answer.status}",
        )

    # entities ------------------------------------------------------------------------------

    async def customer(self, text: str, **fields: Any) -> dict[str, Any]:
        """Imports one."""
        body = {"externalId": self.name(text), "name": f"Customer {self.name(text)}", **fields}
        return await self.entity("POST", "/customers", body)

    def invoice_body(self, text: str, owner: str, amount: Any = 1000, **fields: Any) -> Any:
        """Not due for a long time, unless told."""
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
        """Imports one."""
        return await self.entity(
            "POST", "/invoices", self.invoice_body(text, owner, amount, **fields)
        )

    async def credit_note(
        self, text: str, owner: str, amount: Any = 1000, **fields: Any
    ) -> dict[str, Any]:
        """Imports one."""
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
        """A refund's too."""
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
        """Imports one."""
        return await self.entity(
            "POST", "/payments", self.payment_body(text, owner, amount, **fields)
        )

    async def refund(
        self, text: str, owner: str, amount: Any = 1000, **fields: Any
    ) -> dict[str, Any]:
        """Imports one."""
        return await self.entity(
            "POST", "/refunds", self.payment_body(text, owner, amount, **fields)
        )

    def link(self, kind: str, text: str, amount: Any) -> dict[str, Any]:
        """An entry of `linkedInvoices` and its like; `kind` is invoice, payment or creditNote."""
        return {"amountLinked": amount, kind: self.ref(text)}

    async def outstanding(self, text: str) -> Any:
        """What an invoice says is open."""
        return (await self.get(self.at("/invoices", text))).get("amountOutstanding")


async def to_its_end(work: Coroutine[Any, Any, T]) -> T:
    """Sees it through even when cancelled, and is cancelled then."""
    task = asyncio.create_task(work)
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        await asyncio.wait({task})
        raise


def decoded(answer: Answer) -> Any:
    """The body as JSON, else as text; None when there is none."""
    if not answer.body:
        return None
    try:
        return msgspec.json.decode(answer.body)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return answer.body.decode("utf-8", "replace")


def said(method: str, path: str, answer: Answer) -> str:
    """What a server answered, for a message."""
    return f"{method} {path} answers {answer.status}: {message_of(answer)}"
