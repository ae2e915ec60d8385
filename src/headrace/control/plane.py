"""The control plane over HTTP: its routes, access control and answers."""

from __future__ import annotations

import http
import logging
from collections.abc import Sequence
from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.types import Receive, Scope, Send

from headrace.control.access import Access
from headrace.control.description import control_document
from headrace.control.desk import Desk, Order
from headrace.control.route import BASE, ControlRoute
from headrace.control.routes import CONTROL_ROUTES
from headrace.model.errors import MethodNotAllowed, NotFound, RequestError, TooLarge
from headrace.model.record import decode, decode_query
from headrace.server.call import error_answer
from headrace.server.http.origin import origin_of

_LOGGER = logging.getLogger("headrace.server")
BODY_MAX = 100_000_000
"""In bytes; a seed may be large."""
_JSON = "application/json"
_FAILURE = RequestError("The hub failed at this request; its log has the cause.")
_FAILURE.status, _FAILURE.reason = 500, "Internal Server Error"


def control_pages(desk: Desk, access: Access) -> Sequence[BaseRoute]:
    """Return the pages of the control plane, and the description of the API that includes them."""

    async def describe(request: Request) -> Response:
        return Response(control_document(), media_type=_JSON)

    async def refuse(scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        try:
            _check(access, request)
            refusal = _refusal(_missing(request))
        except RequestError as error:
            refusal = _refusal(error)
        await refusal(scope, receive, send)

    served = [_serve(route, desk, access) for route in CONTROL_ROUTES]
    rest = Mount("", app=refuse)  # whatever the method
    return [Mount(BASE, routes=[*served, rest]), Route("/openapi.json", describe)]


def _serve(route: ControlRoute, desk: Desk, access: Access) -> Route:
    async def answer(request: Request) -> Response:
        try:
            _check(access, request)
            content = await route.handler(await _order(route, desk, request))
        except RequestError as error:
            return _refusal(error)
        except Exception:
            _LOGGER.exception("%s %s failed", request.method, request.url.path)
            return _refusal(_FAILURE)
        if route.answer is None:
            return Response(status_code=http.HTTPStatus.NO_CONTENT)
        return Response(msgspec.json.encode(content), route.status, media_type=_JSON)

    return Route(route.path, answer, methods=[route.method])


def _check(access: Access, request: Request) -> None:
    access.check(request.client.host if request.client else None, request.headers)


async def _order(route: ControlRoute, desk: Desk, request: Request) -> Order:
    names = {name: str(value) for name, value in request.path_params.items()}
    if any("\0" in name for name in names.values()):
        raise NotFound("Nothing has a name with a NUL character.")
    body: Any = None
    query: Any = None
    if route.query is not None:
        query = decode_query(route.query, request.query_params)
    if route.body is not None:
        body = await _body(request)
        if route.body is not bytes:
            body = decode(route.body, body.strip() or b"{}")
    return Order(desk=desk, names=names, body=body, query=query, origin=_origin(request))


def _origin(request: Request) -> str:
    headers = request.headers
    host, forwarded = headers.get("host"), headers.get("x-forwarded-proto")
    return origin_of(
        request.scope["scheme"],
        None if host is None else host.encode("latin-1"),
        None if forwarded is None else forwarded.encode("latin-1"),
        request.scope.get("server"),
    )


async def _body(request: Request) -> bytes:
    parts, size = [], 0
    async for part in request.stream():
        parts.append(part)
        size += len(part)
        if size > BODY_MAX:
            raise TooLarge(f"The body is larger than {BODY_MAX:,} bytes: send less in one request.")
    return b"".join(parts)


def _missing(request: Request) -> RequestError:
    """Return the error for a request that matches no row of the table."""
    path = request.url.path.removeprefix(BASE)
    wanted = path.split("/")
    allowed = sorted(
        route.method
        for route in CONTROL_ROUTES
        if len(segments := route.path.split("/")) == len(wanted)
        and all(a == b or a.startswith("{") for a, b in zip(segments, wanted, strict=True))
    )
    if allowed:
        takes = ", ".join(allowed)
        return MethodNotAllowed(
            f"{request.method} is not served here: this path takes {takes}.", takes
        )
    return NotFound(f"There is no {request.method} {request.url.path} in the control plane.")


def _refusal(error: RequestError) -> Response:
    answer = error_answer(error)
    headers = {"Allow": error.allowed} if isinstance(error, MethodNotAllowed) else None
    return Response(answer.body, answer.status, headers, media_type=_JSON)
