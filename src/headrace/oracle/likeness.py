"""Makes a hub answer as a recorded server does, in statuses and optional fields."""

from __future__ import annotations

import http
import re
from collections import defaultdict
from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from typing import Any, TypeAlias

import msgspec

from headrace.oracle.comparison import ABSENT, PRESENT
from headrace.oracle.contract import CONTROL, Contract
from headrace.oracle.difference import Difference
from headrace.oracle.vocabulary import FIELDS

Message: TypeAlias = MutableMapping[str, Any]
Send: TypeAlias = Callable[[Message], Awaitable[None]]
App: TypeAlias = Callable[[Message, Any, Send], Awaitable[None]]

_BASE = b"/v1"
_DESCRIPTION = b"/openapi.json"
_REFUSED = 400


class Rules:
    """What an operation does otherwise."""

    def __init__(self) -> None:
        self.statuses: dict[int, int] = {}
        """The server's status by the hub's."""
        self.fields: dict[tuple[str, ...], str] = {}
        """`absent` or `null`, by the place of the field; `[]` stands for each entry of a list."""

    def answer(self, hub: int, body: bytes) -> tuple[int, bytes]:
        """Return status and body of an answer as the server would give it."""
        status = self.statuses.get(hub, hub)
        try:
            value = msgspec.json.decode(body)
        except msgspec.DecodeError:
            return status, body
        for place, what in self.fields.items() if status < _REFUSED else ():
            _apply(value, place, what)
        if isinstance(value, dict) and "statusCode" in value:
            value["statusCode"] = status
            value["error"] = _phrase(status)
        return status, msgspec.json.encode(value)


def rules_of(differences: Iterable[Difference]) -> tuple[dict[str, Rules], list[Difference]]:
    """Return rules by operation, and the differences that a hub can't be told to follow."""
    rules: dict[str, Rules] = defaultdict(Rules)
    left = []
    for one in differences:
        operation = one.operation.replace("HEAD ", "GET ")
        place = tuple(one.place.replace("[]", ".[]").split("."))[1:]
        hub = _alike(one.hub, one.server) if one.kind == "status" else None
        if one.kind == "status" and hub is not None:
            rules[operation].statuses[hub] = int(one.server or 0)
        elif one.kind == "field" and (one.hub, one.server) == (PRESENT, ABSENT):
            rules[operation].fields[place] = "absent"
        elif place and place[-1] in FIELDS and (
            (one.kind == "field" and (one.hub, one.server) == (ABSENT, PRESENT))
            or (one.kind == "null" and one.server == "null")
        ):  # fmt: skip
            rules[operation].fields[place] = "null"
        else:
            left.append(one)
    return dict(rules), left


def _alike(hub: object, server: object) -> int | None:
    """The hub's status that the server's stands for: of the same class, and the only one."""
    statuses = [int(word) for word in str(hub).split(" or ") if word.isdecimal()]
    if not isinstance(server, int):
        return None
    same = [one for one in statuses if one // 100 == server // 100]
    return same[0] if len(same) == 1 else None


class Likeness:
    """An ASGI application around a hub's. Operations without rules pass untouched."""

    def __init__(self, app: App, document: bytes, rules: dict[str, Rules]) -> None:
        """`document` is the hub's description, which changes with its answers."""
        self._app = app
        self._contract = Contract(document)
        self._rules = rules

    async def __call__(self, scope: Message, receive: Any, send: Send) -> None:
        path: bytes = b""
        if scope["type"] == "http":
            path = scope.get("raw_path") or scope["path"].encode()
        if path == _DESCRIPTION:
            await self._app(scope, receive, _altered(send, self._describe))
            return
        rules = self._found(scope["method"], path) if path else None
        if rules is None:
            await self._app(scope, receive, send)
            return
        await self._app(scope, receive, _altered(send, rules.answer))

    def _describe(self, status: int, body: bytes) -> tuple[int, bytes]:
        return status, described(body, self._rules) if status == 200 and body else body

    def _found(self, method: str, path: bytes) -> Rules | None:
        if not path.startswith(_BASE + b"/"):
            return None
        below = path[len(_BASE) :].decode("latin-1")
        verb = "GET" if method == "HEAD" else method
        return self._rules.get(f"{verb} {self._contract.template(below)}")


def _altered(send: Send, change: Callable[[int, bytes], tuple[int, bytes]]) -> Send:
    """Send a whole answer after a change of its status and body."""
    start: Message = {}
    parts: list[bytes] = []

    async def altered(message: Message) -> None:
        if message["type"] == "http.response.start":
            start.update(message)
            return
        parts.append(message.get("body", b""))
        if message.get("more_body", False):
            return
        status, body = change(start["status"], b"".join(parts))
        headers = [one for one in start["headers"] if one[0] != b"content-length"]
        if body:
            headers.append((b"content-length", b"%d" % len(body)))
        await send({**start, "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    return altered


def _apply(value: Any, place: tuple[str, ...], what: str) -> None:
    first, *rest = place
    if first == "[]":
        for entry in value if isinstance(value, list) else ():
            _apply(entry, tuple(rest), what)
    elif isinstance(value, dict):
        if rest:
            if first in value:
                _apply(value[first], tuple(rest), what)
        elif what == "null":
            value[first] = None
        else:
            value.pop(first, None)


def _phrase(status: int) -> str:
    try:
        return http.HTTPStatus(status).phrase
    except ValueError:
        return "Error"


def described(document: bytes, rules: dict[str, Rules]) -> bytes:
    """Return the hub's description with what the rules change in it."""
    read = msgspec.json.decode(document)
    contract = Contract(document)
    for path, methods in read["paths"].items():
        if path.startswith(CONTROL):
            continue
        template = contract.template(re.sub(r"\{\w+\}", "{}", path))
        for method, operation in methods.items():
            own = rules.get(f"{method.upper()} {template}")
            if own is None:
                continue
            responses = operation["responses"]
            for status, answer in responses.items():
                content = answer.get("content", {}).get("application/json")
                if content is not None and int(status) < _REFUSED:
                    for place, what in own.fields.items():
                        content["schema"] = _changed(contract, content["schema"], place, what)
            moved = {hub: server for hub, server in own.statuses.items() if str(hub) in responses}
            answers = {server: responses.pop(str(hub)) for hub, server in moved.items()}
            responses.update({str(server): answer for server, answer in answers.items()})
    return msgspec.json.encode(read)


def _changed(contract: Contract, schema: Any, place: tuple[str, ...], what: str) -> Any:
    """Return a schema in which a field may be null or is no more; references on the way to it are
    resolved, because other operations share what they name."""
    _, full = contract.named(schema)
    first, *rest = place
    if "anyOf" in full:
        return {**full, "anyOf": [_changed(contract, one, place, what) for one in full["anyOf"]]}
    if first == "[]":
        return {**full, "items": _changed(contract, full.get("items", {}), tuple(rest), what)}
    if "properties" not in full:
        return schema
    properties = dict(full["properties"])
    needed = [name for name in full.get("required", ()) if name != first]
    if rest:
        properties[first] = _changed(contract, properties.get(first, {}), tuple(rest), what)
        needed = full.get("required", [])
    elif what == "null":
        properties[first] = {"anyOf": [properties.get(first, {"type": "null"}), {"type": "null"}]}
    else:
        properties.pop(first, None)
    return {**full, "properties": properties, "required": needed}
