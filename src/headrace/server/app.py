"""The hub as an ASGI application: keys, limits, routes, errors, request log."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, MutableMapping, Sequence
from typing import Any, TypeAlias

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute
from starlette.routing import Route as PageRoute

from headrace.model.clock import Clock
from headrace.model.errors import MethodNotAllowed, NotFound, RequestError
from headrace.server.api_page import api_page_route
from headrace.server.call import Answer, Call, error_answer
from headrace.server.door import Door, Visitor
from headrace.server.incoming import Incoming, Receive, SenderGone
from headrace.server.openapi import openapi_document
from headrace.server.origin import origin_of
from headrace.server.pdf_keeper import PdfKeeper
from headrace.server.pdf_page import pdf_route
from headrace.server.request_journal import Exchange, RequestIds
from headrace.server.request_log import LogRecord, Sink, unknown_fields
from headrace.server.routes import Route, match
from headrace.store.context import Context
from headrace.store.pdf_files import PdfFiles
from headrace.store.store import Store

Scope: TypeAlias = MutableMapping[str, Any]
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
    """The application. One instance serves one store."""

    def __init__(
        self,
        store: Store,
        clock: Clock,
        door: Door,
        pdfs: PdfFiles,
        sink: Sink | None = None,
        pages: Sequence[BaseRoute] = (),
        journal: Callable[[Exchange], None] | None = None,
    ) -> None:
        """`pages` stand beside the API; they need no key. `journal` is told of every request."""
        self._store = store
        self._clock = clock
        self._door = door
        self._sink = sink
        self._journal = journal
        self._new_id = RequestIds()
        self._keeper = PdfKeeper(store, pdfs, clock)
        self._pages = Starlette(
            routes=[
                PageRoute("/healthz", _health),
                PageRoute("/openapi.json", _openapi),
                api_page_route(),
                pdf_route(store, self._keeper, clock),
                *pages,
            ],
            exception_handlers={404: _no_page},
            lifespan=self._lifespan,
        )

    @contextlib.asynccontextmanager
    async def _lifespan(self, app: Starlette) -> AsyncIterator[None]:
        # What a hub that was killed did not get to.
        self._keeper.sweep()
        yield
        await self._keeper.close()
        await self._door.close()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        path: bytes = scope.get("raw_path") or scope.get("path", "").encode()
        if scope["type"] == "http" and (path.startswith(b"/v1/") or path == b"/v1"):
            await self._serve(scope, receive, send, path)
        else:
            await self._pages(scope, receive, send)

    async def _serve(self, scope: Scope, receive: Receive, send: Send, path: bytes) -> None:
        """One request of the API, from its key to its line in the log."""
        headers = dict(scope["headers"])
        visit = _Visit(self._new_id(), scope, path, self._clock.monotonic(), headers)
        try:
            visitor = await self._door.admit(
                visit.key, _text(headers.get(b"x-api-secret")), visit.arrived
            )
        except RequestError as error:
            await self._finish(visit, error_answer(error), send)
            return
        visit.visitor = visitor
        refusal = visitor.refusal
        if refusal is not None:
            await self._finish(visit, error_answer(refusal, refusal.headers), send)
            return
        try:
            answer = await self._answer(visit, visitor, scope, headers, receive)
            if answer is not None:
                await self._finish(visit, answer, send, self._door)
        finally:
            visit.leave(self._door)

    async def _answer(
        self,
        visit: _Visit,
        visitor: Visitor,
        scope: Scope,
        headers: dict[bytes, bytes],
        receive: Receive,
    ) -> Answer | None:
        """What the request comes to; None when its sender has gone before it was complete."""
        try:
            route, addresses = match(visit.method, visit.path[3:])
            visit.route = route
            incoming = Incoming(headers, receive)
            body = b"" if route.streams else await incoming.whole(BODY_MAX)
            visit.call = Call(
                store=self._store,
                context=Context(visitor.organisation, self._clock.now(), _origin(scope, headers)),
                entity=route.entity,
                addresses=addresses,
                query=scope["query_string"],
                body=body,
                content_type=headers.get(b"content-type", b""),
                incoming=incoming,
                pdfs=self._keeper,
            )
            return await route.handler(visit.call)
        except SenderGone:
            return None
        except MethodNotAllowed as error:
            return error_answer(error, ((b"allow", error.allowed.encode()),))
        except RequestError as error:
            return error_answer(error)
        except Exception:
            _LOGGER.exception("%s %s failed", visit.method, visit.path.decode("latin-1"))
            return _FAILURE

    async def _finish(
        self, visit: _Visit, answer: Answer, send: Send, door: Door | None = None
    ) -> None:
        if self._sink is not None or self._journal is not None:
            self._tell(visit, answer)
        await _start(send, answer, visit.id)
        if door is not None:
            # Before the end of the answer: who has that may send the next request.
            visit.leave(door)
        await _end(send, answer)

    def _tell(self, visit: _Visit, answer: Answer) -> None:
        record = visit.record(self._clock.monotonic(), answer.status)
        if self._sink is not None and visit.visitor is not None:
            self._sink(record)
        if self._journal is not None:
            sent = visit.call.body if visit.call is not None else b""
            now = self._clock.now()
            self._journal(
                Exchange(visit.id, now, visit.key, visit.target, record, sent, answer.body)
            )


class _Visit:
    """What the log will say of a request, gathered on its way."""

    __slots__ = (
        "arrived", "call", "id", "key", "left", "method", "path", "query", "route", "visitor",
    )  # fmt: skip

    def __init__(
        self, id: str, scope: Scope, path: bytes, arrived: float, headers: dict[bytes, bytes]
    ) -> None:
        self.id = id
        self.method: str = scope["method"]
        self.path = path
        self.query: bytes = scope["query_string"]
        self.key = _text(headers.get(b"x-api-key"))
        self.arrived = arrived
        self.left = False
        self.visitor: Visitor | None = None
        self.route: Route | None = None
        self.call: Call | None = None

    @property
    def target(self) -> str:
        """The path with its query."""
        target = self.path + b"?" + self.query if self.query else self.path
        return target.decode("latin-1")

    def leave(self, door: Door) -> None:
        """Once, however often it is called."""
        if self.visitor is not None and not self.left:
            self.left = True
            door.leave(self.visitor)

    def record(self, answered: float, status: int) -> LogRecord:
        """What the request log tells of it."""
        route, call, visitor = self.route, self.call, self.visitor
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
            organisation=visitor.organisation.name if visitor is not None else "",
            method=self.method,
            path=self.path.decode("latin-1"),
            status=status,
            entity=entity,
            external_id=external_id,
            customer=customer,
            in_flight=visitor.in_flight if visitor is not None else 0,
            ignored=ignored,
        )


def _origin(scope: Scope, headers: dict[bytes, bytes]) -> str:
    host, forwarded = headers.get(b"host"), headers.get(b"x-forwarded-proto")
    return origin_of(scope["scheme"], host, forwarded, scope.get("server"))


async def _start(send: Send, answer: Answer, id: str) -> None:
    headers = [*answer.headers, (b"x-request-id", id.encode())]
    if answer.body:
        headers += [_CONTENT_TYPE, (b"content-length", b"%d" % len(answer.body))]
    await send({"type": "http.response.start", "status": answer.status, "headers": headers})


async def _end(send: Send, answer: Answer) -> None:
    await send({"type": "http.response.body", "body": answer.body})


def _text(header: bytes | None) -> str | None:
    return header.decode("latin-1") if header is not None else None


async def _health(request: Request) -> Response:
    return JSONResponse({"status": "ok"})


async def _openapi(request: Request) -> Response:
    return Response(openapi_document(), media_type="application/json")


async def _no_page(request: Request, error: Exception) -> Response:
    answer = error_answer(
        NotFound(f"There is nothing at {request.url.path}: the API is below /v1.")
    )
    return Response(answer.body, answer.status, media_type="application/json")
