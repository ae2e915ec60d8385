"""Databases for sources to stage tables in: to open an engine takes longer than most stagings."""

from __future__ import annotations

from functools import cache
from itertools import count

import duckdb

_NUMBERS = count(1)


@cache
def _engine() -> duckdb.DuckDBPyConnection:
    return duckdb.connect()


def empty_database() -> duckdb.DuckDBPyConnection:
    """Return a connection to a database of its own; it shares the engine's settings with others,
    so whoever changes one of these opens an engine."""
    connection, name = _engine().cursor(), f"empty{next(_NUMBERS)}"
    connection.execute(f"attach ':memory:' as {name}; use {name}")
    return connection
