"""Reads only what changed since the last time, of tables that have a cursor; everything now and
then.

The last rows are still staged. Rows whose cursor is at or after the last one, less an overlap, are
read again and replace those of the same key. A deleted row is noticed when everything is read: at
the first time, whenever the columns have changed, and at each sweep.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from datetime import UTC

import duckdb

from headrace.model.clock import SYSTEM_CLOCK, Clock, parse_interval
from headrace.model.errors import SourceError
from headrace.model.source_settings import Incremental
from headrace.sources.source import Source, check_offered, literal, quoted, staged

_SWEEPS = "incremental.sweeps"
_DATED = ("TIMESTAMP", "DATE", "VARCHAR")
_EXACT = ("DECIMAL", "BIGINT", "HUGEINT")

WithQueries = Callable[[Mapping[str, str]], Source]
"""Opens the same source with further queries."""


class IncrementalSource:
    """A database of which some tables are read by a cursor."""

    def __init__(
        self,
        source: Source,
        tables: Mapping[str, Incremental],
        queries: Mapping[str, str],
        zone: str,
        reopen: WithQueries,
        clock: Clock = SYSTEM_CLOCK,
    ) -> None:
        """`queries` are the project's own; `zone` is what the database needs behind a moment in
        UTC."""
        self._source = source
        self._cursors = tables
        self._queries = queries
        self._zone = zone
        self._reopen = reopen
        self._clock = clock

    def tables(self) -> frozenset[str]:
        offered = self._source.tables()
        check_offered(self._cursors, offered, "source.incremental names a table, but the database")
        return offered

    def stage(
        self, connection: duckdb.DuckDBPyConnection, names: Collection[str]
    ) -> dict[str, int]:
        connection.execute(
            "create schema if not exists source; create schema if not exists incremental; "
            f"create table if not exists {_SWEEPS} (name varchar, settings varchar, begun double)"
        )
        since = {name: self._since(connection, name) for name in names if name in self._cursors}
        parts = {f"{name} changed": self._query(name, text) for name, text in since.items() if text}
        whole = [name for name in names if f"{name} changed" not in parts]
        source = self._reopen(parts)
        try:
            # All at once, so that they show one moment.
            counts = source.stage(connection, [*whole, *parts])
        finally:
            source.close()
        again = [name for name in since if since[name] and not self._merge(connection, name)]
        if again:
            counts |= self._source.stage(connection, again)
        for name in {*whole, *again} & self._cursors.keys():
            self._check_columns(connection, name)
            self._note(connection, name)
        return {
            name: int(connection.execute(f"select count(*) from {staged(name)}").fetchall()[0][0])
            for name in names
        }

    def mark(self, now: float) -> str | None:
        return self._source.mark(now)

    def table_marks(self, names: Collection[str], now: float) -> dict[str, str | None]:
        return dict.fromkeys(names, self._source.mark(now))

    def close(self) -> None:
        self._source.close()

    def _since(self, connection: duckdb.DuckDBPyConnection, name: str) -> str:
        """Return the literal to read from; empty when everything must be read."""
        settings = self._cursors[name]
        row = connection.execute(
            f"select begun from {_SWEEPS} where name = $1 and settings = $2",
            [name, repr(settings)],
        ).fetchone()
        age = self._clock.now().timestamp() - (row[0] if row else 0.0)
        if row is None or not 0 <= age < parse_interval(settings.sweep).total_seconds():
            return ""
        column, whole = quoted(settings.cursor), staged(name)
        try:
            kinds = connection.execute(f"select typeof({column}) from {whole} limit 1").fetchall()
            kind = kinds[0][0] if kinds else ""
            last = connection.execute(
                f"select max({column}) from {whole} where {self._has_been(column, kind)}"
            ).fetchall()[0][0]
        except duckdb.Error:
            return ""
        if last is None:
            return ""
        if not kind.startswith(_DATED):
            return str(last)
        overlap = parse_interval(settings.overlap).total_seconds()
        moment = connection.execute(
            "select strftime(try_cast($1 as timestamp) - to_seconds($2), '%Y-%m-%d %H:%M:%S')",
            [str(last), overlap],
        ).fetchall()[0][0]
        zone = self._zone if kind == "TIMESTAMP" else ""
        return literal(f"{moment}{zone}") if moment else ""

    def _has_been(self, column: str, kind: str) -> str:
        """SQL: whether a cursor is no moment that lies ahead. Reading would start from there, and
        leave out whatever changes until then."""
        if not kind.startswith(_DATED):
            return "true"
        now = f"{self._clock.now().astimezone(UTC):%Y-%m-%d %H:%M:%S.%f}"
        if kind == "VARCHAR":
            return f"coalesce(try_cast({column} as timestamp) <= timestamp {literal(now)}, true)"
        utc = now[:10] if kind == "DATE" else f"{now}+00"
        return f"{column} <= {literal(utc)}::{kind}"

    def _query(self, name: str, since: str) -> str:
        column = quoted(self._cursors[name].cursor)
        rows = self._queries.get(name, "").strip().rstrip(";")
        rows = f"({rows}\n) q" if rows else name
        return f"select * from {rows} where {column} >= {since} or {column} is null"

    def _merge(self, connection: duckdb.DuckDBPyConnection, name: str) -> bool:
        """Put the changed rows into the table; returns False when their columns differ from it."""
        whole, part = staged(name), staged(f"{name} changed")
        key = quoted(self._cursors[name].key)
        alike = _fits(connection, whole, part)
        if alike:
            # Rows without a key replace nothing, and are added unless they are there already.
            connection.execute(
                f"delete from {whole} where {key} in (select {key} from {part}); "
                f"insert into {whole} from {part} where {key} is not null "
                f"union all (from {part} where {key} is null "
                f"except all from {whole} where {key} is null)"
            )
        connection.execute(f"drop table {part}")
        return alike

    def _check_columns(self, connection: duckdb.DuckDBPyConnection, name: str) -> None:
        there = {column.lower() for column, _ in _shape(connection, staged(name))}
        settings = self._cursors[name]
        for use, column in (("cursor", settings.cursor), ("key", settings.key)):
            if column.lower() not in there:
                raise SourceError(
                    f"Table {name} has no column {column}: check {use} in "
                    f"[source.incremental.{name}]."
                )

    def _note(self, connection: duckdb.DuckDBPyConnection, name: str) -> None:
        connection.execute(f"delete from {_SWEEPS} where name = $1", [name])
        connection.execute(
            f"insert into {_SWEEPS} values ($1, $2, $3)",
            [name, repr(self._cursors[name]), self._clock.now().timestamp()],
        )


def _fits(connection: duckdb.DuckDBPyConnection, whole: str, part: str) -> bool:
    """Whether the part has the columns of the whole, and only values that its types hold.

    The types of numbers may differ, because a query does not know how many digits a column has.
    """
    there, here = _shape(connection, whole), _shape(connection, part)
    if [name for name, _ in there] != [name for name, _ in here]:
        return False
    lossy = []
    for (name, kind), (_, other) in zip(there, here, strict=True):
        if kind == other:
            continue
        if not (kind.startswith(_EXACT) and other.startswith(_EXACT)):
            return False
        lossy.append(f"try_cast({quoted(name)} as {kind}) is distinct from {quoted(name)}")
    if not lossy:
        return True
    found = connection.execute(f"select 1 from {part} where {' or '.join(lossy)} limit 1")
    return not found.fetchall()


def _shape(connection: duckdb.DuckDBPyConnection, table: str) -> list[tuple[str, str]]:
    rows = connection.execute(f"describe {table}").fetchall()
    return [(str(row[0]), str(row[1])) for row in rows]
