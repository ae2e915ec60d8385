"""What people make and the API does not: users, bank accounts, dunning plans, actions, positions,
and customers without an external id."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any

import msgspec

from headrace.control.desk import Order
from headrace.control.records import Position, Positions
from headrace.model.collection import Action
from headrace.model.customer import CustomerAnswer
from headrace.model.entity import Entity
from headrace.store.connection import Connection
from headrace.store.context import Context
from headrace.store.records.actions import make_action
from headrace.store.records.customers import make_customer
from headrace.store.records.directory import delete_entry
from headrace.store.records.organisations import delete_position, make_position, position_names


def creator(make: Callable[..., Any]) -> Callable[[Order], Coroutine[Any, Any, Any]]:
    """Return a handler that creates an entry from a draft's fields."""

    async def create(order: Order) -> Any:
        return await order.write(_make, make, msgspec.structs.asdict(order.body))

    return create


def remover(entity: Entity) -> Callable[[Order], Coroutine[Any, Any, None]]:
    """Return a handler that deletes an entry that nothing refers to."""

    async def delete(order: Order) -> None:
        await order.write(delete_entry, entity, order.names["id"])

    return delete


async def create_customer(order: Order) -> CustomerAnswer:
    """Create a customer by hand, with or without an external id."""
    return await order.write(make_customer, order.body)


async def create_action(order: Order) -> Action:
    """Create a reminder, task or reply."""
    return await order.write(make_action, order.body)


async def positions(order: Order) -> Positions:
    """List all positions of contacts."""
    organisation = await order.organisation()
    return Positions(positions=await order.desk.store.read(position_names, organisation))


async def create_position(order: Order) -> Position:
    """Create a position; does nothing when it exists."""
    await order.write(_make_position, order.body.name)
    position: Position = order.body
    return position


async def remove_position(order: Order) -> None:
    """Delete a position that no contact has."""
    await order.write(_delete_position, order.names["name"])


def _make(
    db: Connection, context: Context, make: Callable[..., Any], fields: dict[str, Any]
) -> Any:
    return make(db, context, **fields)


def _make_position(db: Connection, context: Context, name: str) -> None:
    make_position(db, context.organisation.seq, name)


def _delete_position(db: Connection, context: Context, name: str) -> None:
    delete_position(db, context.organisation, name)
