"""The OpenAPI 3.1 document of the API, derived from the route table and the records."""

from __future__ import annotations

import functools
import http
import re
from typing import Any

import msgspec

import headrace
from headrace.model.resource import RECONCILIATION
from headrace.server.routes import ROUTES, Route

_REF = "#/components/schemas/{name}"
_JSON = "application/json"
_REFUSALS = (400, 401, 404, 429, 500, 503)
"""What any request may come to."""
_BODY_REFUSALS = (413, 415)

_PAGING = (
    ("offset", "How many to skip, newest first."),
    ("limit", "How many at most; 50 unless told, the answer echoes what was used."),
)
_VERBS = {"POST": "Import or create", "GET": "Read", "PUT": "Change", "DELETE": "Delete"}


@functools.cache
def openapi_document() -> bytes:
    """JSON: every route with its parameters, bodies and answers."""
    schemas = _schemas()
    paths: dict[str, dict[str, Any]] = {}
    for route in ROUTES:
        paths.setdefault(path_of(route), {})[route.method.lower()] = _operation(route)
    document = {
        "openapi": "3.1.0",
        "info": {
            "title": "headrace hub: Upflow's API v1",
            "version": headrace.__version__,
            "description": "Receivables: customers, invoices, credit notes, payments, refunds. "
            "Amounts are whole numbers in the currency's lowest division. `{id}` is the hub's own "
            "id, or `external:` and the source's, percent-encoded.",
        },
        "servers": [{"url": "/v1"}],
        "security": [{"key": [], "secret": []}],
        "paths": paths,
        "components": {
            "schemas": schemas,
            "securitySchemes": {
                "key": {"type": "apiKey", "in": "header", "name": "X-Api-Key"},
                "secret": {"type": "apiKey", "in": "header", "name": "X-Api-Secret"},
            },
        },
    }
    return msgspec.json.encode(document)


def path_of(route: Route) -> str:
    """`/customers/{id}/contacts/{id2}` for a row's `/customers/{}/contacts/{}`."""
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
    return route.method == "GET" and not route.path.endswith("{}")


def _path_parameters(route: Route) -> list[dict[str, Any]]:
    return [
        {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}
        for name in re.findall(r"\{(\w+)\}", path_of(route))
    ]


def _query_parameters(route: Route) -> list[dict[str, Any]]:
    if not _is_list(route):
        return []
    found = [
        {
            "name": name,
            "in": "query",
            "description": text,
            "schema": {"type": "integer", "minimum": least},
        }
        for (name, text), least in zip(_PAGING, (0, 1), strict=True)
    ]
    if route.path in ("/invoices", "/credit_notes", "/payments", "/refunds", "/actions"):
        found.append(
            {
                "name": "customerId",
                "in": "query",
                "description": "Only of this customer: an id, or `external:` and the source's.",
                "schema": {"type": "string"},
            }
        )
    return found


def _request_body(route: Route) -> dict[str, Any] | None:
    if route.method not in ("POST", "PUT"):
        return None
    if route.streams:
        file = {"type": "string", "format": "binary"}
        data = {"type": "string", "contentEncoding": "base64"}
        return {
            "required": True,
            "content": {
                "multipart/form-data": {"schema": _object({"file": file})},
                _JSON: {"schema": _object({"data": data})},
            },
        }
    return {
        "required": not route.entity.optional,
        "content": {_JSON: {"schema": {"$ref": _REF.format(name=route.entity.record.__name__)}}},
    }


def _responses(route: Route) -> dict[str, Any]:
    found = {str(status): _success(route, status) for status in _statuses(route)}
    refusals = (*_REFUSALS, *_BODY_REFUSALS) if route.method in ("POST", "PUT") else _REFUSALS
    for status in refusals:
        found[str(status)] = {
            "description": http.HTTPStatus(status).phrase,
            "content": {_JSON: {"schema": {"$ref": _REF.format(name="Error")}}},
        }
    return dict(sorted(found.items()))


def _statuses(route: Route) -> tuple[int, ...]:
    if route.method == "DELETE" or route.streams:
        return (204,)
    return (200, 201) if route.method == "POST" else (200,)


def _success(route: Route, status: int) -> dict[str, Any]:
    if status == 204:
        return {"description": "Done; no body."}
    answer: dict[str, Any] = {"$ref": _REF.format(name=route.entity.answer.__name__)}
    if _is_list(route) or route.entity.envelope == "accountManagers":
        number = {"type": "integer", "minimum": 0}
        answer = _object(
            {
                "offset": number,
                "limit": number,
                "total": number,
                route.entity.envelope: {"type": "array", "items": answer},
            }
        )
    if route.entity is RECONCILIATION:
        answer = {"const": "CREATED"}
    return {
        "description": "Created." if status == 201 else "As it is now.",
        "content": {_JSON: {"schema": answer}},
    }


def _schemas() -> dict[str, Any]:
    entities = {route.entity.name: route.entity for route in ROUTES}.values()
    records = [kind for entity in entities for kind in (entity.record, entity.answer)]
    _, schemas = msgspec.json.schema_components(records, ref_template=_REF)
    text = {"type": "string"}
    detail = _object({"field": text, "message": text})
    schemas["Error"] = _object(
        {
            "statusCode": {"type": "integer"},
            "error": text,
            "message": {"type": "string", "description": "One sentence saying what to change."},
            "details": {"type": "array", "items": detail},
        }
    )
    return schemas


def _object(properties: dict[str, Any]) -> dict[str, Any]:
    return {"type": "object", "properties": properties, "required": list(properties)}


def _camel(path: str) -> str:
    words = re.findall(r"[a-z]+|\{\}", path)
    return "".join("One" if word == "{}" else word.capitalize() for word in words)
