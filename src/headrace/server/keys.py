"""Who is asking: key pairs held in memory, fetched again when somebody makes or revokes one."""

from __future__ import annotations

import hmac

from headrace.model.errors import InvalidKey
from headrace.store.context import Organisation
from headrace.store.organisations import ActiveKey, active_keys, hash_secret, keys_version
from headrace.store.sqlite import SqliteStore

_NO_HASH = hash_secret("")


class Keys:
    """The active keys of the database, never older than its last commit."""

    def __init__(self, store: SqliteStore) -> None:
        self._store = store
        self._seen = -1
        self._version = -1
        self._active: dict[str, ActiveKey] = {}

    def organisation(self, key: str | None, secret: str | None) -> Organisation:
        """Whose key pair it is; raises InvalidKey."""
        if not key or not secret:
            raise InvalidKey("The headers X-Api-Key and X-Api-Secret are needed on every request.")
        self._refresh()
        active = self._active.get(key)
        expected = active.secret_hash if active else _NO_HASH
        if not hmac.compare_digest(hash_secret(secret), expected) or active is None:
            raise InvalidKey(
                "X-Api-Key and X-Api-Secret are not those of a key that is in force: check them, "
                "or make a new key."
            )
        return active.organisation

    def _refresh(self) -> None:
        seen = self._store.changes()
        if seen == self._seen:
            return
        version = self._store.read_now(keys_version)
        if version != self._version:
            self._active = self._store.read_now(active_keys)
            self._version = version
        self._seen = seen
