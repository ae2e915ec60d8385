"""Organisations, their contact positions and their keys, of which only a hash is kept."""

from __future__ import annotations

import hashlib
import secrets
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from msgspec import Struct

from headrace.model.errors import ConfigurationError
from headrace.model.money import EXPONENTS
from headrace.store.connection import Connection
from headrace.store.context import Organisation
from headrace.store.queries import ORGANISATION

SEEDED_POSITIONS = ("ACCOUNTING", "PAYER", "PURCHASER", "SALES")


class KeyPair(Struct, frozen=True):
    """What is shown once, when a key is made."""

    organisation: str
    key: str
    secret: str


class KeyEntry(Struct, frozen=True):
    """A key as it is listed."""

    organisation: str
    key: str
    created_at: str
    revoked_at: str | None


class ActiveKey(Struct, frozen=True):
    """A key that opens an organisation."""

    secret_hash: str
    organisation: Organisation


def hash_secret(secret: str) -> str:
    """A fast hash is enough: the secret has 256 random bits, nobody guesses it from there."""
    return hashlib.blake2b(secret.encode(), digest_size=32).hexdigest()


def find_organisation(db: Connection, name: str) -> Organisation | None:
    """By its exact name."""
    row = db.execute(ORGANISATION["by_name"], (name,)).fetchone()
    return Organisation(*row) if row else None


def make_organisation(
    db: Connection, name: str, currency: str, time_zone: str, timestamp: str
) -> None:
    """A new organisation with the four seeded positions.

    Raises ConfigurationError on a name that is taken or empty, or on an unknown currency or zone.
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
        raise ConfigurationError(f"{time_zone} is no time zone, such as Europe/Paris.") from None
    db.execute(ORGANISATION["insert"], (name, currency, time_zone, timestamp))
    made = find_organisation(db, name)
    assert made is not None
    for position in SEEDED_POSITIONS:
        db.execute(ORGANISATION["insert_position"], (made.seq, position))


def make_key(db: Connection, name: str, timestamp: str) -> KeyPair:
    """A new key pair; ConfigurationError when there is no such organisation."""
    organisation = find_organisation(db, name)
    if organisation is None:
        raise ConfigurationError(
            f"There is no organisation {name} in this folder: add --new to make it."
        )
    pair = KeyPair(name, f"hub_{secrets.token_hex(12)}", secrets.token_urlsafe(32))
    db.execute(
        ORGANISATION["insert_key"],
        (pair.key, organisation.seq, hash_secret(pair.secret), timestamp),
    )
    db.execute(ORGANISATION["bump_keys_version"])
    return pair


def revoke_key(db: Connection, key: str, timestamp: str) -> None:
    """End a key; ConfigurationError when there is no such active key."""
    if db.execute(ORGANISATION["revoke_key"], (timestamp, key)).rowcount == 0:
        raise ConfigurationError(f"There is no active key {key}: `headrace keys list` shows all.")
    db.execute(ORGANISATION["bump_keys_version"])


def list_keys(db: Connection) -> list[KeyEntry]:
    """All keys of all organisations, revoked ones included."""
    return [KeyEntry(*row) for row in db.execute(ORGANISATION["keys"])]


def active_keys(db: Connection) -> dict[str, ActiveKey]:
    """By key; small enough to be held in memory."""
    return {
        key: ActiveKey(secret_hash, Organisation(*organisation))
        for key, secret_hash, *organisation in db.execute(ORGANISATION["active_keys"])
    }


def keys_version(db: Connection) -> int:
    """Moves with every key that is made or revoked."""
    row = db.execute(ORGANISATION["keys_version"]).fetchone()
    return row[0] if row else 0


def position_names(db: Connection, organisation: Organisation) -> list[str]:
    """The contact positions that exist, sorted."""
    return [row[0] for row in db.execute(ORGANISATION["positions"], (organisation.seq,))]
