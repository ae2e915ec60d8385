"""API key pairs of organisations: create, rotate, revoke, list. Only a hash of the secret is
stored."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Mapping
from datetime import timedelta

from msgspec import Struct

from headrace.model.clock import format_instant, parse_instant
from headrace.model.errors import ConfigurationError
from headrace.store.connection import Connection
from headrace.store.context import Organisation
from headrace.store.queries import KEY
from headrace.store.records.organisations import find_organisation


class KeyPair(Struct, frozen=True, omit_defaults=True):
    """A new key pair; the secret is shown only once."""

    organisation: str
    key: str
    secret: str
    name: str = ""


class KeyEntry(Struct, frozen=True, rename="camel"):
    """A key as it is listed, with moments in the API's format."""

    organisation: str
    key: str
    name: str
    """Free text: what the key is for."""
    created_at: str
    last_used_at: str | None
    """Accurate to about a minute."""
    expires_at: str | None
    """When a rotated key expires."""
    revoked_at: str | None

    def state(self, now: str) -> str:
        """Return the key's state at `now`, as lists show it."""
        if self.revoked_at:
            return f"revoked {self.revoked_at}"
        if self.expires_at is None:
            return "in force"
        return f"{'ended' if self.expires_at <= now else 'ends'} {self.expires_at}"


class ActiveKey(Struct, frozen=True):
    """A key that grants access to an organisation, until `expires_at` if that is set."""

    secret_hash: str
    expires_at: str | None
    organisation: Organisation


def hash_secret(secret: str) -> str:
    """Hash a secret. A fast hash is enough: the secret has 256 random bits and can't be
    brute-forced."""
    return hashlib.blake2b(secret.encode(), digest_size=32).hexdigest()


def make_key(db: Connection, organisation_name: str, timestamp: str, name: str = "") -> KeyPair:
    """Create a key pair. Raises ConfigurationError when the organisation does not exist."""
    organisation = find_organisation(db, organisation_name)
    if organisation is None:
        raise ConfigurationError(
            f"There is no organisation {organisation_name} here: add --new to make it."
        )
    secret = secrets.token_urlsafe(32)
    pair = KeyPair(organisation_name, f"hub_{secrets.token_hex(12)}", secret, name)
    values = (pair.key, organisation.seq, name, hash_secret(secret), timestamp)
    db.execute(KEY["insert"], values)
    db.execute(KEY["bump_version"])
    return pair


def make_passing_key(
    db: Connection, organisation_name: str, timestamp: str, lasts: timedelta, name: str
) -> KeyPair:
    """Create a key pair that ends by itself; ended ones of the same name are deleted. Raises
    ConfigurationError when the organisation does not exist."""
    pair = make_key(db, organisation_name, timestamp, name)
    db.execute(KEY["delete_ended"], (pair.key, name, timestamp))
    db.execute(KEY["expire"], (format_instant(parse_instant(timestamp) + lasts), pair.key))
    return pair


def rotate_key(db: Connection, key: str, overlap: timedelta, timestamp: str) -> KeyPair:
    """Create a new pair with the same organisation and name; the old one expires after `overlap`.

    Raises ConfigurationError when there is no such active key.
    """
    entry = find_key(db, key)
    if entry is None or entry.state(timestamp) != "in force":
        raise ConfigurationError(
            f"There is no key {key} in force that has not been rotated: `headrace keys list` shows "
            "all."
        )
    end = format_instant(parse_instant(timestamp) + overlap)
    db.execute(KEY["expire"], (end, key))
    return make_key(db, entry.organisation, timestamp, entry.name)


def revoke_key(db: Connection, key: str, timestamp: str) -> None:
    """Revoke a key. Raises ConfigurationError when there is no such active key."""
    if db.execute(KEY["revoke"], (timestamp, key)).rowcount == 0:
        raise ConfigurationError(f"There is no active key {key}: `headrace keys list` shows all.")
    db.execute(KEY["bump_version"])


def find_key(db: Connection, key: str) -> KeyEntry | None:
    """Return one key, revoked or not."""
    row = db.execute(KEY["one"], (key,)).fetchone()
    return KeyEntry(*row) if row else None


def list_keys(db: Connection) -> list[KeyEntry]:
    """Return all keys of all organisations, revoked ones included."""
    return [KeyEntry(*row) for row in db.execute(KEY["all"])]


def keys_of(db: Connection, organisation: Organisation) -> list[KeyEntry]:
    """Return the keys of an organisation, revoked ones included."""
    return [KeyEntry(*row) for row in db.execute(KEY["of_organisation"], (organisation.seq,))]


def active_keys(db: Connection) -> dict[str, ActiveKey]:
    """Return the active keys by key id; few enough to be held in memory."""
    return {
        key: ActiveKey(secret_hash, expires_at, Organisation(*organisation))
        for key, secret_hash, expires_at, *organisation in db.execute(KEY["active"])
    }


def keys_version(db: Connection) -> int:
    """Return a number that changes whenever a key is created, rotated or revoked."""
    row = db.execute(KEY["version"]).fetchone()
    return row[0] if row else 0


def record_uses(db: Connection, uses: Mapping[str, str]) -> None:
    """Record when keys were last used; a later moment already stored is kept."""
    for key, moment in sorted(uses.items()):
        db.execute(KEY["use"], (moment, key, moment))
