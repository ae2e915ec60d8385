"""Converts values of custom fields from a model's JSON to the API's form, by data type."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from typing import Any

import msgspec

from headrace.book.payloads.directory import Field
from headrace.model.clock import normalise_instant
from headrace.model.custom_field import CustomFieldValue, DataType
from headrace.model.record import UNSET

_NUMBER = re.compile(r"[+-]?[0-9]{1,30}(\.[0-9]{1,30})?")
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}([T ][0-9]{2}:[0-9]{2}.*)?")
_TRUE, _FALSE = ("true", "t", "yes", "y", "on", "1"), ("false", "f", "no", "n", "off", "0")
_NOTHING: tuple[Any, ...] = ("", "[]", "{}", [], {})
"""Values that, like null, empty the field."""
_TEXT_MAX, _LABEL_MAX = 10_000, 250


class _UnreadError(Exception):
    """The field can't hold the value; `checks/custom_values_unread.sql` reports it."""


def custom_values(text: str, fields: Mapping[str, Field]) -> list[CustomFieldValue]:
    """Return the values of one customer, ordered by name. Unknown fields, and values that their
    field can't hold, are omitted.

    `text` is a JSON object from names to values: a label or list of labels for the selectable
    types, a scalar for the others, null to empty a field (docs/api-evidence.md, Custom fields).
    """
    values = []
    for name, given in sorted(_decode(text).items()):
        if (field := fields.get(name)) is None:
            continue
        try:
            value = _value(given, field.data_type)
        except _UnreadError:
            continue
        values.append(
            CustomFieldValue(
                id=field.id if field.id and not field.external_id else UNSET,
                external_id=field.external_id or UNSET,
                value=msgspec.Raw(msgspec.json.encode(value)),
            )
        )
    return values


def _decode(text: str) -> dict[str, Any]:
    try:
        given = msgspec.json.decode(text)
    except msgspec.DecodeError:
        # DuckDB's JSON accepts NaN and numbers beyond the range of floats; so must this parser.
        given = json.loads(text)
    return given if isinstance(given, dict) else {}


def _value(value: Any, data_type: DataType) -> Any:
    if isinstance(value, list) and len(value) == 1 and data_type != "MULTI_SELECT":
        value = value[0]
    if isinstance(value, str):
        value = value.strip(" ")
    if value is None or value in _NOTHING:
        return None
    if data_type == "MULTI_SELECT":
        return _labels(value)
    if isinstance(value, list | dict):
        raise _UnreadError
    if data_type == "SELECT":
        return {"label": _text(value, _LABEL_MAX)}
    if data_type == "NUMBER":
        return _number(value)
    if data_type == "BOOLEAN":
        return _flag(_text(value, _TEXT_MAX).lower())
    if data_type == "DATE":
        return _date(value)
    return _text(value, _TEXT_MAX)


def _labels(value: Any) -> list[dict[str, str]]:
    given = value if isinstance(value, list) else [value]
    if any(isinstance(label, list | dict) for label in given):
        raise _UnreadError
    written = (_text(label, _LABEL_MAX) for label in given if label is not None)
    return [{"label": label} for label in written if label]


def _text(value: Any, longest: int) -> str:
    """Convert a scalar to text as JSON writes it."""
    text = value.strip(" ") if isinstance(value, str) else json.dumps(value)
    if len(text) > longest:
        raise _UnreadError
    return text


def _number(value: Any) -> Any:
    if isinstance(value, str) and _NUMBER.fullmatch(value):
        sign = "-" if value.startswith("-") else ""
        whole, point, part = value.lstrip("+-").partition(".")
        # JSON does not allow leading zeros.
        return msgspec.Raw(f"{sign}{whole.lstrip('0') or '0'}{point}{part}".encode())
    if isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value):
        return value
    raise _UnreadError


def _flag(text: str) -> bool:
    if text not in _TRUE + _FALSE:
        raise _UnreadError
    return text in _TRUE


def _date(value: Any) -> str:
    if not isinstance(value, str) or not _DATE.fullmatch(value):
        raise _UnreadError
    try:
        normalise_instant(value)
    except ValueError:
        raise _UnreadError from None
    return value


def inferred_type(kinds: set[str]) -> DataType:
    """Infer the data type of a field that only the source has, from the JSON types of its
    values."""
    kinds = kinds - {"NULL"}
    if "ARRAY" in kinds:
        return "MULTI_SELECT"
    if kinds == {"BOOLEAN"}:
        return "BOOLEAN"
    if kinds and kinds <= {"UBIGINT", "BIGINT", "DOUBLE"}:
        return "NUMBER"
    return "TEXT"
