"""The schemas and examples of the OpenAPI document, from the records and one file of examples."""

from __future__ import annotations

from importlib import resources
from typing import Any

import msgspec

from headrace.model.entity import ENTITIES
from headrace.model.fields import sent_fields
from headrace.model.meanings import field_meanings
from headrace.model.record import Record, wire_name
from headrace.server.routes import ROUTES

REF = "#/components/schemas/{name}"
_SOMETIMES = frozenset({"selectValues", "customFields"})
"""Fields that only some answers of a kind contain."""
_NEVER = {"InvoiceAnswer": "customer"}
"""Request fields that the answer does not repeat."""

_EXAMPLES = msgspec.json.decode(
    resources.files("headrace.server").joinpath("examples.json").read_bytes()
)
REQUESTS: dict[str, Any] = _EXAMPLES["requests"]
"""By record name: bodies that can be sent, in this order, to an empty organisation."""


def complete(example: dict[str, Any], record: type[Record]) -> dict[str, Any]:
    """Return an example answer with null for each field of the record that the request example
    leaves out."""
    optional = (row for row in sent_fields(record) if not row.rule.required)
    return {row.wire: None for row in optional if row.owner is record} | example


_IMPORTED = {entity.answer.__name__: entity.record for entity in ENTITIES}
ANSWERS: dict[str, Any] = {
    name: complete(answer, _IMPORTED[name]) if name in _IMPORTED else answer
    for name, answer in _EXAMPLES["answers"].items()
}
"""By record name: what the hub answered to those requests."""


def schemas() -> dict[str, Any]:
    """Return the schemas, by name, of every record used in a body or answer; field descriptions
    are their docstrings."""
    entities = {route.entity.name: route.entity for route in ROUTES}.values()
    records = [kind for entity in entities for kind in (entity.record, entity.answer)]
    _, found = msgspec.json.schema_components(records, ref_template=REF)
    for record in _all_of(Record):
        if (schema := found.get(record.__name__)) is not None:
            _describe(schema, record)
    for entity in entities:
        if entity.answer is not entity.record:
            schema = found[entity.answer.__name__]
            schema["properties"].pop(_NEVER.get(entity.answer.__name__), None)
            schema["required"] = [key for key in schema["properties"] if key not in _SOMETIMES]
    text = {"type": "string"}
    found["Error"] = object_schema(
        {
            "statusCode": {"type": "integer"},
            "error": text,
            "message": {"type": "string", "description": "One sentence saying what to change."},
            "details": {"type": "array", "items": object_schema({"field": text, "message": text})},
        }
    )
    return found


def object_schema(properties: dict[str, Any]) -> dict[str, Any]:
    """Return the schema of an object in which all these fields are required."""
    return {"type": "object", "properties": properties, "required": list(properties)}


def reference(name: str) -> dict[str, Any]:
    """Return a reference to a record's schema."""
    return {"$ref": REF.format(name=name)}


def _describe(schema: dict[str, Any], record: type[Record]) -> None:
    for name, meaning in field_meanings(record).items():
        part = schema["properties"].get(wire_name(name))
        if part is not None:
            part["description"] = meaning


def _all_of(record: type[Record]) -> list[type[Record]]:
    return [kind for below in record.__subclasses__() for kind in (below, *_all_of(below))]
