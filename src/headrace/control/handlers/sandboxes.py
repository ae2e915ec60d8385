"""Sandboxes: made in one call, and deleted with all their data."""

from __future__ import annotations

import asyncio
from typing import Any

from headrace.control.desk import Order
from headrace.control.sandbox_records import SandboxAnswer, Sandboxes, SandboxMade, fields_of
from headrace.control.sandboxes import make_sandbox, want_sandbox
from headrace.model.clock import format_instant
from headrace.model.errors import NotFound
from headrace.store.admin.sandboxes import Sandbox, counts_of, find_sandbox, list_sandboxes
from headrace.store.connection import Connection
from headrace.store.records.organisations import organisation_by_seq


async def create(order: Order) -> SandboxMade:
    """Make a sandbox, or nothing of it."""
    desk = order.desk
    # On a thread: making up thousands of entities takes a while.
    wanted = await asyncio.to_thread(
        want_sandbox, order.body, order.now, desk.profiles, test_mode=desk.times.test_mode
    )
    made = await desk.store.write(0, make_sandbox, wanted, desk.times)
    desk.faults.remove_all(wanted.name)
    if desk.expiry is not None:
        desk.expiry.wake()
    fields: dict[str, Any] = fields_of(made.sandbox, made.counts, order.origin)
    pair = made.pair
    return SandboxMade(**fields, key=pair.key, secret=pair.secret, named=made.named)


async def list_(order: Order) -> Sandboxes:
    """List the sandboxes that have not expired."""
    now = format_instant(order.now)

    def found(db: Connection) -> list[SandboxAnswer]:
        return [_answer(db, one, order.origin) for one in list_sandboxes(db) if _lives(one, now)]

    return Sandboxes(sandboxes=await order.desk.store.scan(found))


async def read(order: Order) -> SandboxAnswer:
    """Return one sandbox."""
    name, now = order.names["name"], format_instant(order.now)

    def found(db: Connection) -> SandboxAnswer | None:
        sandbox = find_sandbox(db, name)
        if sandbox is None or not _lives(sandbox, now):
            return None
        return _answer(db, sandbox, order.origin)

    answer = await order.desk.store.read(found)
    if answer is None:
        raise NotFound(f"There is no sandbox {name} here.")
    return answer


async def delete(order: Order) -> None:
    """Delete a sandbox with all its data."""
    name, desk = order.names["name"], order.desk
    sandbox = await desk.store.read(find_sandbox, name)
    if sandbox is None or desk.expiry is None or not await desk.expiry.remove(sandbox):
        raise NotFound(f"There is no sandbox {name} here.")


def _lives(sandbox: Sandbox, now: str) -> bool:
    return sandbox.expires_at is None or sandbox.expires_at > now


def _answer(db: Connection, sandbox: Sandbox, origin: str) -> SandboxAnswer:
    fields: dict[str, Any] = fields_of(
        sandbox, counts_of(db, organisation_by_seq(db, sandbox.seq)), origin
    )
    return SandboxAnswer(**fields)
