"""An organisation's clock in test mode."""

from __future__ import annotations

from headrace.control.desk import Order
from headrace.control.records import ClockAnswer
from headrace.model.clock import format_instant, parse_instant, parse_interval
from headrace.model.errors import BadRequest, Forbidden
from headrace.store.admin.frozen_clock import advance_clock, release_clock, stop_clock
from headrace.store.connection import Connection
from headrace.store.context import Context


async def read(order: Order) -> ClockAnswer:
    """Return the organisation's time."""
    organisation = await order.organisation()
    times = order.desk.times
    stopped = times.test_mode and organisation.clock is not None
    return ClockAnswer(now=format_instant(times.now(organisation)), stopped=stopped)


async def freeze(order: Order) -> ClockAnswer:
    """Freeze the clock, now or at a given moment."""
    _check_mode(order)
    at = order.body.at
    moment = parse_instant(at) if isinstance(at, str) else None

    def stop(db: Connection, context: Context) -> None:
        stop_clock(db, context.organisation.seq, moment or context.now)

    await order.write(stop)
    return await read(order)


async def advance(order: Order) -> ClockAnswer:
    """Move it forward."""
    _check_mode(order)
    try:
        by = parse_interval(order.body.by)
    except (ValueError, OverflowError) as error:
        raise BadRequest(f"by: {error}.", (("by", str(error)),)) from None

    def move(db: Connection, context: Context) -> None:
        advance_clock(db, context.organisation, by, context.now)

    await order.write(move)
    return await read(order)


async def release(order: Order) -> None:
    """Return to real time; works without test mode too."""

    def let_go(db: Connection, context: Context) -> None:
        release_clock(db, context.organisation.seq)

    await order.write(let_go)


def _check_mode(order: Order) -> None:
    if not order.desk.times.test_mode:
        raise Forbidden(
            "Test clocks are only for a hub that is started with --test-mode; nothing was changed."
        )
