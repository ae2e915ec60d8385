"""A connection to PostgreSQL for hints, which shows where it came from if it ends."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib.util import find_spec
from typing import Any

from msgspec import Struct

from headrace.hints.tables import base_tables_query
from headrace.hints.way import HintsLost, Subject
from headrace.model.extras import load_extra
from headrace.sources.address import Address
from headrace.sources.databases.adbc import driver_words
from headrace.sources.databases.keepalive import LIBPQ

IS_INSTALLED = find_spec("psycopg") is not None

MISSING = "psycopg is not installed: pip install 'headrace[postgres]'"
_SETTINGS: dict[str, Any] = {
    "connect_timeout": 10,
    "application_name": "headrace hints",
    **LIBPQ,
}


class BaseTable(Struct, frozen=True):
    """A table with rows of its own, behind what models read."""

    oid: int
    schema: str
    name: str
    kind: str
    """`r` for a table, `p` for one that only has partitions."""

    @property
    def qualified(self) -> str:
        """Its name as PostgreSQL's notifications have it."""
        return f"{self.schema}.{self.name}"


@asynccontextmanager
async def postgres_session(subject: Subject) -> AsyncIterator[Any]:
    """Open a connection that commits each statement. Errors within become HintsLost."""
    address = Address(subject.source.url)
    driver = load_extra("psycopg", "postgres", "PostgreSQL")
    try:
        async with await driver.AsyncConnection.connect(
            subject.source.url, autocommit=True, **_SETTINGS
        ) as connection:
            yield connection
    except driver.Error as error:
        words = driver_words(error, address.secrets)
        raise HintsLost(f"PostgreSQL {address.shown}: {words}") from None


async def base_tables(connection: Any, subject: Subject, names: list[str]) -> list[BaseTable]:
    """Return the tables behind the names that the models read."""
    cursor = await connection.execute(base_tables_query(subject, names))
    return [BaseTable(*row) for row in await cursor.fetchall()]
