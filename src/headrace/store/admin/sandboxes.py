"""Sandboxes: organisations with an end, which are deleted with all their data.

All functions are for the caller's transaction. Expiry goes by real time, whatever clock the
organisation has.
"""

from __future__ import annotations

from datetime import datetime

from msgspec import Struct

from headrace.model.clock import format_instant, parse_instant
from headrace.store.admin.reset import empty_organisation
from headrace.store.connection import Connection
from headrace.store.context import Organisation
from headrace.store.queries import KEY, SANDBOX
from headrace.store.records.counters import WHOLE_ORGANISATION, of_customer
from headrace.store.records.organisations import organisation_by_seq


class Sandbox(Struct, frozen=True):
    """A sandbox as the database lists it, with moments in the API's format."""

    seq: int
    """The number of its organisation, which is never given out again."""
    name: str
    currency: str
    time_zone: str
    clock: str | None
    limits: str | None
    created_at: str
    expires_at: str | None


def mark_sandbox(
    db: Connection,
    organisation: Organisation,
    limits: str | None,
    created: datetime,
    expires: datetime | None,
) -> None:
    """Make a new organisation a sandbox; `limits` of None are those of the hub, and without
    `expires` it lasts until it is deleted."""
    end = format_instant(expires) if expires else None
    db.execute(SANDBOX["set_limits"], (limits, organisation.seq))
    db.execute(SANDBOX["insert"], (organisation.seq, end, format_instant(created)))


def list_sandboxes(db: Connection) -> list[Sandbox]:
    """Return all sandboxes by name, also expired ones that are not deleted yet."""
    return [Sandbox(*row) for row in db.execute(SANDBOX["all"])]


def find_sandbox(db: Connection, name: str) -> Sandbox | None:
    """Find a sandbox; None also for an organisation that is none."""
    row = db.execute(SANDBOX["by_name"], (name,)).fetchone()
    return Sandbox(*row) if row else None


def expired_sandboxes(db: Connection, now: datetime) -> list[Sandbox]:
    """Return the sandboxes that have expired by `now`, the longest expired first."""
    return [Sandbox(*row) for row in db.execute(SANDBOX["expired"], (format_instant(now),))]


def next_expiry(db: Connection) -> datetime | None:
    """Return when the next sandbox expires."""
    (moment,) = db.execute(SANDBOX["next_expiry"]).fetchone()
    return parse_instant(moment) if moment else None


def counts_of(db: Connection, organisation: Organisation) -> dict[str, int]:
    """Return how many entities of each kind the organisation has, by the entity's name."""
    return of_customer(db, organisation, WHOLE_ORGANISATION)


def end_sandbox(db: Connection, seq: int, now: datetime) -> None:
    """Let a sandbox expire now: its keys end, and what serves the database deletes it."""
    db.execute(SANDBOX["end"], (format_instant(now), seq))
    db.execute(KEY["bump_version"])


def remove_sandbox(db: Connection, seq: int) -> Sandbox | None:
    """Delete a sandbox with everything in it; run it as a write of that organisation.

    Returns None and changes nothing when somebody else has deleted it. The next sweep removes the
    files of its PDFs.
    """
    row = db.execute(SANDBOX["by_seq"], (seq,)).fetchone()
    if row is None:
        return None
    empty_organisation(db, organisation_by_seq(db, seq))
    for statement in ("delete_access", "delete_keys", "delete", "delete_organisation"):
        db.execute(SANDBOX[statement], (seq,))
    # Every process drops the keys with the next request.
    db.execute(KEY["bump_version"])
    return Sandbox(*row)
