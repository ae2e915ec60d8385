"""Access by OAuth 1.0: each request is signed with HMAC-SHA256, as RFC 5849 says."""

from __future__ import annotations

import base64
import hashlib
import hmac
import os
from collections.abc import Callable, Mapping
from urllib.parse import parse_qsl, quote, urlsplit

from msgspec import Struct

from headrace.model.clock import SYSTEM_CLOCK, Clock


class SigningKeys(Struct, frozen=True, kw_only=True):
    """What a request is signed with."""

    realm: str
    consumer_key: str
    consumer_secret: str
    token: str
    token_secret: str


class Signature:
    """The signatures of one application for one user."""

    def __init__(
        self,
        keys: SigningKeys,
        clock: Clock = SYSTEM_CLOCK,
        nonce: Callable[[], str] = lambda: os.urandom(16).hex(),
    ) -> None:
        self._keys = keys
        self._clock = clock
        self._nonce = nonce

    def headers(self, method: str, address: str) -> Mapping[str, str]:
        """Return the signature as a header."""
        keys = self._keys
        said = {
            "oauth_consumer_key": keys.consumer_key,
            "oauth_nonce": self._nonce(),
            "oauth_signature_method": "HMAC-SHA256",
            "oauth_timestamp": str(int(self._clock.now().timestamp())),
            "oauth_token": keys.token,
            "oauth_version": "1.0",
        }
        parts = urlsplit(address)
        asked = parse_qsl(parts.query, keep_blank_values=True)
        listed = sorted((_encoded(k), _encoded(v)) for k, v in [*said.items(), *asked])
        base = "&".join(
            (
                method,
                _encoded(f"{parts.scheme}://{parts.netloc}{parts.path}"),
                _encoded("&".join(f"{name}={value}" for name, value in listed)),
            )
        )
        key = f"{_encoded(keys.consumer_secret)}&{_encoded(keys.token_secret)}"
        digest = hmac.new(key.encode(), base.encode(), hashlib.sha256).digest()
        said["oauth_signature"] = base64.b64encode(digest).decode()
        fields = ", ".join(f'{name}="{_encoded(value)}"' for name, value in said.items())
        return {"Authorization": f'OAuth realm="{_encoded(keys.realm)}", {fields}'}

    def renew(self) -> bool:
        """Return False: another signature with the same keys is no better."""
        return False


def _encoded(text: str) -> str:
    return quote(text, safe="~")
