"""Reads users, dunning plans and custom fields of the API, and creates missing custom fields."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import msgspec

from headrace.book.payloads.directory import Directory, Field, Named
from headrace.client.endpoints import Reader
from headrace.model.custom_field import CustomField
from headrace.model.entity import Entity
from headrace.model.errors import NotTheApi
from headrace.model.record import encode
from headrace.model.resource import CUSTOM_FIELD, DUNNING_PLAN, USER


async def look_up(reader: Reader) -> Directory:
    """Read the directory of the API. Raises whatever the reader raises."""
    users = [
        Named(str(item["id"]), [str(item["email"])], str(item["email"]))
        async for item in _items(reader, USER)
        if item.get("email")
    ]
    plans = [
        Named(str(item["id"]), [str(item["name"])], str(item["name"]))
        async for item in _items(reader, DUNNING_PLAN)
        if item.get("name")
    ]
    fields = [
        Field(
            label=str(item.get("label") or ""),
            data_type=item.get("dataType") or "TEXT",
            id=str(item["id"]),
            external_id=item.get("externalId"),
        )
        async for item in _items(reader, CUSTOM_FIELD)
        if item.get("entityType", "CUSTOMER") == "CUSTOMER"
    ]
    return Directory(users, plans, fields)


async def _items(reader: Reader, entity: Entity) -> AsyncIterator[dict[str, Any]]:
    async for page in reader.pages(entity):
        for item in page:
            yield item


async def create_field(reader: Reader, field: Field) -> Field:
    """Create a custom field (docs/api-evidence.md, Custom fields); returns it with its new id."""
    record = CustomField(
        label=field.label,
        data_type=field.data_type,
        entity_type="CUSTOMER",
        external_id=field.external_id,
    )
    answer = await reader.request("POST", CUSTOM_FIELD.path, encode(record))
    if not answer.id:
        raise NotTheApi(answer.described)
    return msgspec.structs.replace(field, id=answer.id)
