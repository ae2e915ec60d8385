"""The OpenAPI 3.1 document of the API, derived from the route table and the records."""

from __future__ import annotations

import functools
import http
import re
from typing import Any

import msgspec

import headrace
from headrace.model.record import wire_name
from headrace.model.resource import ACCOUNT_MANAGER, RECONCILIATION
from headrace.server.description.schemas import (
    ANSWERS,
    REQUESTS,
    object_schema,
    reference,
    schemas,
)
from headrace.server.paging import parameters
from headrace.server.routes import ROUTES, Route

_JSON = "application/json"
_REFUSALS = (400, 401, 404, 429, 500, 503)
"""Statuses that any request may be answered with."""
_BODY_REFUSALS = (413, 415)

_HEADERS: dict[str, Any] = {
    "X-Request-Id": {
        "description": "Names the request in the hub's journal.",
        "schema": {"type": "string"},
    }
}
_LIMIT_HEADERS: dict[str, Any] = {
    name: {"description": text, "schema": {"type": "integer"}}
    for name, text in (
        ("Retry-After", "Seconds after which the same request may be sent again."),
        ("X-RateLimit-Limit", "Requests that the organisation has in any 60 seconds."),
        ("X-RateLimit-Remaining", "How many of them are left."),
        ("X-RateLimit-Reset", "Seconds until there are more."),
    )
}
_ID = "The hub's own id, or `external:` and the source's id, percent-encoded as needed."
_VERBS = {"POST": "Import or create", "GET": "Read", "PUT": "Change", "DELETE": "Delete"}


@functools.cache
def openapi_document() -> bytes:
    """Return the document as JSON: every route with its parameters, bodies and answers."""
    paths: dict[str, dict[str, Any]] = {}
    for route in ROUTES:
        paths.setdefault(path_of(route), {})[route.method.lower()] = _operation(route)
    document = {
        "openapi": "3.1.0",
        "info": {
            "title": "headrace hub: Upflow's API v1",
            "version": headrace.__version__,
            "description": "Receivables: customers, invoices, credit notes, payments, refunds. "
            "Amounts are whole numbers in the currency's lowest division; a request may write them "
            'as text, such as "1000". Dates are ISO 8601, with or without a time; answers are UTC '
            "with milliseconds. `{id}` is the hub's own id, or `external:` and the source's, "
            "percent-encoded. Fields that a request leaves out stay as they are, null clears.",
        },
        "servers": [{"url": "/v1"}],
        "security": [{"key": [], "secret": []}],
        "paths": paths,
        "components": {
            "schemas": schemas(),
            "securitySchemes": {
                "key": _key("X-Api-Key", "Says which organisation."),
                "secret": _key("X-Api-Secret", "Was shown once, when the key was made."),
            },
        },
    }
    return msgspec.json.encode(document)


def _key(header: str, text: str) -> dict[str, str]:
    return {"type": "apiKey", "in": "header", "name": header, "description": text}


def path_of(route: Route) -> str:
    """Return the path as OpenAPI writes it: `/customers/{id}/contacts/{id2}` for
    `/customers/{}/contacts/{}`."""
    names = iter(("{id}", "{id2}", "{id3}"))
    return re.sub(r"\{\}", lambda _: next(names), route.path)


def _operation(route: Route) -> dict[str, Any]:
    operation: dict[str, Any] = {
        "operationId": f"{route.method.lower()}{_camel(route.path)}",
        "summary": f"{_VERBS[route.method]} {_subject(route)}",
        "tags": [route.path.split("/")[1]],
        "parameters": [*_path_parameters(route), *_query_parameters(route)],
        "responses": _responses(route),
    }
    if (body := _request_body(route)) is not None:
        operation["requestBody"] = body
    return operation


def _subject(route: Route) -> str:
    name = route.entity.name.replace("_", " ")
    if route.streams:
        return f"the PDF of one {name}"
    return f"{name}s, page by page" if _is_list(route) else f"one {name}"


def _is_list(route: Route) -> bool:
    """Whether the answer is a page. Setting an account manager also answers a list."""
    reads = route.method == "GET" and not route.path.endswith("{}")
    return reads or route.entity is ACCOUNT_MANAGER


def _path_parameters(route: Route) -> list[dict[str, Any]]:
    return [
        {
            "name": name,
            "in": "path",
            "required": True,
            "description": _ID,
            "schema": {"type": "string", "minLength": 1},
        }
        for name in re.findall(r"\{(\w+)\}", path_of(route))
    ]


def _query_parameters(route: Route) -> list[dict[str, Any]]:
    if route.method != "GET" or not _is_list(route):
        return []
    return [
        {"name": one.name, "in": "query", "description": one.meaning, "schema": one.schema}
        for one in parameters(route.entity, route.path)
    ]


def _request_body(route: Route) -> dict[str, Any] | None:
    if route.method not in ("POST", "PUT"):
        return None
    if route.streams:
        file = {"type": "string", "format": "binary"}
        data = {"type": "string", "contentEncoding": "base64"}
        return {
            "required": True,
            "content": {
                "multipart/form-data": {"schema": object_schema({"file": file})},
                _JSON: {"schema": object_schema({"data": data})},
            },
        }
    record = route.entity.record.__name__
    body = {
        "required": not route.entity.optional,
        "content": {_JSON: {"schema": reference(record), "example": REQUESTS[record]}},
    }
    if route.method == "POST" and route.entity.required:
        needed = ", ".join(f"`{wire_name(name)}`" for name in route.entity.required)
        body["description"] = f"A new one needs {needed}."
    return body


def _responses(route: Route) -> dict[str, Any]:
    found = {str(status): _success(route, status) for status in _statuses(route)}
    refusals = (*_REFUSALS, *_BODY_REFUSALS) if route.method in ("POST", "PUT") else _REFUSALS
    for status in refusals:
        found[str(status)] = {
            "description": http.HTTPStatus(status).phrase,
            "headers": _HEADERS | (_LIMIT_HEADERS if status == 429 else {}),
            "content": {_JSON: {"schema": reference("Error"), "example": _refusal(status)}},
        }
    return dict(sorted(found.items()))


def _refusal(status: int) -> dict[str, Any]:
    if status == 400:
        return dict(ANSWERS["Error"])
    phrase = http.HTTPStatus(status).phrase
    return {"statusCode": status, "error": phrase, "message": "What to change.", "details": []}


def _statuses(route: Route) -> tuple[int, ...]:
    if route.method == "DELETE" or route.streams:
        return (204,)
    return (200, 201) if route.method == "POST" else (200,)


def _success(route: Route, status: int) -> dict[str, Any]:
    if status == 204:
        return {"description": "Done; no body.", "headers": _HEADERS}
    name = route.entity.answer.__name__
    answer, example = reference(name), ANSWERS.get(name)
    if _is_list(route):
        number = {"type": "integer", "minimum": 0}
        key = route.entity.envelope
        listed = {"type": "array", "items": answer}
        answer = object_schema({"offset": number, "limit": number, "total": number, key: listed})
        example = {"offset": 0, "limit": 50, "total": 1, key: [example]}
    if route.entity is RECONCILIATION:
        answer, example = {"const": "CREATED"}, "CREATED"
    return {
        "description": "Created." if status == 201 else "As it is now.",
        "headers": _HEADERS,
        "content": {_JSON: {"schema": answer, "example": example}},
    }


def _camel(path: str) -> str:
    words = re.findall(r"[a-z]+|\{\}", path)
    return "".join("One" if word == "{}" else word.capitalize() for word in words)
