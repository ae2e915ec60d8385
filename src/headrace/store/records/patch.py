"""Merges a request into what is stored: absent fields stay (docs/api-evidence.md, Partial
update)."""

from __future__ import annotations

from typing import Any, NoReturn, TypeVar

import msgspec
from msgspec import UNSET, UnsetType

from headrace.model.entity import Entity
from headrace.model.errors import BadRequest
from headrace.model.record import Record, wire_name

R = TypeVar("R", bound=Record)


def present_fields(record: Record) -> dict[str, Any]:
    """Return the Python names of the fields that the request carried, null included."""
    return {
        name: value
        for name in record.__struct_fields__
        if (value := getattr(record, name)) is not UNSET
    }


def merge(stored: R, record: Record, leave: tuple[str, ...] = ()) -> R:
    """Return `stored` with the fields that `record` carries, except those named in `leave`."""
    fields = {name: value for name, value in present_fields(record).items() if name not in leave}
    return msgspec.structs.replace(stored, **fields)


def set_or_none(value: Any) -> Any:
    """Convert an unset field to null, for answers."""
    return None if value is UNSET else value


def require(entity: Entity, record: Record) -> None:
    """Reject a record that lacks fields required for creating one, naming all that are missing."""
    missing = [
        wire_name(name) for name in entity.required if getattr(record, name) in (None, UNSET)
    ]
    if missing:
        needs = " and ".join(missing) if len(missing) < 3 else ", ".join(missing)
        raise BadRequest(
            f"A new {entity.name.replace('_', ' ')} needs {needs}.",
            tuple((name, "is required") for name in missing),
        )


def refuse(place: str, problem: str) -> NoReturn:
    """Return a BadRequest about one field."""
    raise BadRequest(f"{place}: {problem}.", ((place, problem),))


def check_new_external_id(
    label: str, stored: str | None, wanted: str | None | UnsetType
) -> str | None:
    """Return the external id after a change; it may be set once and never changes
    (docs/api-evidence.md, Upsert)."""
    if wanted is UNSET or wanted == stored:
        return stored
    if stored is not None:
        refuse("externalId", f"{label} has one already and it never changes")
    assert not isinstance(wanted, UnsetType)
    return wanted
