"""Chooses the kind of door for a hub."""

from __future__ import annotations

from headrace.model.clock import Clock
from headrace.server.admission.database_door import DatabaseDoor
from headrace.server.admission.door import Door, Gates, InlineDoor
from headrace.server.admission.limits import Limits, LocalGates
from headrace.store.engine.interface import Store
from headrace.store.engine.postgres import PostgresStore
from headrace.store.engine.sqlite import SqliteStore


def door_for(store: Store, clock: Clock, limits: Limits, gates: Gates | None = None) -> Door:
    """Return the door for a store. On PostgreSQL the limits are shared by all hubs of the
    database; otherwise `gates` count, by default those of this process."""
    if isinstance(store, PostgresStore):
        return DatabaseDoor(store, clock, limits)
    assert isinstance(store, SqliteStore)
    return InlineDoor(store, clock, gates or LocalGates(limits))
