"""Custom fields: their definitions, and their values on customers and invoices."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from headrace.model.record import UNSET, Record, Text, UnsetType

DataType = Literal["TEXT", "NUMBER", "DATE", "BOOLEAN", "SELECT", "MULTI_SELECT"]
EntityType = Literal["CUSTOMER", "CONTACT", "INVOICE", "CREDIT_NOTE", "PAYMENT"]

USER_DEFINED = "USER_DEFINED"
"""The `source` of every value set through the API (docs/api-evidence.md, Custom fields)."""

Label = Annotated[str, Meta(min_length=1, max_length=250)]
"""A selectable value. Case matters: "One" and "one" are different (docs/api-evidence.md, Custom
fields)."""


class CustomField(Record):
    """A definition, as created by `POST /custom_fields`."""

    label: Text
    data_type: DataType
    entity_type: EntityType
    external_id: Text | None | UnsetType = UNSET
    description: str | None | UnsetType = UNSET


class SelectValue(Record):
    """One of the values that a SELECT or MULTI_SELECT field offers."""

    label: Label


class CustomFieldAnswer(CustomField, kw_only=True):
    """A definition, with the id that filters and values refer to."""

    id: str
    created_at: str
    select_values: list[SelectValue] | UnsetType = UNSET
    """In the order in which they were first used; absent for other data types."""


class CustomFieldValue(Record):
    """A value: `{"label": …}` for SELECT, a list of those for MULTI_SELECT, else a scalar."""

    id: str | None | UnsetType = UNSET
    external_id: str | None | UnsetType = UNSET
    value: msgspec.Raw | UnsetType = UNSET
    """Null empties the field."""
    source: str | None | UnsetType = UNSET
    """Present in answers only."""
