"""The OpenAPI document of a hub with a control plane: the API's operations and the control
plane's."""

from __future__ import annotations

import functools
import http
import re
from typing import Any

import msgspec

from headrace.control.route import BASE, ControlRoute
from headrace.control.routes import CONTROL_ROUTES
from headrace.server.description.openapi import openapi_document
from headrace.server.description.schemas import REF, reference

TAG = "control plane"
_REFUSALS = (400, 401, 403, 404, 500)


@functools.cache
def control_document() -> bytes:
    """Return the document as JSON; paths of the control plane have their own server and
    security."""
    document = msgspec.json.decode(openapi_document())
    components = document["components"]
    # The API's own schemas of shared records say more: what each answer contains, what it means.
    components["schemas"] = _schemas() | components["schemas"]
    components["securitySchemes"]["control"] = {"type": "http", "scheme": "bearer"}
    document["tags"] = [
        {"name": TAG, "description": "For the operator of the hub; Upflow has no such operations."}
    ]
    for route in CONTROL_ROUTES:
        item = document["paths"].setdefault(f"{BASE}{route.path}", {"servers": [{"url": "/"}]})
        item[route.method.lower()] = _operation(route)
    return msgspec.json.encode(document)


def _operation(route: ControlRoute) -> dict[str, Any]:
    words = re.findall(r"[a-z]+|\{", route.path)
    name = "".join("One" if word == "{" else word.capitalize() for word in words)
    operation: dict[str, Any] = {
        "operationId": f"{route.method.lower()}Hub{name}",
        "summary": route.summary,
        "tags": [TAG],
        "security": [{"control": []}],
        "parameters": [*_path_parameters(route), *_query_parameters(route)],
        "responses": _responses(route),
    }
    if route.body is bytes:
        operation["requestBody"] = {
            "required": True,
            "content": {"application/x-ndjson": {"schema": {"type": "string"}}},
        }
    elif route.body is not None:
        operation["requestBody"] = {"content": _content(route.body.__name__)}
    return operation


def _path_parameters(route: ControlRoute) -> list[dict[str, Any]]:
    return [
        {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}
        for name in re.findall(r"\{(\w+)\}", route.path)
    ]


def _query_parameters(route: ControlRoute) -> list[dict[str, Any]]:
    if route.query is None:
        return []
    (described,) = msgspec.json.schema_components([route.query])[1].values()
    return [
        {"name": name, "in": "query", "schema": schema}
        for name, schema in described["properties"].items()
    ]


def _responses(route: ControlRoute) -> dict[str, Any]:
    if route.answer is None:
        found: dict[str, Any] = {"204": {"description": "Done; no body."}}
    else:
        content = _content(route.answer.__name__)
        found = {str(route.status): {"description": "Done.", "content": content}}
    for status in sorted((*_REFUSALS, *route.refusals)):
        phrase = http.HTTPStatus(status).phrase
        found[str(status)] = {"description": phrase, "content": _content("Error")}
    return found


def _content(name: str) -> dict[str, Any]:
    return {"application/json": {"schema": reference(name)}}


def _schemas() -> dict[str, Any]:
    kinds = [kind for route in CONTROL_ROUTES for kind in (route.body, route.answer)]
    records = [kind for kind in kinds if kind not in (None, bytes)]
    return msgspec.json.schema_components(records, ref_template=REF)[1]
