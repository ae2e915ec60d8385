"""Holds every answer that a test sees against the OpenAPI document."""

from __future__ import annotations

import functools
import json
from typing import Any

from jsonschema import Draft202012Validator

from headrace.model.errors import RequestError
from headrace.server.openapi import openapi_document, path_of
from headrace.server.routes import match


@functools.cache
def _document() -> dict[str, Any]:
    document: dict[str, Any] = json.loads(openapi_document())
    return document


@functools.cache
def _validator(path: str, method: str, status: str) -> Draft202012Validator | None:
    """None for an answer without a body. KeyError when the document has no such answer."""
    answer = _document()["paths"][path][method.lower()]["responses"][status]
    if "content" not in answer:
        return None
    schema = answer["content"]["application/json"]["schema"]
    return Draft202012Validator({**schema, "components": _document()["components"]})


def assert_described(method: str, path: str, status: int, body: bytes) -> None:
    """`path` is below /v1, with or without a query. Paths that are not served are left out."""
    try:
        route, _ = match(method, path.partition("?")[0].encode())
    except RequestError:
        return
    validator = _validator(path_of(route), method, str(status))
    if validator is None:
        assert not body
    else:
        validator.validate(json.loads(body))
