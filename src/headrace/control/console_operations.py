"""The hub as its console uses it: the control plane's routes, and the API as a client sees it."""

from __future__ import annotations

import asyncio
import functools
import itertools
import os
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime, timedelta
from http import HTTPStatus
from pathlib import Path
from typing import Any, TypeAlias
from urllib.parse import unquote

import msgspec
from msgspec import Struct

from headrace.console.operations import ApiAnswer, ApiCall, Change, Pace, Verified
from headrace.control.desk import Desk, Order
from headrace.control.route import ControlRoute
from headrace.control.routes import CONTROL_ROUTES
from headrace.model.clock import format_instant
from headrace.model.errors import BadRequest, NotFound
from headrace.model.record import decode, decode_query
from headrace.server.admission.limits import Limits, parse_limits
from headrace.server.description.openapi import openapi_document
from headrace.server.observing.request_journal import Exchange
from headrace.server.observing.request_log import LogRecord
from headrace.store.admin.keys import KeyPair, make_passing_key
from headrace.store.admin.sandboxes import find_sandbox

App: TypeAlias = Callable[[Any, Any, Any], Awaitable[None]]

_KEY_NAME = "console"
_KEY_LASTS = timedelta(hours=1)
_KEY_LEFT = timedelta(minutes=5)
_PATIENCE_S = 30.0
_SHOWN_MAX = 100_000
"""Characters of an answer."""
_DIFFERENCES_MAX = 500
_COUNTED = 1_000


class _Key(Struct, frozen=True):
    pair: KeyPair
    until: datetime


class HubOperations:
    """Implements what the console asks for, on the parts of one hub."""

    def __init__(
        self,
        desk: Desk,
        app: Callable[[], App],
        journal: Callable[[Exchange], None] | None,
        verified: Callable[[], Sequence[Verified]],
        differences: Path | None,
        limits: Limits | None,
    ) -> None:
        self._desk = desk
        self._app = app
        self._journal = journal
        self._verified = verified
        self._differences = differences
        self._limits = limits
        self._keys: dict[str, _Key] = {}
        self._numbers = itertools.count(1)
        self._run = os.urandom(6).hex()

    async def call(
        self, method: str, path: str, body: Any = None, query: Mapping[str, str] | None = None
    ) -> Any:
        """Carry out an operation of the control plane."""
        route, names = _route(method, path)
        wanted: Any = None
        if route.query is not None:
            wanted = decode_query(route.query, query or {})
        sent = body
        if route.body is not None and route.body is not bytes:
            sent = decode(route.body, msgspec.json.encode(body or {}))
        order = Order(desk=self._desk, names=names, body=sent, query=wanted)
        answer = await route.handler(order)
        return None if answer is None else msgspec.json.decode(msgspec.json.encode(answer))

    async def ask(self, call: ApiCall) -> ApiAnswer:
        """Send a request to the API."""
        pair = await self._pair(call.organisation)
        path, _, query = call.path.partition("?")
        scope = {
            "type": "http",
            "asgi": {"version": "3.0"},
            "http_version": "1.1",
            "method": call.method,
            "scheme": call.scheme,
            "path": unquote(path),
            "raw_path": path.encode(),
            "query_string": query.encode(),
            "root_path": "",
            "headers": [
                (b"host", call.host.encode("latin-1", "replace")),
                (b"content-type", b"application/json"),
                (b"content-length", b"%d" % len(call.body)),
                (b"x-api-key", pair.key.encode()),
                (b"x-api-secret", pair.secret.encode()),
            ],
            "client": None,
            "server": None,
        }
        return await _asked(self._app(), scope, call.body)

    async def pace(self, organisation: str) -> Pace | None:
        """Return the requests of the last minute."""
        query = {"organisation": organisation, "limit": str(_COUNTED), "within": str(_COUNTED * 4)}
        try:
            found = await self.call("GET", "/requests", query=query)
        except NotFound:
            return None
        since = format_instant(self._desk.times.clock.now() - timedelta(minutes=1))
        last = [one["status"] for one in found["requests"] if one["at"] >= since]
        sandbox = await self._desk.store.read(find_sandbox, organisation)
        own = sandbox.limits if sandbox else None
        limits = parse_limits(own) if own else self._limits
        refused = sum(status == HTTPStatus.TOO_MANY_REQUESTS for status in last)
        return Pace(len(last), refused, limits.per_minute if limits else None)

    def note(self, change: Change) -> None:
        """Add a change to the request journal."""
        if self._journal is None:
            return
        clock = self._desk.times.clock
        moment = clock.monotonic()
        record = LogRecord(
            arrived=moment,
            answered=moment,
            organisation=change.organisation,
            method="POST",
            path=change.path,
            status=int(HTTPStatus.OK),
            entity=change.entity,
            external_id=change.external_id,
            customer=change.customer,
            in_flight=0,
            time=format_instant(clock.now()),
        )
        sent = msgspec.json.encode({"by": change.person, **change.sent})
        id = f"con_{self._run}{next(self._numbers):08x}"
        self._journal(Exchange(id, clock.now(), None, change.path, record, sent, change.answered))

    def profiles(self) -> Sequence[str]:
        """Return the companies whose data sandboxes can have."""
        return self._desk.profiles.names

    def description(self) -> bytes:
        """Return the OpenAPI document of the API."""
        return openapi_document()

    def verified(self) -> Sequence[Verified]:
        """Return the rules that conformance cases verify."""
        return self._verified()

    def differences(self) -> Sequence[Mapping[str, Any]] | None:
        """Return what a proxy found, newest first."""
        if self._differences is None:
            return None
        return _differences(self._differences)

    async def _pair(self, organisation: str) -> KeyPair:
        now = self._desk.times.clock.now()
        known = self._keys.get(organisation)
        if known is None or known.until < now + _KEY_LEFT:
            run = functools.partial(make_passing_key, lasts=_KEY_LASTS, name=_KEY_NAME)
            pair = await self._desk.store.write(0, run, organisation, format_instant(now))
            known = self._keys[organisation] = _Key(pair, now + _KEY_LASTS)
        return known.pair


async def _asked(app: App, scope: dict[str, Any], body: bytes) -> ApiAnswer:
    messages: list[dict[str, Any]] = []
    parts = iter([{"type": "http.request", "body": body, "more_body": False}])
    gone = asyncio.Event()

    async def receive() -> dict[str, Any]:
        for part in parts:
            return part
        await gone.wait()
        return {"type": "http.disconnect"}

    async def send(message: dict[str, Any]) -> None:
        messages.append(message)

    try:
        await asyncio.wait_for(app(scope, receive, send), _PATIENCE_S)
    except TimeoutError:
        messages = []
    head = next((one for one in messages if one["type"] == "http.response.start"), None)
    if head is None:
        return ApiAnswer(0, [], "There was no answer.")
    text = b"".join(one.get("body", b"") for one in messages).decode("utf-8", "replace")
    headers = [(name.decode("latin-1"), value.decode("latin-1")) for name, value in head["headers"]]
    return ApiAnswer(head["status"], headers, text[:_SHOWN_MAX])


def _route(method: str, path: str) -> tuple[ControlRoute, dict[str, str]]:
    given = path.split("/")
    for route in CONTROL_ROUTES:
        wanted = route.path.split("/")
        if route.method != method or len(wanted) != len(given):
            continue
        names = {
            one[1:-1]: unquote(other)
            for one, other in zip(wanted, given, strict=True)
            if one.startswith("{")
        }
        if all(one == other or one[0:1] == "{" for one, other in zip(wanted, given, strict=True)):
            if any("\0" in name for name in names.values()):
                raise NotFound("Nothing has a name with a NUL character.")
            return route, names
    raise NotFound(f"There is no {method} {path} in the control plane.")


def _differences(path: Path) -> list[Mapping[str, Any]]:
    try:
        lines = path.read_text("utf-8").splitlines()
    except OSError as error:
        raise BadRequest(f"{path.name} can't be read: {error.strerror}.") from None
    found: list[Mapping[str, Any]] = []
    for line in reversed(lines[-_DIFFERENCES_MAX:]):
        try:
            one = msgspec.json.decode(line)
        except msgspec.DecodeError:
            continue
        if isinstance(one, dict) and "operation" in one:
            found.append(one)
    return found
