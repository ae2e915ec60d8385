"""Who may use the sync pages, and who is signed in. Sessions end with the process."""

from __future__ import annotations

import base64
import hashlib
import hmac
import os
import threading
from collections.abc import Mapping

from msgspec import Struct

from headrace.model.clock import Clock
from headrace.model.errors import ConfigurationError

SESSION_S = 12 * 3600.0
_FAILURES = 5
_BLOCKED_S = 900.0
_MOST = 1_000
"""Sessions, and names with failed attempts, that are remembered."""
SECRET_LEAST = 12
"""Characters that a secret has at least."""


class _Session(Struct, frozen=True):
    name: str
    ends_at: float


class People:
    """The people with their secrets, and their sessions. Its methods may be called on any
    thread."""

    def __init__(self, secrets: Mapping[str, str], clock: Clock) -> None:
        """Raises ConfigurationError for a secret that is too short."""
        for name, secret in secrets.items():
            if len(secret) < SECRET_LEAST:
                raise ConfigurationError(
                    f"[run.people] {name}: a secret has at least {SECRET_LEAST} characters."
                )
        self._digests = {name: _digest(secret) for name, secret in secrets.items()}
        self._clock = clock
        self._key = os.urandom(32)
        self._sessions: dict[str, _Session] = {}
        self._failed: dict[str, list[float]] = {}
        self._lock = threading.Lock()

    def __bool__(self) -> bool:
        return bool(self._digests)

    def sign_in(self, name: str, secret: str) -> str:
        """Return the token of a new session; empty if the name or the secret is wrong."""
        known = self._digests.get(name, _digest(""))
        right = hmac.compare_digest(_digest(secret), known) and name in self._digests
        now = self._clock.monotonic()
        with self._lock:
            if not right:
                self._note_failure(name, now)
                return ""
            self._failed.pop(name, None)
            token = base64.urlsafe_b64encode(os.urandom(32)).decode().rstrip("=")
            self._end_old(now)
            self._sessions[_key(token)] = _Session(name, now + SESSION_S)
        return token

    def is_blocked(self, name: str) -> bool:
        """Whether too many attempts with this name have failed lately."""
        now = self._clock.monotonic()
        with self._lock:
            return len(self._recent(name, now)) >= _FAILURES

    def who(self, token: str) -> str:
        """Return the name of a session; empty if there is none with this token."""
        with self._lock:
            found = self._sessions.get(_key(token))
        if found is None or found.ends_at < self._clock.monotonic():
            return ""
        return found.name

    def sign_out(self, token: str) -> None:
        """End a session."""
        with self._lock:
            self._sessions.pop(_key(token), None)

    def proof(self, token: str) -> str:
        """Return what a form of a session carries, so that no other site can send one. Where nobody
        signs in, the token is empty, and still no other site knows this."""
        digest = hmac.digest(self._key, f"form {token}".encode("utf-8", "replace"), "sha256")
        return base64.urlsafe_b64encode(digest).decode()

    def is_proven(self, proof: str, token: str) -> bool:
        """Whether a form was made for this session."""
        return hmac.compare_digest(proof.encode("utf-8", "replace"), self.proof(token).encode())

    def _recent(self, name: str, now: float) -> list[float]:
        return [at for at in self._failed.get(name, ()) if now - at < _BLOCKED_S]

    def _note_failure(self, name: str, now: float) -> None:
        recent = [*self._recent(name, now), now]
        self._failed.pop(name, None)
        self._failed[name] = recent
        while len(self._failed) > _MOST:
            del self._failed[next(iter(self._failed))]

    def _end_old(self, now: float) -> None:
        for key in [key for key, one in self._sessions.items() if one.ends_at < now]:
            del self._sessions[key]
        while len(self._sessions) >= _MOST:
            del self._sessions[next(iter(self._sessions))]


def _digest(secret: str) -> bytes:
    return hashlib.sha256(secret.encode("utf-8", "replace")).digest()


def _key(token: str) -> str:
    """Return what a session is remembered by; the token itself is nowhere but in the cookie."""
    return hashlib.sha256(token.encode("utf-8", "replace")).hexdigest()
