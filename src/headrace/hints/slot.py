"""A temporary logical replication slot: PostgreSQL decodes its log, and nothing is left behind."""

from __future__ import annotations

import asyncio
import ssl
from importlib.util import find_spec
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
from headrace.model.extras import load_extra
from headrace.sources.address import Address
from headrace.sources.source import quoted

_NEEDED = 160_000
_STATE = """
select
    current_setting('server_version_num')::int,
    current_setting('wal_level'),
    (select rolreplication or rolsuper from pg_roles where rolname = current_user),
    current_setting('max_replication_slots')::int
        - (select count(*) from pg_replication_slots)::int
"""


class SlotWay:
    """Changes that a temporary slot streams."""

    name = "slot"
    delay = "at once"

    def __init__(self, subject: Subject) -> None:
        self._subject = subject
        self._address = Address(subject.source.url)

    async def objection(self) -> str:
        if not IS_INSTALLED:
            return MISSING
        if find_spec("pgnudge") is None:
            return "pgnudge is not installed: pip install 'headrace[postgres]'"
        if not self._address.host or self._address.host.startswith("/"):
            return "the address has no host, and a slot is not read through a Unix socket"
        async with postgres_session(self._subject) as connection:
            row = await (await connection.execute(_STATE)).fetchone()
        version, level, allowed, free = row
        if version < _NEEDED:
            return "the server is older than PostgreSQL 16"
        if level != "logical":
            return f"wal_level is {level}: set it to logical and restart the server"
        if not allowed:
            user = self._address.user or "USER"
            return f"the role may not replicate: alter role {quoted(user)} replication"
        if free < 1:
            return "max_replication_slots leaves no slot free"
        return ""

    async def watch(self, hint: Hint) -> None:
        async with postgres_session(self._subject) as connection:
            names = await asyncio.to_thread(names_read, self._subject)
            tables = await base_tables(connection, self._subject, names)
        wanted = {name for table in tables for name in _written(table)}
        library = load_extra("pgnudge", "postgres", "A replication slot")
        async with self._changes(library) as changes:
            async for item in changes:
                if isinstance(item, library.Resync) or not wanted.isdisjoint(item.payloads()):
                    hint()
        raise HintsLost(f"PostgreSQL {self._address.shown} ended the slot.")

    def _changes(self, library: Any) -> Any:
        address = self._address
        return library.WalFeed(
            host=address.host,
            port=address.port or 5432,
            user=address.user,
            password=address.password or None,
            database=address.database,
            ssl=_tls(address.parameters.get("sslmode", "")),
            plugin="test_decoding",  # the default, wal2json, would be waited for where it lacks
            application_name="headrace hints",
            debounce=0.02,
        )


def _tls(mode: str) -> bool | ssl.SSLContext:
    """Return pgnudge's setting for libpq's `sslmode`."""
    if mode in ("verify-ca", "verify-full"):
        return True
    if mode == "require":
        context = ssl.create_default_context()
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        return context
    return False


def _written(table: BaseTable) -> set[str]:
    """Return the spellings of a name in the decoded log, which quotes only where needed."""
    schemas = {table.schema, quoted(table.schema)}
    names = {table.name, quoted(table.name)}
    return {f"{schema}.{name}" for schema in schemas for name in names}
