"""`GET /docs`: the OpenAPI document as an HTML page, without scripts or external resources."""

from __future__ import annotations

import functools
import json
from collections.abc import Iterator
from typing import Any

import msgspec
from markupsafe import Markup, escape
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

from headrace.pages.policy import page_headers
from headrace.pages.templates import environment
from headrace.server.description.openapi import openapi_document

_PAGES = environment("headrace.server")
_LIMITS = {
    "minLength": "at least {} characters",
    "maxLength": "at most {} characters",
    "minimum": "at least {}",
    "maximum": "at most {}",
}


def api_page_route() -> Route:
    """Return the page's route; like the document it shows, it needs no key."""
    return Route("/docs", _show)


async def _show(request: Request) -> Response:
    return HTMLResponse(api_page(), headers=page_headers(private=False))


@functools.cache
def api_page() -> str:
    """Render the HTML from the document alone."""
    document = msgspec.json.decode(openapi_document())
    tags: dict[str, list[dict[str, Any]]] = {}
    for path, item in document["paths"].items():
        for method, operation in item.items():
            shown = {**operation, "method": method.upper(), "path": path}
            tags.setdefault(operation["tags"][0], []).append(shown)
    return _PAGES.get_template("api.html").render(
        document=document,
        tags=tags,
        kind=_kind,
        code=_code,
        pretty=_pretty,
        fields=_fields,
    )


def _kind(schema: dict[str, Any]) -> Markup:
    """Describe a schema in words, with links to the records it refers to."""
    if "$ref" in schema:
        name = escape(schema["$ref"].rpartition("/")[2])
        return Markup('<a href="#{0}">{0}</a>').format(name)
    if "anyOf" in schema:
        return Markup(" or ").join(_kind(arm) for arm in schema["anyOf"])
    if "const" in schema:
        return Markup("<code>{}</code>").format(_pretty(schema["const"]))
    if "enum" in schema:
        return Markup(", ").join(Markup("<code>{}</code>").format(one) for one in schema["enum"])
    if schema.get("type") == "array":
        return Markup("list of {}").format(_kind(schema["items"]))
    if schema.get("type") == "object" and "properties" in schema:
        parts = [
            Markup("<code>{}</code>: {}").format(name, _kind(part))
            for name, part in schema["properties"].items()
        ]
        return Markup("object of ") + Markup(", ").join(parts)
    words = [str(schema.get("format") or schema.get("type", "anything"))]
    words += [text.format(schema[key]) for key, text in _LIMITS.items() if key in schema]
    return escape(", ".join(words))


def _fields(schema: dict[str, Any]) -> Iterator[tuple[str, Markup, bool, Markup]]:
    """Return (name, kind, required, meaning) of an object's properties."""
    for name, part in schema.get("properties", {}).items():
        meaning = part.get("description", "")
        yield name, _kind(part), name in schema.get("required", ()), _code(meaning)


def _code(text: str) -> Markup:
    """Render plain text, with `this` as code."""
    parts = escape(text).split("`")
    return Markup("").join(
        Markup("<code>{}</code>").format(part) if number % 2 else part
        for number, part in enumerate(parts)
    )


def _pretty(value: Any) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False)
