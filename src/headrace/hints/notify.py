"""LISTEN/NOTIFY: triggers in the billing database tell of each commit."""

from __future__ import annotations

import asyncio
from importlib import resources
from typing import Any

from headrace.hints.postgres_session import (
    IS_INSTALLED,
    MISSING,
    BaseTable,
    base_tables,
    postgres_session,
)
from headrace.hints.tables import names_read
from headrace.hints.way import Hint, HintsLost, Subject
from headrace.sources.source import quoted

CHANNEL = "headrace"
_HEARTBEAT_S = 60.0
"""Seconds without a notification after which the connection is tried."""
_SQL = resources.files("headrace.hints").joinpath("trigger.sql").read_text(encoding="utf-8")
_FUNCTION, _TRIGGER = _SQL.split("-- For each table:\n")
_WITHOUT = """
select c.oid::int8 from pg_class c
where c.oid = any($1) and not exists (
    select 1 from pg_trigger t
    where t.tgrelid = c.oid and t.tgname = 'headrace_hint' and t.tgenabled <> 'D'
)
"""


class NotifyWay:
    """Notifications that triggers send when a transaction commits."""

    name = "notify"
    delay = "at once"

    def __init__(self, subject: Subject) -> None:
        self._subject = subject

    async def objection(self) -> str:
        if not IS_INSTALLED:
            return MISSING
        async with postgres_session(self._subject) as connection:
            without = await self._without_trigger(connection, await self._tables(connection))
        if not without:
            return ""
        shown = ", ".join(table.qualified for table in without[:3])
        more = f" and {len(without) - 3} more" if len(without) > 3 else ""
        return (
            f"no trigger on {shown}{more}: "
            f"`headrace hints trigger {self._subject.organisation}` prints the statements"
        )

    async def watch(self, hint: Hint) -> None:
        async with postgres_session(self._subject) as connection:
            wanted = {table.qualified for table in await self._tables(connection)}
            await connection.execute(f"listen {CHANNEL}")
            hint()
            while True:
                async for one in connection.notifies(timeout=_HEARTBEAT_S):
                    # A table that was made since is not in the list, but its schema's others are.
                    if not one.payload or one.payload in wanted:
                        hint()
                await connection.execute("select")
        raise HintsLost("PostgreSQL closed the connection.")

    async def _tables(self, connection: Any) -> list[BaseTable]:
        names = await asyncio.to_thread(names_read, self._subject)
        return await base_tables(connection, self._subject, names)

    async def _without_trigger(self, connection: Any, tables: list[BaseTable]) -> list[BaseTable]:
        query = _WITHOUT.replace("$1", "%s")
        cursor = await connection.execute(query, [[table.oid for table in tables]])
        oids = {oid for (oid,) in await cursor.fetchall()}
        return [table for table in tables if table.oid in oids]


async def trigger_sql(subject: Subject) -> str:
    """Return the statements that make PostgreSQL notify of changes of the tables that models read.

    Raises HintsLost if the database can't be reached, SourceError and ModelError.
    """
    if not IS_INSTALLED:
        raise HintsLost(f"{MISSING}.")
    names = await asyncio.to_thread(names_read, subject)
    async with postgres_session(subject) as connection:
        tables = await base_tables(connection, subject, names)
    schema = quoted(subject.source.schema or "public")
    made = [
        _TRIGGER.format(schema=schema, table=f"{quoted(table.schema)}.{quoted(table.name)}")
        for table in tables
    ]
    return _FUNCTION.format(schema=schema, channel=CHANNEL) + "".join(made)
