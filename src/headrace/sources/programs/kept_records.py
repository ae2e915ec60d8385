"""Records of an API, kept in the organisation's book so that only changes have to be read.

The schema `kept` has one row per record, as JSON, and one per place that records come from. A book
is a cache: without it, everything is read again.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import duckdb
import msgspec

from headrace.sources.source import literal, quoted

_LINES = (
    "header = false, delim = '\\x01', quote = '', escape = '', columns = {line: 'varchar'}, "
    "max_line_size = 67108864"
)
_FORGOTTEN_S = 7 * 86_400.0
"""Places that were not read for so long are those of earlier settings, such as an earlier key."""
_MAKE = """
create schema if not exists kept;
create table if not exists kept.records
    (place varchar, name varchar, key varchar, record varchar);
create table if not exists kept.places
    (place varchar, names varchar[], since varchar, begun double);
"""


class KeptRecords:
    """The records of one place, such as one account at an API."""

    def __init__(self, connection: duckdb.DuckDBPyConnection, place: str) -> None:
        self._connection = connection
        self._place = place
        connection.execute(_MAKE)

    def since(self, names: Collection[str], now: float, sweep_s: float) -> Any:
        """Return what the last reading of these tables left to continue from; None when everything
        must be read: at first, for other tables than the last time, and when the sweep is due."""
        row = self._connection.execute(
            "select names, since, begun from kept.places where place = $1", [self._place]
        ).fetchone()
        if row is None or set(row[0]) != set(names) or not 0 <= now - row[2] < sweep_s:
            return None
        return msgspec.json.decode(row[1])

    @contextmanager
    def changing(self) -> Iterator[None]:
        """Make all changes inside a `with`, or none of them."""
        self._connection.execute("begin transaction")
        try:
            yield
        except BaseException:
            self._connection.execute("rollback")
            raise
        self._connection.execute("commit")

    def replace(self, names: Iterable[str]) -> None:
        """Forget the records of these tables, because all of them were read."""
        for name in names:
            self._connection.execute(
                "delete from kept.records where place = $1 and name = $2", [self._place, name]
            )

    def put(self, name: str, key: str, file: Path) -> None:
        """Take the records of a file of JSON lines; the last of each key counts."""
        self._connection.execute(
            "create or replace temp table arrived as "
            # One without a key is only replaced by its like: others may be other records.
            f"select coalesce(json_extract_string(line, {literal('$.' + quoted(key))}), "
            "'no key ' || md5(line)) as key, "
            "arg_max(line, place) as record from (select line, row_number() over () as place "
            f"from read_csv({literal(str(file))}, {_LINES})) group by 1"
        )
        self._connection.execute(
            "delete from kept.records where place = $1 and name = $2 "
            "and key in (select key from arrived)",
            [self._place, name],
        )
        self._connection.execute(
            "insert into kept.records select $1, $2, key, record from arrived",
            [self._place, name],
        )
        self._connection.execute("drop table arrived")

    def drop(self, name: str, keys: list[str], others: bool = False) -> None:
        """Forget the records of these keys, or those of all other keys."""
        self._connection.execute(
            f"delete from kept.records where place = $1 and name = $2 and key "
            f"{'not ' if others else ''}in (select unnest($3::varchar[]))",
            [self._place, name, keys],
        )

    def drop_parts(self, name: str, starts: list[str]) -> None:
        """Forget the records whose keys start with one of these texts, which end with `/`."""
        self._connection.execute(
            "delete from kept.records where place = $1 and name = $2 "
            "and split_part(key, '/', 1) || '/' in (select unnest($3::varchar[]))",
            [self._place, name, starts],
        )

    def note(self, names: Collection[str], since: Any, begun: float | None) -> None:
        """Remember what to continue from; `begun` is the time of a reading of everything, at which
        places that were not read for a week are forgotten."""
        if begun is not None:
            self._connection.execute(
                "delete from kept.places where begun < $1", [begun - _FORGOTTEN_S]
            )
            self._connection.execute("delete from kept.places where place = $1", [self._place])
            self._connection.execute(
                "insert into kept.places values ($1, $2, '', $3)",
                [self._place, sorted(names), begun],
            )
            self._connection.execute(
                "delete from kept.records where place not in (select place from kept.places)"
            )
        self._connection.execute(
            "update kept.places set since = $2 where place = $1",
            [self._place, msgspec.json.encode(since).decode()],
        )

    def write(self, name: str, file: Path) -> None:
        """Write the records of a table to a file of JSON lines, in the order of their keys."""
        self._connection.execute(
            "copy (select record from kept.records where "
            f"place = {literal(self._place)} and name = {literal(name)} order by key) "
            f"to {literal(str(file))} "
            "(format csv, header false, delimiter '\\x01', quote '', escape '')"
        )


def column_types(columns: Mapping[str, str]) -> str:
    """Return the columns of a table as DuckDB's `read_json` takes them."""
    listed = ", ".join(f"{literal(name)}: {literal(kind)}" for name, kind in columns.items())
    return "{" + listed + "}"
