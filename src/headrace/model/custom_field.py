"""Custom fields: their definitions, and their values on customers."""

from __future__ import annotations

from typing import Literal

import msgspec

from headrace.model.record import UNSET, Record, Text, UnsetType

DataType = Literal["TEXT", "NUMBER", "DATE", "BOOLEAN", "SELECT", "MULTI_SELECT"]
EntityType = Literal["CUSTOMER", "CONTACT", "INVOICE", "CREDIT_NOTE", "PAYMENT"]


class CustomField(Record):
    """A definition, as created by `POST /custom_fields`."""

    label: Text
    data_type: DataType
    entity_type: EntityType
    external_id: Text | None | UnsetType = UNSET
    description: str | None | UnsetType = UNSET


class CustomFieldAnswer(CustomField, kw_only=True):
    """A definition with the id that filters and values name."""

    id: str
    created_at: str


class CustomFieldValue(Record):
    """A value on a customer: `{"label": …}` for SELECT, a list of those for MULTI_SELECT."""

    id: str | UnsetType = UNSET
    external_id: str | UnsetType = UNSET
    value: msgspec.Raw | UnsetType = UNSET
