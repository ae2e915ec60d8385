"""The proxy as an ASGI application: answers what the real server answered."""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Awaitable, Callable
from typing import Any, TypeAlias
from urllib.parse import quote

from headrace.model.clock import Clock
from headrace.model.errors import NotFound, RequestError
from headrace.oracle.exchange import BEGUN, KEPT_HEADERS, Exchange
from headrace.proxy.consent import Target
from headrace.proxy.traffic import Arrivals
from headrace.proxy.upstream import Answer, Upstream
from headrace.server.app import Send
from headrace.server.call import error_answer
from headrace.server.http.incoming import Incoming, Receive, SenderGone
from headrace.server.visit import Scope

Offer: TypeAlias = Callable[[Exchange], object]

BODY_MOST = 64_000_000
"""Maximum size of a request's body in bytes."""
_COMPARED_MOST = 8_000_000
"""Bodies above this size are passed on and not compared."""
_LOOKED_AT = frozenset(name.encode() for name in (*KEPT_HEADERS, "content-encoding"))
_CLIENTS_MOST = 10_000
_READS = frozenset({"GET", "HEAD", "OPTIONS"})
_BASE = b"/v1"
_AS_IS = "".join(map(chr, range(0x21, 0x7F))).replace("#", "")
"""Characters of a path that are passed on as they are; others can't stand in one."""


class Proxy:
    """Passes requests on, and hands what passed to `offer` once the client has its answer.

    Keys of clients are passed on; nothing keeps, logs or prints them.
    """

    def __init__(
        self, target: Target, open_upstream: Callable[[], Upstream], offer: Offer, clock: Clock,
        salt: bytes,
    ) -> None:  # fmt: skip
        """`open_upstream` is called on the server's event loop; `salt` is for telling key pairs
        apart."""
        self._target = target
        self._open_upstream = open_upstream
        self._offer = offer
        self._clock = clock
        self._salt = salt
        self._clients: dict[bytes, int] = {}
        self._arrivals = Arrivals()
        self._upstream: Upstream | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._live(receive, send)
            return
        try:
            exchange = await self._pass_on(scope, receive, send)
        except SenderGone:
            return
        except RequestError as error:
            refusal = error_answer(error)
            kind = [(b"content-type", b"application/json")]
            length = (b"content-length", b"%d" % len(refusal.body))
            await _answer(send, scope, Answer(refusal.status, [*kind, length], refusal.body))
            return
        self._offer(exchange)

    async def _live(self, receive: Receive, send: Send) -> None:
        await receive()
        async with contextlib.AsyncExitStack() as stack:
            self._upstream = await stack.enter_async_context(self._open_upstream())
            await send({"type": "lifespan.startup.complete"})
            await receive()
        await send({"type": "lifespan.shutdown.complete"})

    async def _pass_on(self, scope: Scope, receive: Receive, send: Send) -> Exchange:
        method, target = scope["method"], _target(scope)
        self._target.check(method)
        headers: list[tuple[bytes, bytes]] = scope["headers"]
        named = {name.lower(): value for name, value in headers}
        body = await Incoming(named, receive).whole(BODY_MOST)
        client = self._client(named.get(b"x-api-key", b""))
        began = self._clock.monotonic()
        passing = self._arrivals.began(client, began)
        kind = named.get(b"content-type", b"").decode("latin-1")
        if method not in _READS:
            known = body if len(body) <= _COMPARED_MOST else b""
            self._offer(Exchange(client, method, target, kind, known, BEGUN, {}, b"", began=began))
        assert self._upstream is not None
        status = 0
        try:
            answer = await self._upstream.send(method, target, headers, body)
            status = answer.status
        finally:
            ended = self._clock.monotonic()
            traffic = self._arrivals.ended(passing, ended, status)
        await _answer(send, scope, answer)
        whole = max(len(body), len(answer.body)) <= _COMPARED_MOST
        return Exchange(
            client=client,
            method=method,
            target=target,
            content_type=kind,
            sent=body if whole else b"",
            status=answer.status,
            headers={
                name.lower().decode("latin-1"): value.decode("latin-1")
                for name, value in answer.headers
                if name.lower() in _LOOKED_AT
            },
            received=answer.body if whole else b"",
            traffic=traffic,
            began=began,
            ended=ended,
            whole=whole,
        )

    def _client(self, key: bytes) -> int:
        """The number of a key; the key itself is not kept."""
        mark = hashlib.blake2b(key, digest_size=16, key=self._salt).digest()
        if len(self._clients) >= _CLIENTS_MOST:
            return self._clients.get(mark, 0)
        return self._clients.setdefault(mark, len(self._clients) + 1)


def _target(scope: Scope) -> str:
    """The path below the base with the query, as the client wrote it. Raises NotFound."""
    path: bytes = scope.get("raw_path") or scope["path"].encode()
    if not path.startswith(_BASE + b"/"):
        raise NotFound("The proxy passes on what is below /v1: use its address with /v1.")
    query = b"?" + scope["query_string"] if scope["query_string"] else b""
    return quote(path[len(_BASE) :] + query, safe=_AS_IS)


async def _answer(send: Callable[[Any], Awaitable[None]], scope: Scope, answer: Answer) -> None:
    headers = [(name.lower(), value) for name, value in answer.headers]
    await send({"type": "http.response.start", "status": answer.status, "headers": headers})
    body = b"" if scope["method"] == "HEAD" else answer.body
    await send({"type": "http.response.body", "body": body})
