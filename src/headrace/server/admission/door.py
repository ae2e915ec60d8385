"""Where a request comes in: whose it is, and whether it is within the limits."""

from __future__ import annotations

from typing import Protocol

from msgspec import Struct

from headrace.model.clock import Clock
from headrace.server.admission.keys import Keys
from headrace.server.admission.limits import RateRefusal
from headrace.store.admin.keys import active_keys, keys_version
from headrace.store.context import Organisation
from headrace.store.engine.sqlite import SqliteStore


class Visitor(Struct):
    """A request of a known organisation."""

    organisation: Organisation
    in_flight: int
    """The organisation's requests under way at its arrival, itself included."""
    refusal: RateRefusal | None = None
    """Why it was not let in; who is not let in does not leave."""


class Door(Protocol):
    """Lets requests in, exactly as many as the limits allow; keys are never older than the
    database's last commit."""

    async def admit(self, key: str | None, secret: str | None, arrived: float) -> Visitor:
        """`arrived` is the clock's monotonic time. Raises InvalidKey, or ServiceUnavailable when
        the database can't be asked."""

    def leave(self, visitor: Visitor) -> None:
        """The request of a visitor that was let in is answered."""

    async def close(self) -> None:
        """Store what is kept back; after the last request."""


class Gates(Protocol):
    """The limits of organisations, by their numbers."""

    def enter(self, organisation: int, now: float) -> int:
        """Let a request in that arrives at `now` (monotonic seconds), or raise RateRefusal.

        Gives how many are under way, itself included.
        """

    def leave(self, organisation: int) -> None:
        """The request is answered."""


class InlineDoor:
    """A door that never waits: keys and limits are at hand on the machine."""

    def __init__(self, store: SqliteStore, clock: Clock, gates: Gates) -> None:
        self._store = store
        self._keys = Keys(store, clock)
        self._gates = gates
        self._seen = -1

    async def admit(self, key: str | None, secret: str | None, arrived: float) -> Visitor:
        if self._store.changes() != self._seen:
            self._renew()
        organisation = self._keys.check(key, secret, arrived)
        try:
            return Visitor(organisation, self._gates.enter(organisation.seq, arrived))
        except RateRefusal as refusal:
            return Visitor(organisation, refusal.in_flight, refusal)

    def leave(self, visitor: Visitor) -> None:
        self._gates.leave(visitor.organisation.seq)

    async def close(self) -> None:
        await self._keys.close()

    def _renew(self) -> None:
        seen = self._store.changes()
        version = self._store.read_now(keys_version)
        if version != self._keys.version:
            self._keys.replace(version, self._store.read_now(active_keys))
        self._seen = seen
