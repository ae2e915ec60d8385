"""Resolves a request's reference to an entity: by id, by externalId, or by both."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from msgspec import Struct

from headrace.model.record import UNSET
from headrace.model.reference import Reference
from headrace.store.records.patch import refuse

T = TypeVar("T")


class Address(Struct, frozen=True):
    """The `{id}` of a path; exactly one of the two is set."""

    id: str | None = None
    external_id: str | None = None

    @property
    def value(self) -> str | None:
        """The one that is set."""
        return self.id if self.id is not None else self.external_id

    def __str__(self) -> str:
        return f"id {self.id}" if self.id is not None else f"externalId {self.external_id}"


def parse_address(segment: str) -> Address:
    """Parse `external:<externalId>` or the hub's own id, already percent-decoded."""
    if segment.startswith("external:"):
        return Address(external_id=segment.removeprefix("external:"))
    return Address(id=segment)


Finder = Callable[[Address], T | None]


def resolve_reference(
    reference: Reference,
    find: Finder[T],
    place: str,
    noun: str,
    remedy: str = "import it first",
) -> T:
    """Return the entity that a body refers to.

    Raises BadRequest when the body names none, one that does not exist, or two different ones.
    """
    addresses = []
    if reference.external_id is not UNSET:
        addresses.append(Address(external_id=str(reference.external_id)))
    if reference.id is not UNSET:
        addresses.append(Address(id=str(reference.id)))
    if not addresses:
        refuse(place, f"needs the id or the externalId of the {noun}")
    found = []
    for address in addresses:
        entity = find(address)
        if entity is None:
            refuse(place, f"no {noun} with {address} exists; {remedy}")
        found.append(entity)
    if len(found) == 2 and found[0] != found[1]:
        refuse(place, f"id and externalId are those of two different {noun}s")
    return found[0]


def find_for_import(external_id: object, entity_id: object, find: Finder[T], noun: str) -> T | None:
    """Return the entity that an import updates: by externalId, else by id (docs/api-evidence.md,
    Upsert).

    Raises BadRequest when the id is unknown, or when both are given and refer to two entities.
    """
    by_external = find(Address(external_id=external_id)) if isinstance(external_id, str) else None
    if not isinstance(entity_id, str):
        return by_external
    by_id = find(Address(id=entity_id))
    if by_id is None:
        refuse("id", f"no {noun} with id {entity_id} exists; leave id out to create one")
    if by_external is not None and by_external != by_id:
        refuse("id", f"id and externalId are those of two different {noun}s")
    return by_id
