"""The OpenAPI document: valid, whole, and true of what the hub answers."""

from __future__ import annotations

import json

from hub_api import Api
from openapi_spec_validator import validate

from headrace.server.openapi import openapi_document, path_of
from headrace.server.routes import ROUTES


def test_it_is_valid_and_has_every_route(api: Api) -> None:
    base, api.base = api.base, ""
    served = api.call("GET", "/openapi.json", headers={"X-Api-Key": "", "X-Api-Secret": ""})
    api.base = base
    document = served.body
    assert served.raw == openapi_document()
    validate(document)
    described = {
        (method.upper(), path) for path, item in document["paths"].items() for method in item
    }
    assert described == {(route.method, path_of(route)) for route in ROUTES}


def test_operations_have_ids_of_their_own() -> None:
    paths = json.loads(openapi_document())["paths"]
    ids = [operation["operationId"] for item in paths.values() for operation in item.values()]
    assert len(ids) == len(set(ids))
