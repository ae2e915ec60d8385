"""Counters of PostgreSQL's tables, for a role that may only read. They lag by about a second."""

from __future__ import annotations

import asyncio

from headrace.hints.postgres_session import IS_INSTALLED, MISSING, base_tables, postgres_session
from headrace.hints.tables import names_read
from headrace.hints.way import Hint, Subject
from headrace.model.clock import Clock, until_next

_EVERY_S = 1.5
_OFF = "track_counts is off on this server"
# A standby does not count; its position in the log moves with anything at all.
_COUNTERS = """
select
    case when pg_is_in_recovery() then pg_last_wal_replay_lsn()::text end,
    sum(s.n_tup_ins + s.n_tup_upd + s.n_tup_del)::text,
    sum(hashoid(pg_relation_filenode(s.relid)))::text
from pg_stat_user_tables s
where s.relid = any('{{{oids}}}'::oid[])
"""


class CountersWay:
    """`pg_stat_user_tables`, looked at every 1.5 seconds."""

    name = "counters"
    delay = "within about 2 s"

    def __init__(self, subject: Subject, clock: Clock) -> None:
        self._subject = subject
        self._clock = clock

    async def objection(self) -> str:
        if not IS_INSTALLED:
            return MISSING
        async with postgres_session(self._subject) as connection:
            cursor = await connection.execute("select current_setting('track_counts')")
            return "" if (await cursor.fetchone())[0] == "on" else _OFF

    async def watch(self, hint: Hint) -> None:
        async with postgres_session(self._subject) as connection:
            names = await asyncio.to_thread(names_read, self._subject)
            tables = await base_tables(connection, self._subject, names)
            # Without parameters and prepared once, it takes the client half as long to ask.
            counters = _COUNTERS.format(oids=",".join(str(one.oid) for one in tables))
            cursor, before = connection.cursor(), None
            while True:
                await cursor.execute(counters, prepare=True)
                now = await cursor.fetchone()
                if now != before:
                    hint()
                before = now
                await self._clock.sleep(until_next(_EVERY_S, self._clock))
