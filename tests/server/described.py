"""Compares every answer of a hub in the tests with the OpenAPI document."""

from __future__ import annotations

import functools
import json
from typing import Any

from jsonschema import Draft202012Validator

from headrace.model.errors import RequestError
from headrace.server.description.openapi import openapi_document, path_of
from headrace.server.routes import match


@functools.cache
def _document() -> dict[str, Any]:
    """Return the document with closed objects, so that an undescribed field is an error."""
    document: dict[str, Any] = _closed(json.loads(openapi_document()))
    return document


def _closed(node: Any) -> Any:
    if isinstance(node, list):
        return [_closed(entry) for entry in node]
    if not isinstance(node, dict):
        return node
    closed = {key: _closed(value) for key, value in node.items()}
    if node.get("type") == "object" and "properties" in node:
        closed.setdefault("additionalProperties", False)
    return closed


@functools.cache
def _validator(path: str, method: str, status: str) -> Draft202012Validator | None:
    """Return the validator of an answer; None without a body. Raises KeyError if undescribed."""
    answer = _document()["paths"][path][method.lower()]["responses"][status]
    if "content" not in answer:
        return None
    schema = answer["content"]["application/json"]["schema"]
    return Draft202012Validator({**schema, "components": _document()["components"]})


@functools.cache
def _refusal() -> Draft202012Validator:
    """Return the validator of answers on unknown paths, which no operation describes."""
    schema = {"$ref": "#/components/schemas/Error", "components": _document()["components"]}
    return Draft202012Validator(schema)


@functools.lru_cache(maxsize=512)
def assert_described(method: str, path: str, status: int, body: bytes) -> None:
    """Check an answer; `path` is below /v1, with or without a query.

    Raises KeyError or ValidationError if the document does not describe it.
    """
    if method == "HEAD":  # described with GET, and its body is not sent
        method = "GET"
        if not body:
            return
    try:
        route, _ = match(method, path.partition("?")[0].encode("latin-1"))
    except RequestError:
        assert 400 <= status < 500, (method, path, status)
        _refusal().validate(json.loads(body))
        return
    validator = _validator(path_of(route), method, str(status))
    if validator is None:
        assert not body
    else:
        validator.validate(json.loads(body))
