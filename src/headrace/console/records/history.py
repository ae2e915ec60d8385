"""What happened to a record: its requests in the hub's journal, newest first."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from msgspec import Struct

from headrace.console.session import Seat
from headrace.model.errors import NotFound

_SHOWN = 20
_LOOKED_AT = 5_000
"""Entries of the journal that a page looks at."""
_METHODS = ("POST", "PUT", "DELETE")
_OK = range(200, 300)


class Event(Struct, frozen=True):
    """A request about a record."""

    id: str
    at: str
    text: str
    status: int
    by: str
    place: str
    """The address of its page."""


async def history_of(seat: Seat, entity: str, names: Sequence[str | None]) -> list[Event] | None:
    """Return the newest requests that changed the record with these names, its id and its external
    id; None where the hub keeps no journal."""
    found: dict[str, Mapping[str, Any]] = {}
    for name in names:
        if name is None:
            continue
        query = {
            "organisation": seat.name, "entity": entity, "record": name, "within": str(_LOOKED_AT),
            "limit": "100",
        }  # fmt: skip
        try:
            answer = await seat.desk.operations.call("GET", "/requests", query=query)
        except NotFound:
            return None
        found |= {one["id"]: one for one in answer["requests"] if one["method"] in _METHODS}
    newest = sorted(found.values(), key=lambda one: (one["at"], one["seq"]), reverse=True)
    return [_event(seat, one) for one in newest[:_SHOWN]]


def _event(seat: Seat, one: Mapping[str, Any]) -> Event:
    text = f"{one['method']} {one['path']}"
    by = one["key"] or ("console" if one["id"].startswith("con_") else "")
    return Event(one["id"], one["at"], text, one["status"], by, seat.at("requests", one["id"]))
