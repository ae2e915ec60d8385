"""Authentication: the database's key pairs, cached in memory, and the time each was last used."""

from __future__ import annotations

import asyncio
import hmac
import logging
from collections.abc import Mapping

from headrace.model.clock import Clock, format_instant
from headrace.model.errors import InvalidKey
from headrace.store.admin.keys import ActiveKey, hash_secret, record_uses
from headrace.store.context import Organisation
from headrace.store.engine.interface import Store

_LOGGER = logging.getLogger("headrace.server")
_NO_HASH = hash_secret("")
_USE_EVERY_S = 60.0
"""Minimum interval between two recorded uses of the same key."""
_SAVE_AFTER_S = 1.0
"""How long recorded uses are collected before they are stored in one write."""


class Keys:
    """The active keys as of `version`; the owner of the object keeps it up to date."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self.version = -1
        self._store = store
        self._clock = clock
        self._active: Mapping[str, ActiveKey] = {}
        self._noted: dict[str, float] = {}
        self._uses: dict[str, str] = {}

    def replace(self, version: int, active: Mapping[str, ActiveKey]) -> None:
        """Replace all keys after one was created, rotated or revoked."""
        self.version = version
        self._active = active

    def find(self, key: str | None, secret: str | None, arrived: float) -> Organisation | None:
        """Return the key pair's organisation, None for an unknown pair. Raises InvalidKey when a
        header is missing.

        `arrived` is the request's monotonic time.
        """
        if not key or not secret:
            raise InvalidKey("The headers X-Api-Key and X-Api-Secret are needed on every request.")
        active = self._active.get(key)
        expected = active.secret_hash if active else _NO_HASH
        if not hmac.compare_digest(hash_secret(secret), expected) or active is None:
            return None
        if active.expires_at and active.expires_at <= format_instant(self._clock.now()):
            return None
        if arrived - self._noted.get(key, -_USE_EVERY_S) >= _USE_EVERY_S:
            self._note(key, arrived)
        return active.organisation

    def check(self, key: str | None, secret: str | None, arrived: float) -> Organisation:
        """Like `find`, but also raises InvalidKey for an unknown pair."""
        organisation = self.find(key, secret, arrived)
        if organisation is None:
            raise InvalidKey(
                "X-Api-Key and X-Api-Secret are not those of a key that is in force: check them, "
                "or make a new key."
            )
        return organisation

    async def close(self) -> None:
        """Store the uses that are still pending."""
        uses, self._uses = self._uses, {}
        if uses:
            await asyncio.wait([asyncio.ensure_future(self._store.write(0, record_uses, uses))])

    def _note(self, key: str, arrived: float) -> None:
        self._noted[key] = arrived
        if not self._uses:
            asyncio.get_running_loop().call_later(_SAVE_AFTER_S, self._save)
        self._uses[key] = format_instant(self._clock.now())

    def _save(self) -> None:
        uses, self._uses = self._uses, {}
        if uses:
            future = asyncio.ensure_future(self._store.write(0, record_uses, uses))
            future.add_done_callback(_saved)


def _saved(future: asyncio.Future[None]) -> None:
    if not future.cancelled() and future.exception() is not None:
        _LOGGER.warning("the last use of keys can't be stored: %s", future.exception())
