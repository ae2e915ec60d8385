"""Values of custom fields that people assign."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any

from headrace.control.desk import Order
from headrace.model.entity import Entity
from headrace.store.records.assigned_values import assign_values
from headrace.store.records.references import parse_address


def assigner(entity: Entity) -> Callable[[Order], Coroutine[Any, Any, Any]]:
    """Return a handler that sets values of one document."""

    async def assign(order: Order) -> Any:
        address = parse_address(order.names["id"])
        return await order.write(assign_values, entity, address, order.body.custom_fields)

    return assign
