"""Access by OAuth 2.0: by client credentials, or by a refresh token that rotates."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import msgspec

from headrace.model.clock import SYSTEM_CLOCK
from headrace.systems.api_reader import ApiReader
from headrace.systems.token_file import TokenFile, Tokens

_EARLY_S = 60
"""How long before its end an access token is renewed."""
_BRIEF_S = 300
"""How long one is used that does not say when it ends."""

Grant = Callable[[Mapping[str, str]], Any]
"""Sends the fields of a grant to the token endpoint, and returns what that answers."""


def form_grant(address: str, headers: Mapping[str, str], advice: str) -> Grant:
    """Return a grant whose fields are sent as a form; `advice` ends the error of a refusal."""
    api = ApiReader(address, headers)
    return lambda fields: _asked(lambda: api.post_form("", fields), fields, address, advice)


def json_grant(address: str, advice: str) -> Grant:
    """Return a grant whose fields are sent as JSON; `advice` ends the error of a refusal."""
    api = ApiReader(address, {})
    return lambda fields: _asked(lambda: api.post("", dict(fields)), fields, address, advice)


def _asked(ask: Callable[[], Any], fields: Mapping[str, str], address: str, advice: str) -> Any:
    try:
        answer = ask()
    except RuntimeError as error:
        # A newer refresh token is none of the options, so nobody else hides it.
        words = str(error).replace(fields.get("refresh_token") or "\n", "***").rstrip(". ")
        raise RuntimeError(f"{words}. {advice}") from None
    if not isinstance(answer, dict) or not answer.get("access_token"):
        raise RuntimeError(f"{address} answers without an access token. {advice}")
    return answer


class ClientCredentials:
    """A token for the application itself, which is kept in memory only."""

    def __init__(self, grant: Grant, fields: Mapping[str, str]) -> None:
        """`fields` are those of the grant besides its type."""
        self._grant = grant
        self._fields = {"grant_type": "client_credentials", **fields}
        self._token = ""
        self._ends = 0.0

    def headers(self, method: str, address: str) -> Mapping[str, str]:
        """Return the token as a header."""
        if SYSTEM_CLOCK.monotonic() >= self._ends:
            answer = self._grant(self._fields)
            self._token = str(answer["access_token"])
            self._ends = SYSTEM_CLOCK.monotonic() + _lasts_s(answer)
        return {"Authorization": f"Bearer {self._token}"}

    def renew(self) -> bool:
        """Forget the token."""
        self._ends = 0.0
        return True


class RotatingToken:
    """A refresh token that the API replaces whenever it is used; see `TokenFile`."""

    def __init__(
        self, grant: Grant, options: Mapping[str, Any], fields: Mapping[str, str] | None = None
    ) -> None:
        """Options: `refresh_token`, and `auth_file` for the newer ones. `fields` are those of the
        grant besides its type and the token."""
        self._grant = grant
        self._fields = dict(fields or {})
        self._file = TokenFile(Path(options["auth_file"]), str(options["refresh_token"]))
        self._tokens: Tokens | None = None

    def headers(self, method: str, address: str) -> Mapping[str, str]:
        """Return the access token as a header."""
        if self._tokens is None or self._ended(self._tokens):
            self._tokens = self._newest("")
        return {"Authorization": f"Bearer {self._tokens.access_token}"}

    def renew(self) -> bool:
        """Get another access token than the one that was refused."""
        self._tokens = self._newest(self._tokens.access_token if self._tokens else "")
        return True

    def _newest(self, refused: str) -> Tokens:
        with self._file.alone():
            kept = self._file.read()
            if not self._ended(kept) and kept.access_token != refused:
                return kept
            answer = self._grant(
                {
                    "grant_type": "refresh_token",
                    "refresh_token": kept.refresh_token,
                    **self._fields,
                }
            )
            fresh = msgspec.structs.replace(
                kept,
                refresh_token=str(answer.get("refresh_token") or kept.refresh_token),
                access_token=str(answer["access_token"]),
                expires=SYSTEM_CLOCK.now().timestamp() + _lasts_s(answer),
            )
            self._file.write(fresh)
            return fresh

    def _ended(self, tokens: Tokens) -> bool:
        return not tokens.access_token or SYSTEM_CLOCK.now().timestamp() >= tokens.expires


def _lasts_s(answer: Mapping[str, Any]) -> float:
    return float(answer.get("expires_in") or _BRIEF_S) - _EARLY_S
