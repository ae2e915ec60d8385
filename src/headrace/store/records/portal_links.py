"""Links to a customer's portal. A link is shown once; only a keyed hash of its token is stored."""

from __future__ import annotations

import base64
import binascii
import os
import re
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from msgspec import Struct

from headrace.model.clock import format_instant
from headrace.model.collection import PortalRequest
from headrace.model.customer import CustomerBrief
from headrace.model.errors import NotFound
from headrace.model.portal import PortalLinkEntry, PortalUse
from headrace.store.connection import Connection
from headrace.store.context import Context, Organisation
from headrace.store.queries import PORTAL as SQL
from headrace.store.records.customer_rows import CustomerRow, get_customer
from headrace.store.records.patch import refuse
from headrace.store.records.references import Address
from headrace.store.signature import is_signed, sign

_ID_BYTES = 16
_RANDOM_BYTES = 24
_PADDING = b"=="
"""Left out of tokens: mail programs leave it out of links."""
_NEVER = datetime(9999, 12, 31, tzinfo=UTC)
_HOST = re.compile(
    r"(https?://)?(\*\.)?[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*(:\d{1,5})?",
    re.IGNORECASE,
)
_HOSTS_MAX = 50
_LISTED_MAX = 500
_USES_MAX = 200


class PortalDoor(Struct, frozen=True):
    """What a token gives access to while it is valid."""

    link: str
    organisation: Organisation
    customer: Address
    frame_ancestors: str | None
    expires_at: str
    revoked: bool


def make_portal_link(
    db: Connection, context: Context, customer: Address, request: PortalRequest
) -> tuple[CustomerRow, str]:
    """Create a token for the customer's page. Raises NotFound or BadRequest."""
    row = get_customer(db, context, customer)
    if request.expires_in < 1:
        refuse("expiresIn", "is a number of seconds of at least 1")
    link_id = context.new_id()
    random = UUID(link_id).bytes + os.urandom(_RANDOM_BYTES)
    token = base64.urlsafe_b64encode(random).decode().rstrip("=")
    values = (
        link_id,
        context.organisation.seq,
        row.seq,
        sign(context.organisation.secret, "portal", token),
        _frame_ancestors(request.frame_ancestors),
        context.timestamp,
        format_instant(_after(context.now, request.expires_in)),
    )
    db.execute(SQL["insert"], values)
    return row, token


def open_portal_link(db: Connection, token: str) -> PortalDoor | None:
    """Return what the token gives access to, expired or not; None for an unknown token."""
    try:
        data = base64.urlsafe_b64decode(token.rstrip("=").encode() + _PADDING)
    except (binascii.Error, ValueError):
        return None
    if len(data) != _ID_BYTES + _RANDOM_BYTES:
        return None
    link = str(UUID(bytes=data[:_ID_BYTES]))
    row = db.execute(SQL["by_id"], (link,)).fetchone()
    if row is None:
        return None
    token_hash, frame_ancestors, expires_at, revoked_at, customer_id, *owner = row
    organisation = Organisation(*owner)
    if not is_signed(token_hash, organisation.secret, "portal", token):
        return None
    return PortalDoor(
        link,
        organisation,
        Address(id=customer_id),
        frame_ancestors,
        expires_at,
        revoked_at is not None,
    )


def revoke_portal_links(db: Connection, context: Context, customer: Address) -> int:
    """Revoke all links of a customer; returns their number. Raises NotFound."""
    row = get_customer(db, context, customer)
    return db.execute(SQL["revoke_of_customer"], (context.timestamp, row.seq)).rowcount


def revoke_portal_link(db: Connection, context: Context, link: str) -> PortalLinkEntry:
    """Revoke one link. Raises NotFound."""
    if not db.execute(SQL["revoke"], (context.timestamp, link, context.organisation.seq)).rowcount:
        raise NotFound(f"There is no portal link with id {link}.")
    return _entry(db, db.execute(SQL["link"], (link,)).fetchone())


def list_portal_links(
    db: Connection, context: Context, customer: Address | None
) -> list[PortalLinkEntry]:
    """Return the newest links of all customers or of one, newest first, with how they were used.
    Raises NotFound without the customer."""
    statement, owner = "links_of_organisation", context.organisation.seq
    if customer is not None:
        statement, owner = "links_of_customer", get_customer(db, context, customer).seq
    rows = db.execute(SQL[statement], (owner, _LISTED_MAX)).fetchall()
    return [_entry(db, row) for row in rows]


def note_visit(db: Connection, link: str, what: str, now: datetime) -> None:
    """Add to the access log that a link was used; counted by day, so that reloading a page does
    not make the log longer."""
    moment = format_instant(now)
    db.execute(SQL["note_visit"], (link, moment[:10], what, moment))


def remove_portal_links(db: Connection, customer: int) -> None:
    """Delete the links of a customer that is being deleted, with their access log."""
    db.execute(SQL["delete_visits_of_customer"], (customer,))
    db.execute(SQL["delete_of_customer"], (customer,))


def _entry(db: Connection, row: Any) -> PortalLinkEntry:
    link, customer_id, external_id, name, accounting_ref, frame_ancestors, *moments = row
    uses = db.execute(SQL["visits"], (link, _USES_MAX))
    return PortalLinkEntry(
        id=link,
        customer=CustomerBrief(
            id=customer_id,
            external_id=external_id,
            company_name=name,
            accounting_ref=accounting_ref,
        ),
        frame_ancestors=frame_ancestors,
        created_at=moments[0],
        expires_at=moments[1],
        revoked_at=moments[2],
        uses=[
            PortalUse(day=day, what=what, total=total, last_at=last_at)
            for day, what, total, last_at in uses
        ],
    )


def _after(now: datetime, seconds: int) -> datetime:
    """Add a duration to a moment. The guide sets no maximum (docs/api-evidence.md, Customer
    portal); the calendar does."""
    left = int((_NEVER - now).total_seconds())
    return now + timedelta(seconds=seconds) if seconds < left else _NEVER


def _frame_ancestors(text: str | None) -> str | None:
    """Normalise host names and reject anything else, which could extend the page's security
    policy."""
    hosts = (text or "").split()
    for host in hosts:
        if not _HOST.fullmatch(host):
            refuse("frameAncestors", f"{host!r} is no host name, such as app.example.com")
    if len(hosts) > _HOSTS_MAX:
        refuse("frameAncestors", f"names more than {_HOSTS_MAX} hosts")
    return " ".join(hosts) or None
