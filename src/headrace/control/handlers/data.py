"""An organisation's data as a whole: reset it, or fill it from a seed."""

from __future__ import annotations

from headrace.control.desk import Order
from headrace.control.records import SeedAnswer
from headrace.control.seed import play_seed
from headrace.control.seed_line import parse_seed
from headrace.store.admin.reset import reset_organisation
from headrace.store.connection import Connection
from headrace.store.context import Context


async def reset(order: Order) -> None:
    """Delete everything except the keys."""
    await order.write(_reset)
    order.desk.faults.remove_all(order.names["organisation"])
    order.desk.keeper.sweep()


async def seed(order: Order) -> SeedAnswer:
    """Carry out all lines of the seed, or none."""
    lines = parse_seed(order.body)
    answer = await order.write(play_seed, lines, order.desk.times)
    order.desk.keeper.sweep()
    return answer


def _reset(db: Connection, context: Context) -> None:
    reset_organisation(db, context.organisation)
