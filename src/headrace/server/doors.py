"""Which door a hub has."""

from __future__ import annotations

from headrace.model.clock import Clock
from headrace.server.database_door import DatabaseDoor
from headrace.server.door import Door, Gates, InlineDoor
from headrace.server.limits import Limits, LocalGates
from headrace.store.postgres import PostgresStore
from headrace.store.sqlite import SqliteStore
from headrace.store.store import Store


def door_for(store: Store, clock: Clock, limits: Limits, gates: Gates | None = None) -> Door:
    """On PostgreSQL the limits hold for all hubs of the database; else by `gates`, the process's
    own unless given."""
    if isinstance(store, PostgresStore):
        return DatabaseDoor(store, clock, limits)
    assert isinstance(store, SqliteStore)
    return InlineDoor(store, clock, gates or LocalGates(limits))
