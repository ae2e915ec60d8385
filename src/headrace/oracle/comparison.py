"""Holds shapes against a contract, or against each other."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, TypeAlias

import msgspec
from msgspec import Struct

from headrace.oracle.contract import Contract
from headrace.oracle.difference import Kind, Known
from headrace.oracle.shape import Shape
from headrace.oracle.vocabulary import CLOSED, INSTANTS

ABSENT = "no such field"
PRESENT = "this field"
_OPEN = ("DUE", "OVERDUE")
"""Which of the two depends on the organisation's time zone and clock."""
_ORGANISATIONS_OWN = frozenset({"currency"})
"""Fields whose value is a setting of the organisation, which the hub beside does not know."""


class Finding(Struct, frozen=True):
    """A difference without its operation."""

    kind: Kind
    place: str
    hub: Known
    server: Known


Findings: TypeAlias = Iterator[Finding]


def against_contract(contract: Contract, schema: Any, shape: Shape, place: str) -> Findings:
    """Find where a shape is none that the contract allows. Finds nothing in a hub's answers."""
    name, schema = contract.named(schema)
    if "anyOf" in schema:
        yield from _any_of(contract, schema["anyOf"], shape, place)
        return
    allowed = _types(schema)
    if allowed and shape.type not in allowed:
        kind: Kind = "null" if shape.type == "null" else "type"
        yield Finding(kind, place, " or ".join(allowed), shape.type)
    elif shape.type == "object" and "properties" in schema:
        yield from _object(contract, name, schema, shape, place)
    elif shape.type == "array" and "items" in schema:
        for item in shape.items:
            yield from against_contract(contract, schema["items"], item, f"{place}[]")
    elif "enum" in schema and shape.value not in schema["enum"]:
        yield Finding("enum", place, _choice(schema["enum"]), shape.value or "another value")


def _types(schema: Any) -> tuple[str, ...]:
    given = schema.get("type")
    if given is None:
        return ("string",) if "enum" in schema or "const" in schema else ()
    return tuple(given) if isinstance(given, list) else (given,)


def _any_of(contract: Contract, schemas: list[Any], shape: Shape, place: str) -> Findings:
    choices = list(_choices(contract, schemas))
    types = dict.fromkeys(kind for one in choices for kind in _types(contract.named(one)[1]))
    fitting = [one for one in choices if shape.type in _types(contract.named(one)[1])]
    if not fitting and types:
        kind: Kind = "null" if shape.type == "null" else "type"
        yield Finding(kind, place, " or ".join(types), shape.type)
    elif fitting:
        yield from against_contract(contract, fitting[0], shape, place)


def _choices(contract: Contract, schemas: list[Any]) -> Iterator[Any]:
    for one in schemas:
        full = contract.named(one)[1]
        if "anyOf" in full:
            yield from _choices(contract, full["anyOf"])
        else:
            yield one


def _object(contract: Contract, name: str, schema: Any, shape: Shape, place: str) -> Findings:
    properties = schema["properties"]
    for field in schema.get("required", ()):
        if field not in shape.fields:
            yield Finding("field", f"{place}.{field}", PRESENT, ABSENT)
    for field, inner in shape.fields.items():
        spot = f"{place}.{field}"
        if field not in properties:
            yield Finding("field", spot, ABSENT, PRESENT)
            continue
        yield from against_contract(contract, properties[field], inner, spot)
        closed = CLOSED.get(f"{name}.{field}")
        if closed is not None and inner.type == "string" and inner.value not in closed:
            yield Finding("enum", spot, _choice(closed), inner.value or "another value")
        if field in INSTANTS and inner.type == "string" and inner.form != "moment":
            yield Finding("type", spot, "UTC with milliseconds", inner.form or "another text")


def _choice(values: Any) -> str:
    found = sorted(values)
    return ", ".join(found) if len(found) <= 8 else "a known code"


def against_shape(hub: Shape, server: Shape, place: str) -> Findings:
    """Find where two answers to one request with one history differ in shape."""
    if hub.type != server.type:
        kind: Kind = "null" if "null" in (hub.type, server.type) else "type"
        yield Finding(kind, place, hub.type, server.type)
    elif hub.type == "object":
        for field in sorted(hub.fields.keys() | server.fields.keys()):
            here, there, spot = hub.fields.get(field), server.fields.get(field), f"{place}.{field}"
            if here is None or there is None:
                sides = (PRESENT if one else ABSENT for one in (here, there))
                yield Finding("field", spot, *sides)
            elif field not in _ORGANISATIONS_OWN:
                yield from against_shape(here, there, spot)
    elif hub.type == "array":
        if hub.length != server.length:
            yield Finding("length", place, hub.length, server.length)
        elif len(hub.items) == len(server.items):
            # Concurrent requests may have landed in another order: compared as a set.
            pairs = zip(*(sorted(one.items, key=_text_of) for one in (hub, server)), strict=True)
            for mine, theirs in pairs:
                yield from against_shape(mine, theirs, f"{place}[]")
    elif hub.value != server.value and not (hub.value in _OPEN and server.value in _OPEN):
        yield Finding("enum", place, hub.value or "text", server.value or "text")


def _text_of(shape: Shape) -> bytes:
    return msgspec.json.encode(shape.bare)
