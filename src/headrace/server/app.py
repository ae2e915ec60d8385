"""The hub as an ASGI application: authentication, limits, routing, errors, request log."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, MutableMapping, Sequence
from typing import Any, TypeAlias

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute
from starlette.routing import Route as PageRoute

from headrace.model.clock import format_instant
from headrace.model.errors import (
    InvalidKey,
    MethodNotAllowed,
    NotFound,
    RequestError,
    ServiceUnavailable,
)
from headrace.pages.hub_pages import front_page, hub_routes, lost_page
from headrace.pages.templates import wants_page
from headrace.server.admission.door import Door, Visitor
from headrace.server.admission.load import Load
from headrace.server.admission.tarpit import Connection, note_refusal, note_service
from headrace.server.call import Answer, Call, error_answer
from headrace.server.description.openapi import openapi_document
from headrace.server.description.page import api_page_route
from headrace.server.faults.kinds import KINDS, kind_of
from headrace.server.faults.play import TRANSPORT, Play
from headrace.server.faults.scripts import HEADER, Faults
from headrace.server.handlers.signed_pdf import pdf_route
from headrace.server.http.incoming import Incoming, Receive, SenderGone
from headrace.server.http.origin import origin_of
from headrace.server.observing.request_journal import Exchange, RequestIds
from headrace.server.observing.request_log import Sink
from headrace.server.pdf.keeper import PdfKeeper
from headrace.server.query import Query
from headrace.server.routes import ROUTE, Route, match
from headrace.server.visit import Scope, Visit, text_of
from headrace.store.admin.frozen_clock import Times
from headrace.store.context import Context, Organisation
from headrace.store.engine.interface import Store
from headrace.store.records.organisations import find_organisation

Send: TypeAlias = Callable[[MutableMapping[str, Any]], Awaitable[None]]

_PART = 262_144
"""Bytes of an answer that are sent without waiting for the reader."""
BODY_MAX = 10_000_000
"""Maximum size of a request's body, in bytes."""

_LOGGER = logging.getLogger("headrace.server")
_FAILURE = Answer(
    500,
    b'{"statusCode":500,"error":"Internal Server Error","message":"The hub failed at this request; '
    b'nothing of it was stored, its log has the cause.","details":[]}',
)
_LATER = ((b"retry-after", b"1"),)
_NO_ANSWER = Answer(0)
"""The log's stand-in for an answer that a fault suppressed."""


class Hub:
    """The ASGI application; one instance serves one store."""

    def __init__(
        self,
        store: Store,
        times: Times,
        door: Door,
        keeper: PdfKeeper,
        sink: Sink | None = None,
        pages: Sequence[BaseRoute] = (),
        journal: Callable[[Exchange], None] | None = None,
        faults: Faults | None = None,
    ) -> None:
        """Create the application.

        `pages` are served next to the API, take precedence over the hub's own pages, and need no
        key. `journal` is called for every request. `faults` are the faults that requests may be hit
        by.
        """
        self._store = store
        self._times = times
        self._clock = times.clock
        self._door = door
        self._sink = sink
        self._journal = journal
        self._new_id = RequestIds()
        self._keeper = keeper
        self._load = Load(times.clock)
        self._faults = faults or Faults()
        self._background: Callable[[], Awaitable[None]] | None = None
        self._is_watched = sink is not None or journal is not None
        self._pages = Starlette(
            routes=[
                *pages,
                PageRoute("/healthz", _health),
                PageRoute("/openapi.json", _openapi),
                api_page_route(),
                *hub_routes(),
                pdf_route(store, keeper, times),
            ],
            exception_handlers={404: _no_page},
            lifespan=self._lifespan,
        )

    def run_beside(self, background: Callable[[], Awaitable[None]]) -> None:
        """Run this beside the requests, from the start to the end of serving, when it is
        cancelled."""
        self._background = background

    @contextlib.asynccontextmanager
    async def _lifespan(self, app: Starlette) -> AsyncIterator[None]:
        # Remove files that a killed hub left behind.
        self._keeper.sweep()
        task = asyncio.ensure_future(self._background()) if self._background else None
        yield
        if task is not None:
            task.cancel()
            await asyncio.wait([task])
        await self._keeper.close()
        await self._door.close()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        path: bytes = scope.get("raw_path") or scope.get("path", "").encode()
        if scope["type"] == "http" and (path.startswith(b"/v1/") or path == b"/v1"):
            await self._serve(scope, receive, send, path)
        else:
            await self._pages(scope, receive, send)

    async def _serve(self, scope: Scope, receive: Receive, send: Send, path: bytes) -> None:
        """Serve one API request, from authentication to its line in the log."""
        visit = Visit(self._new_id(), scope, path, self._clock.monotonic(), receive)
        connection = scope.get(TRANSPORT)
        try:
            secret = text_of(visit.headers.get(b"x-api-secret"))
            visitor = await self._door.admit(visit.key, secret, visit.arrived)
        except RequestError as error:
            note_refusal(connection)
            await self._finish(visit, error_answer(error), send)
            return
        visit.visitor = visitor
        refusal = visitor.refusal
        if refusal is not None:
            note_refusal(connection)
            await self._finish(visit, error_answer(refusal, refusal.headers), send)
            return
        try:
            if self._faults.armed:
                answer = await self._play(visit, visitor, send)
            else:
                answer = await self._answer(visit, visitor, self._store)
            if answer is not None:
                await self._finish(visit, answer, send, self._door)
        finally:
            visit.leave(self._door)

    async def _play(self, visit: Visit, visitor: Visitor, send: Send) -> Answer | None:
        """Like `_answer`, with the fault that hits the request, if there is one."""
        header, target = visit.headers.get(HEADER), (visit.method, visit.path[3:])
        drawn = self._faults.draw(visitor.organisation.name, header, target, visit.id)
        if drawn is None:
            return await self._answer(visit, visitor, self._store)
        fault, chance = drawn
        visit.fault = kind_of(fault)

        async def carry_out(store: Store) -> Answer | None:
            return await self._answer(visit, visitor, store)

        transport = visit.scope.get(TRANSPORT)
        request = _Playing(visit, carry_out, send)
        play = Play(request, self._store, transport, self._clock, chance)
        answer = await KINDS[type(fault)](fault, play)
        if answer is None and self._is_watched:
            self._record(visit, _NO_ANSWER)
        return answer

    async def _answer(self, visit: Visit, visitor: Visitor, store: Store) -> Answer | None:
        """Carry the request out; returns None when the client disconnected before its body was
        complete."""
        headers, organisation = visit.headers, visitor.organisation
        try:
            route, addresses = match(visit.method, visit.path[3:])
            visit.route = visit.scope[ROUTE] = route
            incoming = Incoming(headers, visit.receive)
            # A body has no meaning with GET, and reading it would cost a wait.
            ignores = route.streams or visit.method in ("GET", "HEAD")
            body = b"" if ignores else await incoming.whole(BODY_MAX)
            origin = _origin(visit.scope, headers)
            visit.call = Call(
                store=store,
                context=Context(organisation, self._times.now(organisation), origin),
                entity=route.entity,
                addresses=addresses,
                query=Query(visit.query),
                body=body,
                content_type=headers.get(b"content-type", b""),
                incoming=incoming,
                pdfs=self._keeper if store is self._store else self._keeper.upon(store),
            )
            return await self._carry_out(route, visit.call, visit.scope.get(TRANSPORT))
        except SenderGone:
            return None
        except MethodNotAllowed as error:
            return error_answer(error, ((b"allow", error.allowed.encode()),))
        except RequestError as error:
            return error_answer(error)
        except Exception:
            if await self._is_gone(organisation):
                return error_answer(InvalidKey("The organisation of this key has been deleted."))
            _LOGGER.exception(
                "%s %s failed",
                visit.method,
                visit.path.decode("latin-1"),
                extra={"request_id": visit.id},
            )
            return _FAILURE

    async def _is_gone(self, organisation: Organisation) -> bool:
        """Whether a request failed because its sandbox was deleted meanwhile."""
        try:
            return await self._store.read(find_organisation, organisation.name) is None
        except ServiceUnavailable:
            return False

    async def _carry_out(self, route: Route, call: Call, connection: Connection | None) -> Answer:
        """Call the handler, unless the request would wait too long for its turn."""
        organisation = call.context.organisation.seq
        if not self._load.enter(organisation):
            note_refusal(connection)
            overload = ServiceUnavailable("The hub is overloaded: send the request again later.")
            return error_answer(overload, _LATER)
        note_service(connection)
        try:
            return _with_ignored(await route.handler(call), call.query)
        finally:
            self._load.leave(organisation)

    async def _finish(
        self, visit: Visit, answer: Answer, send: Send, door: Door | None = None
    ) -> None:
        if self._is_watched:
            self._record(visit, answer)
        await _start(send, answer, visit.id)
        # A large answer counts as under way until its reader has taken nearly all of it.
        left = b"" if visit.method == "HEAD" else answer.body
        while len(left) > _PART:
            await send({"type": "http.response.body", "body": left[:_PART], "more_body": True})
            left = left[_PART:]
        if door is not None:
            # Release before the answer ends: a client that has received it may send its next
            # request at once.
            visit.leave(door)
        await send({"type": "http.response.body", "body": left})

    def _record(self, visit: Visit, answer: Answer) -> None:
        now = self._clock.now()
        time = format_instant(now) if self._sink is not None else None
        record = visit.record(self._clock.monotonic(), answer.status, time)
        if self._sink is not None and visit.visitor is not None:
            self._sink(record)
        if self._journal is not None:
            sent = visit.call.body if visit.call is not None else b""
            self._journal(
                Exchange(visit.id, now, visit.key, visit.target, record, sent, answer.body)
            )


class _Playing:
    """The hub's side of a request that is subject to a fault."""

    def __init__(
        self, visit: Visit, carry_out: Callable[[Store], Awaitable[Answer | None]], send: Send
    ) -> None:
        self._visit = visit
        self._send = send
        self.carry_out = carry_out

    async def send(self, answer: Answer, size: int) -> None:
        await _start(self._send, answer, self._visit.id)
        part = {"type": "http.response.body", "body": answer.body[:size], "more_body": True}
        await self._send(part)

    async def until_gone(self) -> None:
        while (await self._visit.receive())["type"] != "http.disconnect":
            pass


def _origin(scope: Scope, headers: dict[bytes, bytes]) -> str:
    host, forwarded = headers.get(b"host"), headers.get(b"x-forwarded-proto")
    return origin_of(scope["scheme"], host, forwarded, scope.get("server"))


async def _start(send: Send, answer: Answer, id: str) -> None:
    headers = [*answer.headers, (b"x-request-id", id.encode())]
    if answer.body:
        length = b"%d" % len(answer.body)
        headers += [(b"content-type", answer.content_type), (b"content-length", length)]
    await send({"type": "http.response.start", "status": answer.status, "headers": headers})


def _with_ignored(answer: Answer, query: Query) -> Answer:
    """Name the query parameters that had no effect in a header."""
    if ignored := query.ignored:
        header = (b"x-headrace-ignored", ", ".join(ignored).encode())
        answer.headers = (*answer.headers, header)
    return answer


async def _health(request: Request) -> Response:
    return JSONResponse({"status": "ok"})


async def _openapi(request: Request) -> Response:
    return Response(openapi_document(), media_type="application/json")


async def _no_page(request: Request, error: Exception) -> Response:
    if wants_page(request):
        if request.url.path == "/":
            return front_page()
        return lost_page(404, "There is no such page", "Check the address, or open the link again.")
    answer = error_answer(
        NotFound(f"There is nothing at {request.url.path}: the API is below /v1.")
    )
    return Response(answer.body, answer.status, media_type="application/json")
