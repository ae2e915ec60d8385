"""The hub as an ASGI application: keys, limits, routes, errors, request log."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any, TypeAlias

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route as PageRoute

from headrace.model.clock import Clock
from headrace.model.errors import MethodNotAllowed, NotFound, RequestError, TooLarge
from headrace.server.call import Answer, Call, error_answer
from headrace.server.keys import Keys
from headrace.server.limits import Gate, Limits, RateRefusal
from headrace.server.request_log import LogRecord, Sink, unknown_fields
from headrace.server.routes import Route, match
from headrace.store.context import Context, Organisation
from headrace.store.sqlite import SqliteStore

Scope: TypeAlias = MutableMapping[str, Any]
Receive: TypeAlias = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send: TypeAlias = Callable[[MutableMapping[str, Any]], Awaitable[None]]

BODY_MAX = 10_000_000
"""Bytes of a request's body."""

_LOGGER = logging.getLogger("headrace.server")
_FAILURE = Answer(
    500,
    b'{"statusCode":500,"error":"Internal Server Error","message":"The hub failed at this request; '
    b'nothing of it was stored, its log has the cause.","details":[]}',
)

_CONTENT_TYPE = (b"content-type", b"application/json")


class Hub:
    """The application. One instance serves one store; it holds the gates and the key cache."""

    def __init__(
        self, store: SqliteStore, clock: Clock, limits: Limits, sink: Sink | None = None
    ) -> None:
        self._store = store
        self._clock = clock
        self._limits = limits
        self._sink = sink
        self._keys = Keys(store)
        self._gates: dict[int, Gate] = {}
        self._pages = Starlette(
            routes=[PageRoute("/healthz", _health)], exception_handlers={404: _no_page}
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        path: bytes = scope.get("raw_path") or scope.get("path", "").encode()
        if scope["type"] == "http" and (path.startswith(b"/v1/") or path == b"/v1"):
            await self._serve(scope, receive, send, path)
        else:
            await self._pages(scope, receive, send)

    async def _serve(self, scope: Scope, receive: Receive, send: Send, path: bytes) -> None:
        """One request of the API, from its key to its line in the log."""
        arrived = self._clock.monotonic()
        headers = dict(scope["headers"])
        try:
            organisation = self._keys.organisation(
                _text(headers.get(b"x-api-key")), _text(headers.get(b"x-api-secret"))
            )
        except RequestError as error:
            await _send(send, error_answer(error))
            return
        gate = self._gates.get(organisation.seq)
        if gate is None:
            gate = self._gates[organisation.seq] = Gate(self._limits)
        visit = _Visit(scope["method"], path, organisation, arrived, gate.in_flight + 1)
        try:
            gate.enter(arrived)
        except RateRefusal as refusal:
            await self._finish(visit, error_answer(refusal, refusal.headers), send)
            return
        try:
            answer = await self._answer(visit, scope, headers, receive)
            if answer is not None:
                await self._finish(visit, answer, send)
        finally:
            gate.leave()

    async def _answer(
        self, visit: _Visit, scope: Scope, headers: dict[bytes, bytes], receive: Receive
    ) -> Answer | None:
        """What the request comes to; None when its sender has gone before it was complete."""
        try:
            route, addresses = match(visit.method, visit.path[3:])
            visit.route = route
            body = await _body(headers, receive)
            if body is None:
                return None
            visit.call = Call(
                store=self._store,
                context=Context(visit.organisation, self._clock.now()),
                entity=route.entity,
                addresses=addresses,
                query=scope["query_string"],
                body=body,
                content_type=headers.get(b"content-type", b""),
            )
            return await route.handler(visit.call)
        except MethodNotAllowed as error:
            return error_answer(error, ((b"allow", error.allowed.encode()),))
        except RequestError as error:
            return error_answer(error)
        except Exception:
            _LOGGER.exception("%s %s failed", visit.method, visit.path.decode("latin-1"))
            return _FAILURE

    async def _finish(self, visit: _Visit, answer: Answer, send: Send) -> None:
        if self._sink is not None:
            self._sink(visit.record(self._clock.monotonic(), answer.status))
        await _send(send, answer)


class _Visit:
    """What the log will say of a request, gathered on its way."""

    __slots__ = ("arrived", "call", "in_flight", "method", "organisation", "path", "route")

    def __init__(
        self, method: str, path: bytes, organisation: Organisation, arrived: float, in_flight: int
    ) -> None:
        self.method = method
        self.path = path
        self.organisation = organisation
        self.arrived = arrived
        self.in_flight = in_flight
        self.route: Route | None = None
        self.call: Call | None = None

    def record(self, answered: float, status: int) -> LogRecord:
        route, call = self.route, self.call
        entity = external_id = customer = None
        ignored: tuple[str, ...] = ()
        if route is not None:
            entity = route.entity.name
        if route is not None and call is not None:
            external_id, customer = call.external_id, call.customer
            if external_id is None and call.addresses:
                external_id = call.addresses[-1].external_id
            if call.body and self.method in ("POST", "PUT"):
                ignored = unknown_fields(call.body, route.entity.record)
        return LogRecord(
            arrived=self.arrived,
            answered=answered,
            organisation=self.organisation.name,
            method=self.method,
            path=self.path.decode("latin-1"),
            status=status,
            entity=entity,
            external_id=external_id,
            customer=customer,
            in_flight=self.in_flight,
            ignored=ignored,
        )


async def _body(headers: dict[bytes, bytes], receive: Receive) -> bytes | None:
    """The whole body; None when the client went away. Raises TooLarge."""
    length = headers.get(b"content-length")
    if length is not None and length.isdigit() and int(length) > BODY_MAX:
        raise _too_large()
    message = await receive()
    if message["type"] == "http.disconnect":
        return None
    body: bytes = message.get("body", b"")
    if not message.get("more_body", False):
        return body
    parts, size = [body], len(body)
    while message.get("more_body", False):
        message = await receive()
        if message["type"] == "http.disconnect":
            return None
        parts.append(message.get("body", b""))
        size += len(parts[-1])
        if size > BODY_MAX:
            raise _too_large()
    return b"".join(parts)


def _too_large() -> TooLarge:
    return TooLarge(f"The body is larger than {BODY_MAX:,} bytes: send less in one request.")


async def _send(send: Send, answer: Answer) -> None:
    headers = [*answer.headers]
    if answer.body:
        headers += [_CONTENT_TYPE, (b"content-length", b"%d" % len(answer.body))]
    await send({"type": "http.response.start", "status": answer.status, "headers": headers})
    await send({"type": "http.response.body", "body": answer.body})


def _text(header: bytes | None) -> str | None:
    return header.decode("latin-1") if header is not None else None


async def _health(request: Request) -> Response:
    return JSONResponse({"status": "ok"})


async def _no_page(request: Request, error: Exception) -> Response:
    answer = error_answer(
        NotFound(f"There is nothing at {request.url.path}: the API is below /v1.")
    )
    return Response(answer.body, answer.status, media_type="application/json")
