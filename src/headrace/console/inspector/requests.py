"""The requests of an organisation as they come, and one of them with what it changed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec
from msgspec import Struct
from starlette.responses import Response

from headrace.console.inspector.effects import Effect, effects_of
from headrace.console.records.kinds import SLUGS
from headrace.console.session import Pages, Seat
from headrace.model.entity import BY_NAME
from headrace.model.errors import NotFound, RequestError
from headrace.store.admin.keys import keys_of
from headrace.store.connection import Connection
from headrace.store.context import Context

_SHOWN = 100
_LOOKED_AT = 20_000
_STATUSES = (
    ("", "All"), ("2xx", "2xx"), ("4xx", "4xx"), ("429", "429"), ("5xx", "5xx"),
)  # fmt: skip
_TEXT_MAX = 200
_REFUSED = 400


class Line(Struct, frozen=True):
    """A request as a row."""

    id: str
    time: str
    request: str
    status: int
    kind: str
    ms: str
    subject: str
    by: str
    fault: str
    place: str


async def requests_page(seat: Seat) -> Response:
    """The newest requests that match."""
    given = seat.request.query_params
    wanted = {
        name: given.get(name, "").replace("\0", "").strip()[:_TEXT_MAX]
        for name in ("status", "entity", "key", "match")
    }
    lines, trouble = await _found(seat, wanted)
    keys = await seat.read(_keys)
    entities = [("", "All"), *((name, name.replace("_", " ")) for name in BY_NAME)]
    return seat.render(
        "requests.html",
        wanted=wanted,
        lines=lines,
        trouble=trouble,
        keys=[("", "All"), *((key, name or key) for key, name in keys)],
        entities=entities,
        statuses=_STATUSES,
        trail=(("Requests", ""),),
    )


async def request_page(seat: Seat) -> Response:
    """One request: what was sent, what was answered, and what it did to the balance."""
    id = seat.request.path_params["id"].replace("\0", "")
    query = {"organisation": seat.name, "id": id}
    found = await seat.desk.operations.call("GET", "/requests", query=query)
    if not found["requests"]:
        raise NotFound(f"The journal has no request {id}: it keeps the newest.")
    one = found["requests"][0]
    effect = await effects_of(seat, one)
    slug = SLUGS.get(one["entity"] or "", "customers" if one["entity"] == "customer" else "")
    return seat.render(
        "request.html",
        one=one,
        line=_line(seat, one),
        sent=_pretty(one["sent"]),
        answered=_pretty(one["answered"]),
        effect=effect,
        record=_record(seat, slug, one, effect),
        curl=_curl(seat, one),
        trail=(("Requests", seat.at("requests")), (id, "")),
    )


REQUEST_PAGES: Pages = {
    "/requests": ("GET", requests_page),
    "/requests/{id}": ("GET", request_page),
}
"""Pages by their paths below an organisation's."""


async def _found(seat: Seat, wanted: Mapping[str, str]) -> tuple[list[Line], str]:
    query = {name: value for name, value in wanted.items() if value}
    query |= {"organisation": seat.name, "limit": str(_SHOWN), "within": str(_LOOKED_AT)}
    try:
        answer = await seat.desk.operations.call("GET", "/requests", query=query)
    except RequestError as error:
        return [], str(error)
    return [_line(seat, one) for one in reversed(answer["requests"])], ""


def _line(seat: Seat, one: Mapping[str, Any]) -> Line:
    status = one["status"]
    kind = "bad" if status >= _REFUSED or not status else "good"
    parts = (one["entity"] or "", one["external_id"] or "")
    return Line(
        id=one["id"],
        time=one["at"][11:23],
        request=f"{one['method']} {one['path']}",
        status=status,
        kind="warn" if status == 429 else kind,
        ms=f"{one['ms']:.1f}",
        subject=" ".join(part.replace("_", " ") for part in parts[:1]) + f" {parts[1]}".rstrip(),
        by=one["key"] or ("console" if one["id"].startswith("con_") else ""),
        fault=one["fault"] or "",
        place=seat.at("requests", one["id"]),
    )


def _keys(db: Connection, context: Context) -> list[tuple[str, str]]:
    return [(one.key, one.name) for one in keys_of(db, context.organisation)]


def _pretty(text: str) -> str:
    try:
        return msgspec.json.format(text, indent=2)
    except msgspec.DecodeError:
        return text


def _record(seat: Seat, slug: str, one: Mapping[str, Any], effect: Effect | None) -> str:
    """Return the address of the record's page; empty when it is not known or gone."""
    if not slug or one["method"] == "DELETE":
        return ""
    if effect is not None and effect.id:
        return seat.at(slug, effect.id)
    if one["external_id"]:
        return seat.at(slug, f"external:{one['external_id']}")
    return ""


def _curl(seat: Seat, one: Mapping[str, Any]) -> str:
    text = f'curl -X {one["method"]} "{seat.context.origin}{one["path"]}"'
    text += ' -H "X-Api-Key: $KEY" -H "X-Api-Secret: $SECRET"'
    if one["sent"]:
        quoted = one["sent"].replace("'", "'\\''")
        text += f" -H \"Content-Type: application/json\" -d '{quoted}'"
    return text
