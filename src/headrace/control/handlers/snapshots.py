"""Snapshots of the whole hub."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, TypeVar

from headrace.control.desk import Order
from headrace.control.records import Snapshots
from headrace.model.errors import BadRequest, ConfigurationError
from headrace.store.admin.snapshots import (
    Snapshot,
    delete_snapshot,
    list_snapshots,
    make_snapshot,
    restore_snapshot,
)

T = TypeVar("T")


async def list_(order: Order) -> Snapshots:
    """List all snapshots, oldest first."""
    return Snapshots(snapshots=await _on_thread(list_snapshots, order.desk.place))


async def create(order: Order) -> Snapshot:
    """Create a snapshot of the present state."""
    name = order.body.name
    given = name if isinstance(name, str) else None
    desk = order.desk
    return await _on_thread(make_snapshot, desk.place, desk.keeper.files, given, order.now)


async def restore(order: Order) -> Snapshot:
    """Restore all organisations to the snapshot's state."""
    desk = order.desk
    restored = await _on_thread(
        restore_snapshot, desk.place, desk.keeper.files, order.names["name"]
    )
    desk.keeper.sweep()
    return restored


async def delete(order: Order) -> None:
    """Delete a snapshot."""
    await _on_thread(delete_snapshot, order.desk.place, order.names["name"])


async def _on_thread(run: Callable[..., T], *arguments: Any) -> T:
    try:
        return await asyncio.to_thread(run, *arguments)
    except ConfigurationError as error:
        raise BadRequest(str(error)) from None
