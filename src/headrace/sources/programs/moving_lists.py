"""Lists of an API that move while they are read page by page.

When a record is deleted, each later one moves up by one place, and the first of the next page to a
page that was read already. The reading lacks that record, and a plan would delete it. So a reading
that lacks records is followed by another one, until one has all that the reading before it had.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import duckdb

from headrace.model.errors import SourceError
from headrace.sources.source import quoted, staged

_READINGS = 4


def read_until_still(
    connection: duckdb.DuckDBPyConnection,
    what: str,
    keys: Mapping[str, str],
    read: Callable[[bool], None],
) -> None:
    """Stage tables by `read`, which is told whether it reads again and must read everything.

    `keys` are the columns that identify the records, by table; one without that column is not read
    again for its sake. Raises SourceError for lists that change each time.
    """
    for reading in range(_READINGS):
        for name, key in keys.items():
            _note_keys(connection, name, key)
        read(reading > 0)
        moved = [name for name, key in keys.items() if _lacks_some(connection, name, key)]
        if not moved:
            return
    raise SourceError(f"{what}: the list of {moved[0]} changes each time it is read.")


def _before(name: str) -> str:
    return f"temp.{quoted(f'keys of {name}')}"


def _note_keys(connection: duckdb.DuckDBPyConnection, name: str, key: str) -> None:
    column = quoted(key)
    try:
        connection.execute(
            f"create or replace temp table {_before(name)} as select {column}::varchar as key "
            f"from {staged(name)} where {column} is not null"
        )
    except (duckdb.CatalogException, duckdb.BinderException):  # the first time, or no such column
        connection.execute(f"create or replace temp table {_before(name)} (key varchar)")


def _lacks_some(connection: duckdb.DuckDBPyConnection, name: str, key: str) -> bool:
    column = quoted(key)
    try:
        found = connection.execute(
            f"select 1 from {_before(name)} anti join (select {column}::varchar as key "
            f"from {staged(name)}) using (key) limit 1"
        ).fetchall()
    except duckdb.BinderException:
        return False
    finally:
        connection.execute(f"drop table {_before(name)}")
    return bool(found)
