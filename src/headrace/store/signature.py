"""Signed links, which prove by themselves that this hub issued them and until when they are
valid."""

from __future__ import annotations

import base64
import hmac


def sign(secret: str, *parts: object) -> str:
    """Return a keyed hash of the parts, in URL-safe characters."""
    text = "\n".join(str(part) for part in parts)
    digest = hmac.digest(secret.encode(), text.encode(), "sha256")
    return base64.urlsafe_b64encode(digest).decode().rstrip("=")


def is_signed(signature: str, secret: str, *parts: object) -> bool:
    """Whether `sign` made this signature of the parts; compares in constant time."""
    return hmac.compare_digest(signature.encode(), sign(secret, *parts).encode())
