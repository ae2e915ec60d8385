"""The API's operations, each to be tried as a client of the organisation."""

from __future__ import annotations

import functools
import re
from typing import Any

import msgspec
from msgspec import Struct
from starlette.responses import Response

from headrace.console.operations import ApiAnswer, Operations
from headrace.console.session import Pages, Seat

_NAME = re.compile(r"\{(\w+)\}")
_UNSAFE = re.compile(r"[^A-Za-z0-9._~!$&'()*+,;=:@%?/-]")
_PATH_MAX = 2_000
_JSON = "application/json"
_DEFAULT = "GET /customers"


class Operation(Struct, frozen=True):
    """An operation of the API, as the OpenAPI document has it."""

    method: str
    path: str
    summary: str
    example: str
    """A body, as text."""
    takes_body: bool

    @property
    def title(self) -> str:
        """Method and path."""
        return f"{self.method} {self.path}"


async def api_page(
    seat: Seat,
    status: int = 200,
    errors: dict[str, str] | None = None,
    answer: ApiAnswer | None = None,
) -> Response:
    """An operation to be tried, and its answer if it was."""
    operations = operations_of(seat.desk.operations)
    wanted = seat.form.get("operation") or seat.request.query_params.get("operation", "")
    chosen = operations.get(wanted) or operations[_DEFAULT]
    path = seat.form.get("path", "") or f"/v1{chosen.path}"
    return seat.render(
        "api.html",
        status,
        operations=[(title, one.summary) for title, one in operations.items()],
        chosen=chosen,
        path=path,
        body=seat.form.get("body", chosen.example),
        answer=answer,
        said=_said(answer),
        errors=errors or {},
        trail=(("API", ""),),
    )


async def try_it(seat: Seat) -> Response:
    """Send the request, with a key pair of the console."""
    chosen = operations_of(seat.desk.operations).get(seat.form.get("operation", ""))
    path, body = seat.form.text("path"), seat.form.text("body")
    errors = {}
    if chosen is None:
        errors["operation"] = "Choose an operation."
    elif not path.startswith("/v1/") or len(path) > _PATH_MAX or _UNSAFE.search(path):
        errors["path"] = "Write a path below /v1/, percent-encoded."
    elif _NAME.search(path):
        errors["path"] = "Write an id in place of the name in braces."
    if body and chosen is not None and chosen.takes_body:
        try:
            msgspec.json.decode(body)
        except msgspec.DecodeError as error:
            errors["body"] = f"This is no JSON: {error}."
    if errors or chosen is None:
        return await api_page(seat, 400, errors)
    sent = body.encode() if chosen.takes_body else b""
    return await api_page(seat, answer=await seat.ask(chosen.method, path, sent))


API_PAGES: Pages = {"/api": ("GET", api_page), "/api/send": ("POST", try_it)}
"""Pages by their paths below an organisation's."""


def operations_of(operations: Operations) -> dict[str, Operation]:
    """Return the API's operations by their titles."""
    return _parsed(operations.description())


@functools.lru_cache(maxsize=1)
def _parsed(text: bytes) -> dict[str, Operation]:
    document = msgspec.json.decode(text)
    found = {}
    for path, item in document["paths"].items():
        place = path.removeprefix("/v1")
        for method, one in item.items():
            content = one.get("requestBody", {}).get("content", {})
            example = _example(content.get(_JSON, {}))
            made = Operation(method.upper(), place, one.get("summary", ""), example, bool(content))
            found[made.title] = made
    return found


def _example(content: dict[str, Any]) -> str:
    value = content.get("example")
    for one in (content.get("examples") or {}).values():
        value = value if value is not None else one.get("value")
    return "" if value is None else msgspec.json.format(msgspec.json.encode(value)).decode()


def _said(answer: ApiAnswer | None) -> str:
    if answer is None:
        return ""
    try:
        return msgspec.json.format(answer.body, indent=2)
    except msgspec.DecodeError:
        return answer.body
