"""Requests and answers about sandboxes."""

from __future__ import annotations

from msgspec import UNSET, UnsetType

from headrace.control.profiles import ProfileChoice
from headrace.control.records import Name
from headrace.control.seed_line import SeedLine
from headrace.model.entity import ENTITIES
from headrace.model.record import Currency, Instant, Record
from headrace.store.admin.sandboxes import Sandbox

API = "/v1"
_COUNTED = {entity.name: entity.plural for entity in ENTITIES}


class SandboxDraft(Record, forbid_unknown_fields=True):
    """A new sandbox."""

    name: Name | UnsetType = UNSET
    """Made up by default."""
    seed: str | ProfileChoice | list[SeedLine] | None = None
    """A profile's name, a profile with its size and number, or API calls; null for no data."""
    expires_in: str | int | None = "1d"
    """An interval such as 30m or 2h, or a number of seconds; null for no end."""
    limits: str | int | None = None
    """`upflow`, `off`, or a number of requests a minute; null for those of the hub."""
    clock: Instant | None = None
    """The moment at which its time stands still, on a hub in test mode; null for real time."""
    currency: Currency = "EUR"
    time_zone: str = "UTC"


class SandboxAnswer(Record):
    """A sandbox."""

    name: str
    organisation_id: int
    """The number of its organisation, which no other organisation ever gets."""
    url: str | None
    """The base of the API, as this client reaches the hub; null where no hub was asked."""
    path: str
    """The path of that base."""
    currency: str
    time_zone: str
    limits: str | None
    """Null for those of the hub."""
    clock: str | None
    """The moment at which its time stands still; null in real time."""
    created_at: str
    expires_at: str | None
    """When it is deleted with all its data, in real time; null for no end."""
    counts: dict[str, int]
    """How many customers, invoices, credit notes, payments and refunds it has."""


class SandboxMade(SandboxAnswer):
    """A new sandbox; the secret appears in this answer only."""

    key: str
    secret: str
    named: dict[str, str]
    """Ids of the entities that lines of the seed gave a name to, by name."""


class Sandboxes(Record):
    """All sandboxes of the hub, by name."""

    sandboxes: list[SandboxAnswer]


def fields_of(sandbox: Sandbox, counts: dict[str, int], origin: str | None) -> dict[str, object]:
    """Return the fields of an answer; `counts` are by the entity's name."""
    return {
        "name": sandbox.name,
        "organisation_id": sandbox.seq,
        "url": None if origin is None else f"{origin}{API}",
        "path": API,
        "currency": sandbox.currency,
        "time_zone": sandbox.time_zone,
        "limits": sandbox.limits,
        "clock": sandbox.clock,
        "created_at": sandbox.created_at,
        "expires_at": sandbox.expires_at,
        "counts": {plural: counts.get(name, 0) for name, plural in _COUNTED.items()},
    }
