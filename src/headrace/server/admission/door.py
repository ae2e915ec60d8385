"""Authenticates and admits a request: whose key it has, and whether it is within the limits."""

from __future__ import annotations

from typing import Protocol

from msgspec import Struct

from headrace.model.clock import Clock
from headrace.server.admission.keys import Keys
from headrace.server.admission.limits import Limits, RateRefusal, parse_limits
from headrace.store.admin.keys import active_keys, keys_version
from headrace.store.context import Organisation
from headrace.store.engine.sqlite import SqliteStore


class Visitor(Struct):
    """An authenticated request."""

    organisation: Organisation
    in_flight: int
    """The organisation's requests in flight at its arrival, itself included."""
    refusal: RateRefusal | None = None
    """Why it was not admitted; a refused request must not be passed to `leave`."""


class Door(Protocol):
    """Admits exactly as many requests as the limits allow. Keys are never older than the
    database's last commit."""

    async def admit(self, key: str | None, secret: str | None, arrived: float) -> Visitor:
        """Admit a request that arrived at `arrived`, in monotonic seconds of the clock. Raises
        InvalidKey, or ServiceUnavailable when the database can't be reached."""

    def leave(self, visitor: Visitor) -> None:
        """Release an admitted request, once it is answered."""

    def forget(self, organisation: int) -> None:
        """Drop what was counted of an organisation that is gone, by its number."""

    async def close(self) -> None:
        """Store pending data; call it after the last request."""


class Gates(Protocol):
    """The limits of organisations, by the organisations' numbers."""

    def enter(self, organisation: int, now: float, limits: Limits | None = None) -> int:
        """Admit a request that arrives at `now` (monotonic seconds). Raises RateRefusal.

        `limits` are those of an organisation that has its own, always the same ones. Returns the
        number of requests in flight, itself included.
        """

    def leave(self, organisation: int) -> None:
        """Release the slot of an answered request."""

    def forget(self, organisation: int) -> None:
        """Drop what was counted of an organisation that is gone."""


class InlineDoor:
    """A door that never blocks: keys and limits are available on this machine."""

    def __init__(self, store: SqliteStore, clock: Clock, gates: Gates) -> None:
        self._store = store
        self._keys = Keys(store, clock)
        self._gates = gates
        self._seen = -1

    async def admit(self, key: str | None, secret: str | None, arrived: float) -> Visitor:
        if self._store.changes() != self._seen:
            self._renew()
        organisation = self._keys.check(key, secret, arrived)
        own = organisation.limits
        limits = None if own is None else parse_limits(own)
        try:
            return Visitor(organisation, self._gates.enter(organisation.seq, arrived, limits))
        except RateRefusal as refusal:
            return Visitor(organisation, refusal.in_flight, refusal)

    def leave(self, visitor: Visitor) -> None:
        self._gates.leave(visitor.organisation.seq)

    def forget(self, organisation: int) -> None:
        self._gates.forget(organisation)

    async def close(self) -> None:
        await self._keys.close()

    def _renew(self) -> None:
        seen = self._store.changes()
        version = self._store.read_now(keys_version)
        if version != self._keys.version:
            self._keys.replace(version, self._store.read_now(active_keys))
        self._seen = seen
