"""Organisations and their contact positions."""

from __future__ import annotations

import secrets
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

from msgspec import json

from headrace.model.errors import BadRequest, ConfigurationError, NotFound
from headrace.model.money import EXPONENTS
from headrace.store.connection import Connection
from headrace.store.context import Organisation
from headrace.store.queries import ORGANISATION

SEEDED_POSITIONS = ("ACCOUNTING", "PAYER", "PURCHASER", "SALES")


def find_organisation(db: Connection, name: str) -> Organisation | None:
    """Find an organisation by its exact name."""
    row = db.execute(ORGANISATION["by_name"], (name,)).fetchone()
    return Organisation(*row) if row else None


def organisation_by_seq(db: Connection, seq: int) -> Organisation:
    """Return an organisation that is known to exist."""
    return Organisation(*db.execute(ORGANISATION["by_seq"], (seq,)).fetchone())


def make_organisation(
    db: Connection, name: str, currency: str, time_zone: str, timestamp: str
) -> Organisation:
    """Create an organisation with the four initial positions.

    Raises ConfigurationError for a name that is taken or empty, and for an unknown currency or time
    zone.
    """
    if not name.strip():
        raise ConfigurationError("An organisation needs a name.")
    if find_organisation(db, name):
        raise ConfigurationError(f"The organisation {name} exists already: leave --new out.")
    if currency not in EXPONENTS:
        raise ConfigurationError(f"{currency} is not an ISO 4217 currency code, such as EUR.")
    try:
        ZoneInfo(time_zone)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        known = available_timezones()
        why = "" if known else " This system has no time zones at all: install its package tzdata."
        raise ConfigurationError(
            f"{time_zone} is no time zone, such as Europe/Paris.{why}"
        ) from None
    (seq,) = db.execute(ORGANISATION["next_seq"]).fetchone()
    made = Organisation(seq, name, currency, time_zone, secrets.token_urlsafe(32))
    values = (seq, name, currency, time_zone, made.secret, timestamp)
    db.execute(ORGANISATION["insert"], values)
    for position in SEEDED_POSITIONS:
        make_position(db, seq, position)
    return made


def make_position(db: Connection, organisation: int, name: str) -> None:
    """Create a contact position; does nothing when it exists already."""
    db.execute(ORGANISATION["insert_position"], (organisation, name))


def delete_position(db: Connection, organisation: Organisation, name: str) -> None:
    """Delete a position. Raises NotFound, or BadRequest while contacts have it."""
    fragment = json.encode(name).decode()
    for character in "\\%_":
        fragment = fragment.replace(character, f"\\{character}")
    key = (organisation.seq, f'%"position":{fragment}%')
    (customers,) = db.execute(ORGANISATION["position_used"], key).fetchone()
    if customers:
        raise BadRequest(
            f"Contacts of {customers} customers have the position {name}: change those first."
        )
    if db.execute(ORGANISATION["delete_position"], (organisation.seq, name)).rowcount == 0:
        raise NotFound(f"There is no position {name}.")


def list_organisations(db: Connection) -> list[Organisation]:
    """Return all organisations, by name."""
    return [Organisation(*row) for row in db.execute(ORGANISATION["all"])]


def position_names(db: Connection, organisation: Organisation) -> list[str]:
    """Return the contact positions that exist, sorted."""
    return [row[0] for row in db.execute(ORGANISATION["positions"], (organisation.seq,))]
