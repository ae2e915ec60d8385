"""Links to a customer's portal. A link is shown once; only a keyed hash of its token is stored."""

from __future__ import annotations

import base64
import binascii
import os
import re
from datetime import UTC, datetime, timedelta
from uuid import UUID

from msgspec import Struct

from headrace.model.clock import format_instant
from headrace.model.collection import PortalRequest
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


class PortalDoor(Struct, frozen=True):
    """What a token gives access to while it is valid."""

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
    row = db.execute(SQL["by_id"], (str(UUID(bytes=data[:_ID_BYTES])),)).fetchone()
    if row is None:
        return None
    token_hash, frame_ancestors, expires_at, revoked_at, customer_id, *owner = row
    organisation = Organisation(*owner)
    if not is_signed(token_hash, organisation.secret, "portal", token):
        return None
    return PortalDoor(
        organisation, Address(id=customer_id), frame_ancestors, expires_at, revoked_at is not None
    )


def revoke_portal_links(db: Connection, context: Context, customer: Address) -> int:
    """Revoke all links of a customer; returns their number. Raises NotFound."""
    row = get_customer(db, context, customer)
    return db.execute(SQL["revoke_of_customer"], (context.timestamp, row.seq)).rowcount


def remove_portal_links(db: Connection, customer: int) -> None:
    """Delete the links of a customer that is being deleted."""
    db.execute(SQL["delete_of_customer"], (customer,))


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
