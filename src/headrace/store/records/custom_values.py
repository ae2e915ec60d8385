"""Values of custom fields of customers and documents, which are numbered separately.

The row of place 0 holds the value. Each key by which it can be found has a row of its own, and a
total that a filtered list returns.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import TypeVar

import msgspec
from msgspec import UNSET

from headrace.model.custom_field import USER_DEFINED, CustomFieldValue
from headrace.model.entity import Entity
from headrace.model.record import Record
from headrace.model.reference import Reference
from headrace.store.connection import Connection
from headrace.store.context import Context
from headrace.store.queries import CUSTOM_FIELD as SQL
from headrace.store.records.custom_fields import FieldRow, find_field
from headrace.store.records.field_types import Parsed, parse_value
from headrace.store.records.patch import refuse
from headrace.store.records.references import resolve_reference

CUSTOMER = "CUSTOMER"
INVOICE = "INVOICE"
"""The `entityType` of the fields whose values the API assigns."""

R = TypeVar("R", bound=Record)


def entity_type(entity: Entity) -> str:
    """Return the `entityType` of an entity's fields."""
    return entity.name.upper()


def write_values(
    db: Connection,
    context: Context,
    entity_type: str,
    owner: int,
    wanted: Sequence[CustomFieldValue],
) -> None:
    """Set the fields that a request names; the others stay (docs/api-evidence.md, Custom fields).

    New labels are added to a select field. Raises BadRequest for a field that does not exist or
    belongs to another entity, and for a value of the wrong type.
    """
    written: set[int] = set()
    for place, entry in enumerate(wanted):
        where = f"customFields[{place}]"
        field = _field_of(db, context, entity_type, entry, where)
        if field.seq in written:
            refuse(where, f"{field.label} is in the list twice")
        written.add(field.seq)
        _write(db, field, owner, _parsed(field, entry, where))


def marked(body: R, wanted: Sequence[CustomFieldValue] | msgspec.UnsetType) -> R:
    """Return the stored body with an empty list, which marks that its owner has values to be
    read."""
    return msgspec.structs.replace(body, custom_fields=[]) if wanted else body


def refuse_values(record: Record, noun: str) -> None:
    """Reject values on an entity whose fields only people fill in (docs/api-evidence.md, Custom
    fields)."""
    if getattr(record, "custom_fields", UNSET) not in (UNSET, []):
        refuse(
            "customFields",
            f"values of custom fields of a {noun} are assigned by people, not by the API; "
            "leave them out",
        )


def read_values(
    db: Connection, context: Context, entity_type: str, first: int, last: int
) -> dict[int, list[CustomFieldValue]]:
    """Return the values of the owners numbered first to last, in the order of the definitions."""
    found: dict[int, list[CustomFieldValue]] = {}
    bounds = (first, last, context.organisation.seq, entity_type)
    for owner, field_id, external_id, value in db.execute(SQL["values_of_page"], bounds):
        answer = CustomFieldValue(
            id=field_id,
            external_id=external_id,
            value=msgspec.Raw(value.encode()),
            source=USER_DEFINED,
        )
        found.setdefault(owner, []).append(answer)
    return found


def remove_values(db: Connection, context: Context, entity_type: str, owner: int) -> None:
    """Delete all values of an owner that is being deleted."""
    key = (owner, context.organisation.seq, entity_type)
    for field, data_type in db.execute(SQL["fields_of_owner"], key).fetchall():
        _clear(db, owner, field, data_type)


def _field_of(
    db: Connection, context: Context, entity_type: str, entry: CustomFieldValue, where: str
) -> FieldRow:
    reference = Reference(
        id=entry.id if isinstance(entry.id, str) else UNSET,
        external_id=entry.external_id if isinstance(entry.external_id, str) else UNSET,
    )
    field = resolve_reference(
        reference,
        partial(find_field, db, context, entity_type=entity_type),
        where,
        "custom field",
        "make it with POST /custom_fields first",
    )
    if field.entity != entity_type:
        refuse(where, f"{field.label} is one of {field.entity}, not of {entity_type}")
    return field


def _parsed(field: FieldRow, entry: CustomFieldValue, where: str) -> Parsed:
    if isinstance(entry.value, msgspec.UnsetType):
        refuse(f"{where}.value", "is required; null empties the field")
    try:
        return parse_value(field.data_type, bytes(entry.value))
    except ValueError as error:
        refuse(f"{where}.value", f"{field.label} {error}")


def _write(db: Connection, field: FieldRow, owner: int, parsed: Parsed) -> None:
    present = db.execute(SQL["value"], (owner, field.seq)).fetchone()
    if present is not None:
        if present[0] == parsed.json:
            return
        _clear(db, owner, field.seq, field.data_type)
    keys: list[int | None] = [
        db.execute(SQL["add_key"], (field.seq, key)).fetchone()[0] for key in parsed.keys
    ]
    for place, key in enumerate(keys or [None]):
        value = None if place else parsed.json
        db.execute(SQL["insert_value"], (owner, field.seq, place, key, value))


def _clear(db: Connection, owner: int, field: int, data_type: str) -> None:
    """Delete a value. A label stays selectable; any other key is deleted with its last value."""
    keys = [key for (key,) in db.execute(SQL["keys_of_value"], (owner, field)).fetchall()]
    db.execute(SQL["delete_value"], (owner, field))
    for key in keys:
        (total,) = db.execute(SQL["drop_key"], (key,)).fetchone()
        if total == 0 and data_type not in ("SELECT", "MULTI_SELECT"):
            db.execute(SQL["forget_key"], (key,))
