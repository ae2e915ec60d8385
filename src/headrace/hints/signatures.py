"""Checks that a webhook comes from whom it says: by a signature or by a password."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from collections.abc import Mapping

from headrace.model.webhook_settings import WebhookSettings

_TOLERANCE_S = 300.0
"""How old a signed message may be, as Stripe proposes; an old one may be a replay."""


def is_genuine(
    settings: WebhookSettings, secret: str, headers: Mapping[str, str], body: bytes, now: float
) -> bool:
    """Whether the request was made by someone who knows the secret.

    `now` is in seconds since 1970. Comparisons take the same time wherever they fail.
    """
    if settings.check == "stripe":
        return _is_stripe(secret, headers.get("Stripe-Signature", ""), body, now)
    if settings.check == "chargebee":
        return _has_password(secret, headers.get("Authorization", ""))
    return _has_digest(secret, headers.get(settings.header, ""), body)


def _is_stripe(secret: str, header: str, body: bytes, now: float) -> bool:
    """Stripe signs `time.body`; while a secret is rolled, there are several signatures."""
    parts = [part.partition("=") for part in header.split(",")]
    moment = next((value for key, _, value in parts if key.strip() == "t"), "")
    if not (moment.isascii() and moment.isdecimal()) or len(moment) > 12:
        return False
    if abs(now - int(moment)) > _TOLERANCE_S:
        return False
    expected = hmac.new(secret.encode(), moment.encode() + b"." + body, hashlib.sha256).hexdigest()
    given = [value for key, _, value in parts if key.strip() == "v1"]
    return any(_equal(value, expected) for value in given)


def _has_password(secret: str, header: str) -> bool:
    """Chargebee signs nothing: its webhooks carry the user and password that one gives it."""
    kind, _, encoded = header.partition(" ")
    try:
        given = base64.b64decode(encoded, validate=True)
    except (binascii.Error, ValueError):
        return False
    return kind.lower() == "basic" and hmac.compare_digest(given, secret.encode())


def _has_digest(secret: str, header: str, body: bytes) -> bool:
    """HMAC-SHA256 of the body, in hexadecimal or Base64, with or without `sha256=` before it."""
    digest = hmac.new(secret.encode(), body, hashlib.sha256).digest()
    given = header.strip().removeprefix("sha256=")
    encoded = base64.b64encode(digest).decode()
    return _equal(given.lower(), digest.hex()) or _equal(given, encoded)


def _equal(given: str, expected: str) -> bool:
    return hmac.compare_digest(given.encode(), expected.encode())
