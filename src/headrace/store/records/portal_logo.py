"""The picture of an organisation in its portal."""

from __future__ import annotations

import base64

from msgspec import Struct

from headrace.store.connection import Connection
from headrace.store.context import Context
from headrace.store.queries import PORTAL as SQL
from headrace.store.records.patch import refuse

LOGO_MAX = 100_000
"""Maximum size of a logo, in bytes."""
_PNG = b"\x89PNG\r\n\x1a\n"
_JPEG = b"\xff\xd8\xff"
_GIF = (b"GIF87a", b"GIF89a")
_WEBP = b"RIFF", b"WEBP"


class Logo(Struct, frozen=True):
    """A picture that a browser shows and that can't contain a script."""

    media_type: str
    content: bytes


def set_logo(db: Connection, context: Context, content: bytes) -> None:
    """Set the organisation's logo. Raises BadRequest for one that is too large, or is no PNG, JPEG,
    GIF or WebP; an SVG could contain scripts."""
    media_type = media_type_of(content)
    if media_type is None:
        refuse("logo", "is no PNG, JPEG, GIF or WebP")
    if len(content) > LOGO_MAX:
        refuse("logo", f"is larger than {LOGO_MAX:,} bytes")
    text = base64.b64encode(content).decode()
    db.execute(SQL["set_logo"], (context.organisation.seq, media_type, text))


def remove_logo(db: Connection, context: Context) -> None:
    """Remove the organisation's logo, if it has one."""
    db.execute(SQL["delete_logo"], (context.organisation.seq,))


def read_logo(db: Connection, context: Context) -> Logo | None:
    """Return the organisation's logo."""
    row = db.execute(SQL["logo"], (context.organisation.seq,)).fetchone()
    return Logo(row[0], base64.b64decode(row[1])) if row else None


def has_logo(db: Connection, context: Context) -> bool:
    """Whether the organisation has a logo."""
    return db.execute(SQL["has_logo"], (context.organisation.seq,)).fetchone() is not None


def media_type_of(content: bytes) -> str | None:
    """Return the type of a picture by its first bytes; None for any other."""
    if content.startswith(_PNG):
        return "image/png"
    if content.startswith(_JPEG):
        return "image/jpeg"
    if content.startswith(_GIF):
        return "image/gif"
    if content[:4] == _WEBP[0] and content[8:12] == _WEBP[1]:
        return "image/webp"
    return None
