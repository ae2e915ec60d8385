"""Scripts of faults."""

from __future__ import annotations

from headrace.control.desk import Order, named_organisation
from headrace.control.records import ScriptReports
from headrace.model.errors import BadRequest
from headrace.server.faults.scripts import ScriptReport


async def create(order: Order) -> ScriptReport:
    """Add a script."""
    if order.desk.workers > 1:
        raise BadRequest(
            f"Faults are kept in the memory of one process, and this hub has {order.desk.workers}: "
            "start it with --workers 1."
        )
    if isinstance(name := order.body.organisation, str):
        await order.desk.store.read(named_organisation, name)
    return order.desk.faults.add(order.body)


async def list_(order: Order) -> ScriptReports:
    """Report on all scripts."""
    return ScriptReports(scripts=order.desk.faults.reports())


async def read(order: Order) -> ScriptReport:
    """Report which faults of a script have fired."""
    return order.desk.faults.report(order.names["id"])


async def delete(order: Order) -> ScriptReport:
    """Remove a script; the answer is its last report."""
    return order.desk.faults.remove(order.names["id"])


async def delete_all(order: Order) -> None:
    """Remove all scripts."""
    order.desk.faults.remove_all()
