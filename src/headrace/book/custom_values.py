"""Values of custom fields: from a model's JSON to what the API takes, by the field's data type."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import msgspec

from headrace.book.directory import Field
from headrace.model.custom_field import CustomFieldValue, DataType
from headrace.model.record import UNSET

_NUMBER = re.compile(r"-?\d+(\.\d+)?")
_TRUE, _FALSE = ("true", "t", "yes", "1"), ("false", "f", "no", "0")


def custom_values(text: str, fields: Mapping[str, Field]) -> list[CustomFieldValue]:
    """The values of one customer, in the order of their names; unknown fields are left out.

    `text` is a JSON object of names to values: a label or a list of labels for the selectable
    types, a scalar for the others, null to empty a field (guide, Create custom fields).
    """
    given = msgspec.json.decode(text)
    if isinstance(given, str):  # a column of JSON text
        given = msgspec.json.decode(given)
    return [
        CustomFieldValue(
            id=field.id if field.id and not field.external_id else UNSET,
            external_id=field.external_id or UNSET,
            value=msgspec.Raw(msgspec.json.encode(_value(value, field.data_type))),
        )
        for name, value in sorted(given.items())
        if (field := fields.get(name)) is not None
    ]


def _value(value: Any, data_type: DataType) -> Any:
    if value is None or value == "":
        return None
    if data_type == "SELECT":
        return {"label": str(value)}
    if data_type == "MULTI_SELECT":
        labels = value if isinstance(value, list) else [value]
        return [{"label": str(label)} for label in labels if label not in (None, "")]
    if data_type == "NUMBER" and isinstance(value, str) and _NUMBER.fullmatch(value):
        return msgspec.Raw(value.encode())
    if data_type == "BOOLEAN" and str(value).lower() in _TRUE + _FALSE:
        return str(value).lower() in _TRUE
    return value


def inferred_type(kinds: set[str]) -> DataType:
    """The data type of a field that only the source knows, by its values' JSON types."""
    kinds = kinds - {"NULL"}
    if "ARRAY" in kinds:
        return "MULTI_SELECT"
    if kinds == {"BOOLEAN"}:
        return "BOOLEAN"
    if kinds and kinds <= {"UBIGINT", "BIGINT", "DOUBLE"}:
        return "NUMBER"
    return "TEXT"
