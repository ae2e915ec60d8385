"""People who sign in to the console: their passwords' hashes, their sessions, and failed attempts.

They belong to the hub, not to one organisation. All functions are for the caller's transaction.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import datetime, timedelta

from msgspec import Struct

from headrace.model.clock import format_instant
from headrace.model.errors import ConfigurationError
from headrace.store.connection import Connection
from headrace.store.context import Organisation
from headrace.store.queries import CONSOLE as SQL
from headrace.store.records.organisations import find_organisation

SESSION_LONGEST = timedelta(hours=12)
SESSION_IDLE = timedelta(hours=2)
FAILURES_MAX = 5
"""Failed attempts with one e-mail, after which none is checked for a while."""
FAILURES_LAST = timedelta(minutes=15)


class ConsoleUser(Struct, frozen=True):
    """A person, as the command lists it."""

    email: str
    created_at: str
    last_seen_at: str | None
    organisations: list[str] | None
    """The names of the organisations that it is limited to; None for all."""


class Session(Struct, frozen=True):
    """A session that has not ended."""

    person: int
    email: str
    limited: bool
    """Whether the person sees some organisations only."""
    last_at: str
    """When it was last used."""


class OrganisationRow(Struct, frozen=True):
    """An organisation, as a list shows it."""

    name: str
    currency: str
    clock: str | None
    """The moment at which its time stands still."""
    customers: int
    invoices: int


class Account(Struct, frozen=True):
    """What a sign-in is checked against."""

    seq: int
    email: str
    password: str
    """The hash, with how it was made."""


def set_user(db: Connection, email: str, password: str, now: datetime) -> None:
    """Add a person, or change its password, which ends its sessions. Raises ConfigurationError for
    what is no e-mail."""
    name = email_of(email)
    if "@" not in name or any(one.isspace() for one in name):
        raise ConfigurationError(f"{email!r} is no e-mail address.")
    db.execute(SQL["delete_sessions_of"], (name,))
    db.execute(SQL["insert_user"], (name, password, format_instant(now))).fetchone()


def list_users(db: Connection) -> list[ConsoleUser]:
    """Return everybody, by e-mail."""
    found = []
    for seq, email, created_at, last_seen_at, limited in db.execute(SQL["users"]).fetchall():
        names = [name for (name,) in db.execute(SQL["access_of"], (seq,))] if limited else None
        found.append(ConsoleUser(email, created_at, last_seen_at, names))
    return found


def limit_user(db: Connection, email: str, organisations: Sequence[str] | None) -> None:
    """Limit a person to organisations, or let it see all with None; its sessions go on. Raises
    ConfigurationError for a person or an organisation that does not exist."""
    name = email_of(email)
    row = db.execute(SQL["set_limited"], (int(organisations is not None), name)).fetchone()
    if row is None:
        raise ConfigurationError(f"Nobody with the e-mail {email} can sign in.")
    db.execute(SQL["delete_access_of"], (name,))
    for one in organisations or ():
        organisation = find_organisation(db, one)
        if organisation is None:
            raise ConfigurationError(f"There is no organisation {one} here.")
        db.execute(SQL["insert_access"], (row[0], organisation.seq))


def may_enter(db: Connection, session: Session, organisation: Organisation) -> bool:
    """Whether the person sees the organisation."""
    if not session.limited:
        return True
    key = (session.person, organisation.seq)
    return db.execute(SQL["may_enter"], key).fetchone() is not None


def organisations_of(db: Connection, session: Session) -> list[OrganisationRow]:
    """Return the organisations that the person sees, by name."""
    key = (int(session.limited), session.person)
    return [OrganisationRow(*row) for row in db.execute(SQL["organisations"], key)]


def remove_user(db: Connection, email: str) -> None:
    """Remove a person and end its sessions. Raises ConfigurationError when there is none."""
    name = email_of(email)
    db.execute(SQL["delete_sessions_of"], (name,))
    db.execute(SQL["delete_access_of"], (name,))
    if not db.execute(SQL["delete_user"], (name,)).rowcount:
        raise ConfigurationError(f"Nobody with the e-mail {email} can sign in.")


def find_account(db: Connection, email: str, now: datetime) -> tuple[Account | None, bool]:
    """Return who has the e-mail, and whether too many attempts with it have failed."""
    attempt = db.execute(SQL["attempts"], (_attempt(email), format_instant(now))).fetchone()
    row = db.execute(SQL["user"], (email_of(email),)).fetchone()
    return Account(*row) if row else None, attempt is not None and attempt[0] >= FAILURES_MAX


def note_failure(db: Connection, email: str, now: datetime) -> None:
    """Count a failed attempt; the count ends some time after the last one."""
    until, moment = format_instant(now + FAILURES_LAST), format_instant(now)
    db.execute(SQL["note_failure"], (_attempt(email), until, moment))


def begin_session(
    db: Connection, account: Account, token: str, former: str | None, now: datetime
) -> None:
    """Begin a session with a token that nobody knew before, and end the browser's former one."""
    moment = format_instant(now)
    if former is not None:
        db.execute(SQL["delete_session"], (_hashed(former),))
    old = format_instant(now - SESSION_LONGEST), format_instant(now - SESSION_IDLE)
    db.execute(SQL["delete_old_sessions"], old)
    db.execute(SQL["delete_attempts"], (_attempt(account.email), moment))
    db.execute(SQL["insert_session"], (_hashed(token), account.seq, moment, moment))
    db.execute(SQL["seen"], (moment, account.seq))


def find_session(db: Connection, token: str, now: datetime) -> Session | None:
    """Return a session; None when it has ended."""
    row = db.execute(SQL["session"], (_hashed(token),)).fetchone()
    if row is None:
        return None
    person, email, limited, created_at, last_at = row
    if created_at < format_instant(now - SESSION_LONGEST):
        return None
    if last_at < format_instant(now - SESSION_IDLE):
        return None
    return Session(person, email, bool(limited), last_at)


def touch_session(db: Connection, token: str, now: datetime) -> None:
    """Note that a session is used."""
    db.execute(SQL["touch_session"], (format_instant(now), _hashed(token)))


def end_session(db: Connection, token: str) -> None:
    """End a session."""
    db.execute(SQL["delete_session"], (_hashed(token),))


def email_of(text: str) -> str:
    """Return an e-mail as it is stored."""
    return text.strip().casefold()


def _hashed(token: str) -> str:
    # A token has 256 random bits, so a plain hash can't be searched.
    return hashlib.sha256(token.encode()).hexdigest()


def _attempt(email: str) -> str:
    return hashlib.sha256(email_of(email).encode()).hexdigest()
