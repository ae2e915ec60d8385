"""Values of custom fields in a form."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from msgspec import UNSET, Struct

from headrace.model.clock import normalise_instant
from headrace.model.entity import Entity
from headrace.pages.form import FormFields
from headrace.store.connection import Connection
from headrace.store.context import Context
from headrace.store.records.custom_fields import list_fields
from headrace.store.records.page import Window

_FIELDS_MAX = 200
_LABEL_MAX = 250
_NUMBER = re.compile(r"[+-]?\d{1,20}(\.\d{1,10})?")


class ValueField(Struct, frozen=True):
    """A custom field of a record, with the record's value as a form has it."""

    id: str
    label: str
    hint: str
    data_type: str
    options: list[str]
    """The labels that were used before."""
    value: str
    """A label in each line for MULTI_SELECT."""


def value_fields(
    db: Connection, context: Context, entity: Entity, values: Sequence[dict[str, Any]]
) -> list[ValueField]:
    """Return the fields of an entity, in the order of their creation; `values` are those of an
    answer of the API."""
    known = {one["id"]: one.get("value") for one in values}
    found = []
    for field in reversed(list_fields(db, context, Window(0, _FIELDS_MAX)).items):
        if field.entity_type != entity.name.upper():
            continue
        labels = [] if field.select_values is UNSET else [one.label for one in field.select_values]
        hint = field.description if isinstance(field.description, str) else ""
        value = _text(known.get(field.id))
        found.append(ValueField(field.id, field.label, hint, field.data_type, labels, value))
    return found


def values_of(
    fields: Sequence[ValueField], form: FormFields
) -> tuple[list[dict[str, Any]], dict[str, str]]:
    """Return the values of a form as the API writes them, and what is wrong by field. Fields that
    the form lacks are left out, empty ones are emptied."""
    values: list[dict[str, Any]] = []
    errors: dict[str, str] = {}
    for field in fields:
        if field.id not in form:
            continue
        try:
            value = _value(field, form.text(field.id))
        except ValueError as error:
            errors[field.id] = f"{field.label}: {error}"
            continue
        values.append({"id": field.id, "value": value})
    return values, errors


def _value(field: ValueField, text: str) -> Any:
    if not text:
        return None
    if field.data_type == "MULTI_SELECT":
        labels = [line.strip() for line in text.splitlines() if line.strip()]
        return [{"label": _label(label)} for label in labels]
    if field.data_type == "SELECT":
        return {"label": _label(text)}
    if field.data_type == "BOOLEAN":
        if text not in ("true", "false"):
            raise ValueError("choose yes or no.")
        return text == "true"
    if field.data_type == "NUMBER":
        if not _NUMBER.fullmatch(text):
            raise ValueError("write a number such as 12 or 12.5.")
        return text
    if field.data_type == "DATE":
        try:
            normalise_instant(text)
        except ValueError:
            raise ValueError("write a day such as 2026-11-27.") from None
    return text


def _label(text: str) -> str:
    if len(text) > _LABEL_MAX:
        raise ValueError(f"a value has at most {_LABEL_MAX} characters.")
    return text


def _text(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, list):
        return "\n".join(_text(one) for one in value)
    if isinstance(value, dict):
        return str(value.get("label", ""))
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)[:10] if _is_moment(value) else str(value)


def _is_moment(value: Any) -> bool:
    return isinstance(value, str) and re.fullmatch(r"\d{4}-\d\d-\d\dT.*Z", value) is not None
