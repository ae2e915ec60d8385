"""MySQL and MariaDB: the position of the binary log, or the times of the tables."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import ExitStack, suppress
from typing import Any, TypeVar

from headrace.hints.way import Hint, HintsLost, Subject
from headrace.model.clock import Clock, until_next
from headrace.model.errors import SourceError
from headrace.sources.address import Address
from headrace.sources.databases.mysql_session import MysqlSession, mysql_failures, mysql_session

T = TypeVar("T")

_EVERY_S = 1.5
_POSITIONS = ("show master status", "show binary log status")
"""The statement of MariaDB and older MySQL, and that of newer MySQL."""
# The times are whole seconds, so that a second change within one shows only when the last column
# turns.
_TIMES = (
    "select count(*), max(update_time), max(update_time) > now() - interval 2 second "
    "from information_schema.tables "
    "where table_type = 'BASE TABLE' and table_schema not in "
    "('mysql', 'sys', 'information_schema', 'performance_schema')"
)


class MysqlCountersWay:
    """The server's own record that something was written, looked at every 1.5 seconds."""

    name = "counters"
    delay = "within about 2 s"

    def __init__(self, subject: Subject, clock: Clock) -> None:
        self._address = Address(subject.source.url)
        self._clock = clock

    async def objection(self) -> str:
        try:
            await asyncio.to_thread(self._once)
        except SourceError as error:
            return str(error)
        return ""

    async def watch(self, hint: Hint) -> None:
        stack = ExitStack()
        try:
            session = await _asked(lambda: self._open(stack))
            before: Any = None
            while True:
                now = await _asked(lambda: self._state(session))
                if now != before:
                    hint()
                before = now
                await self._clock.sleep(until_next(_EVERY_S, self._clock))
        except SourceError as error:
            raise HintsLost(str(error)) from None
        finally:
            await asyncio.to_thread(stack.close)

    def _once(self) -> None:
        with ExitStack() as stack:
            self._state(self._open(stack))

    def _open(self, stack: ExitStack) -> MysqlSession:
        with mysql_failures(f"MySQL {self._address.shown}", self._address):
            session = stack.enter_context(mysql_session(self._address))
            # An open transaction would keep the server from purging old rows.
            session.rows("rollback")
        with suppress(Exception):
            session.rows("set session information_schema_stats_expiry = 0")  # MySQL 8 only
        return session

    def _state(self, session: MysqlSession) -> tuple[Any, ...]:
        with mysql_failures(f"MySQL {self._address.shown}", self._address):
            for statement in _POSITIONS:
                with suppress(Exception):
                    if rows := session.rows(statement):
                        return tuple(rows[0][:2])
            times = session.rows(_TIMES)[0]
            session.rows("rollback")
            return times


async def _asked(ask: Callable[[], T]) -> T:
    return await asyncio.to_thread(ask)
