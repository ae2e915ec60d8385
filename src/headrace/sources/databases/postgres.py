"""A PostgreSQL database as a source: one read-only snapshot for all tables.

Types that DuckDB has are kept. `numeric(p, s)` becomes DECIMAL(p, s). `numeric` without bounds
becomes BIGINT when every value is whole and fits, as ids are; DECIMAL(38, 10) when every value fits
that; else text without trailing zeros. `timestamptz` becomes TIMESTAMP in UTC; arrays and row types
become JSON text; everything else (json, uuid, enums, ranges, ...) becomes the text that PostgreSQL
shows. NaN and infinite dates become NULL: neither is an amount or a day.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from decimal import Decimal

import duckdb
from msgspec import Struct

from headrace.model.errors import SourceError
from headrace.sources.address import Address
from headrace.sources.databases.adbc import Database, reading, to_postgres
from headrace.sources.databases.postgres_errors import is_passing, remedy
from headrace.sources.databases.postgres_marks import PostgresChanges, moment_of, moves_unseen
from headrace.sources.moved import Reading, replace_rows
from headrace.sources.source import check_offered, count_rows, literal, quoted, staged

_SAME = {"bool", "int2", "int4", "int8", "float4", "float8", "bytea"}
_MOMENTS = {"date": "{0}", "timestamp": "{0}", "timestamptz": "{0} at time zone 'UTC'"}

_SHORT = 18
"""Digits of a `numeric` that fit a whole number of 64 bits."""


class _Column(Struct, frozen=True):
    """A column as PostgreSQL's catalog describes it, with domains resolved."""

    name: str
    type: str
    category: str
    modifier: int


class PostgresSource:
    """Tables and views of one database (one schema, or the search path), and the project's own
    queries."""

    def __init__(self, url: str, schema: str, queries: dict[str, str]) -> None:
        self._url = url
        self._address = Address(url)
        self._schema = schema
        self._queries = queries

    def tables(self) -> frozenset[str]:
        with self._reading(), to_postgres(self._url) as database:
            return frozenset(self._own_tables(database)) | self._queries.keys()

    def stage(
        self, connection: duckdb.DuckDBPyConnection, names: Collection[str]
    ) -> dict[str, int]:
        connection.execute("create schema if not exists source")
        try:
            return self._stage(connection, names)
        except SourceError as error:
            if not is_passing(str(error)):
                raise
        return self._stage(connection, names)

    def _stage(
        self, connection: duckdb.DuckDBPyConnection, names: Collection[str]
    ) -> dict[str, int]:
        with self._reading(), self._snapshot(connection) as database:
            own = self._own_tables(database)
            check_offered(names, own.keys() | self._queries.keys(), self._where)
            for name in names:
                with self._reading(f", table {name}"):
                    _stage_table(database, name, own.get(name, ""), self._queries.get(name, ""))
        return {name: count_rows(connection, name) for name in names}

    @contextmanager
    def _snapshot(self, connection: duckdb.DuckDBPyConnection) -> Iterator[Database]:
        """Open a read-only transaction that sees one moment, for the length of a `with`."""
        with to_postgres(self._url, connection) as database:
            database.run("begin isolation level repeatable read read only")
            # All settings belong to the transaction: a pooler gives the next one to another server.
            database.run("set local client_encoding = 'UTF8'")
            if self._schema:
                database.run(f"set local search_path = {quoted(self._schema)}")
            yield database
            database.run("rollback")

    def stage_moved(
        self,
        connection: duckdb.DuckDBPyConnection,
        names: Collection[str],
        earlier: Mapping[str, str],
        now: float,
    ) -> Reading:
        connection.execute("create schema if not exists source")
        try:
            return self._stage_moved(connection, names, earlier)
        except SourceError as error:
            if not is_passing(str(error)):
                raise
        return self._stage_moved(connection, names, {})

    def _stage_moved(
        self,
        connection: duckdb.DuckDBPyConnection,
        names: Collection[str],
        earlier: Mapping[str, str],
    ) -> Reading:
        with self._reading(), self._snapshot(connection) as database:
            own = self._own_tables(database)
            check_offered(names, own.keys() | self._queries.keys(), self._where)
            tables = {name: own[name] for name in names if name not in self._queries}
            queries = {name: self._queries[name] for name in names if name in self._queries}
            changes = PostgresChanges(database, tables, queries, earlier)
            merged = []
            for name in changes.moved:
                with self._reading(f", table {name}"):
                    if self._stage_changed(database, name, own.get(name, ""), changes):
                        merged.append(name)
            return Reading(changes.marks(), changes.moved, merged)

    def _stage_changed(
        self, database: Database, name: str, table: str, changes: PostgresChanges
    ) -> bool:
        """Read the new rows of a table, or the whole where that is not enough or not better; return
        whether only the new ones were read."""
        key, condition, remaining = changes.part_of(name)
        if key and _merge(database, name, table, key, condition, remaining):
            return True
        _stage_table(database, name, table, self._queries.get(name, ""))
        return False

    def mark(self, now: float) -> str | None:
        """Return the server's snapshot, which stays the same while nobody writes anything."""
        with self._reading(), to_postgres(self._url) as database:
            if moves_unseen(database, self._queries.values()):
                return None
            moment = moment_of(database)
        return f"{moment.server} {moment.snapshot}"

    def close(self) -> None:
        """Do nothing: no resource is held between calls."""

    @property
    def _where(self) -> str:
        """Return the database's address for messages: no user, password or parameters."""
        return f"PostgreSQL {self._address.shown}"

    @contextmanager
    def _reading(self, detail: str = "") -> Iterator[None]:
        # libpq repeats an address that it can't parse in its message.
        try:
            with reading(self._where + detail, self._address.secrets):
                yield
        except SourceError as error:
            hint = remedy(str(error), self._address.user)
            if not hint or hint in str(error):
                raise
            raise SourceError(f"{error}{hint}") from None

    def _own_tables(self, database: Database) -> dict[str, str]:
        """Return, for everything that can be selected from, the qualified name by lower-case
        name."""
        here = (
            f"n.nspname = {literal(self._schema)}" if self._schema else "pg_table_is_visible(c.oid)"
        )
        found = database.rows(
            f"select c.relname::text, n.nspname::text, {here}, "
            "format('%I.%I', n.nspname, c.relname) from pg_class c "
            "join pg_namespace n on n.oid = c.relnamespace where n.nspname not in "
            "('pg_catalog', 'information_schema') and n.nspname not like 'pg\\_t%' "
            # A lower-case name takes precedence over one that differs only in case.
            "and c.relkind in ('r', 'p', 'v', 'm', 'f') order by c.relname = lower(c.relname)"
        )
        if self._schema and not any(inside for _, _, inside, _ in found):
            raise SourceError(f"{self._where} has no schema {self._schema} with tables in it.")
        return {
            (str(name) if inside else f"{schema}.{name}").lower(): str(qualified)
            for name, schema, inside, qualified in found
        }


def _merge(
    database: Database, name: str, table: str, key: str, condition: str, remaining: int
) -> bool:
    """Put the new rows of a table in the place of their earlier versions.

    `remaining` is the number of all other rows of the table. Returns False if the staged table
    could not be brought up to date; it is then to be read as a whole.
    """
    target, part = database.target, f"{name} changed"
    whole, changed, id = staged(name), staged(part), quoted(key)
    _stage_table(database, part, table, "", condition)
    try:
        if _shape(target, whole) != _shape(target, changed):
            return False
        gone = f"{id} in (select {id} from {changed})"
        # The other rows are rows of the earlier moment too. If there are as many of them as staged
        # rows without a new version, they are the same ones. Else some were deleted.
        if _number(target, f"{whole} where not {gone}") != remaining:
            database.into(
                "create or replace temp table present as select * from stream",
                f"select {id}{'::text' if _is_text(target, whole, id) else ''} from {table} "
                f"where not ({condition})",
            )
            gone = f"({gone} or {id} not in (select {id} from present))"
            if _number(target, f"{whole} where not {gone}") != remaining:
                return False
        replace_rows(target, name, gone, changed)
        return True
    finally:
        target.execute(f"drop table {changed}")


def _shape(target: duckdb.DuckDBPyConnection, table: str) -> list[tuple[str, str]]:
    return [(str(row[0]), str(row[1])) for row in target.execute(f"describe {table}").fetchall()]


def _is_text(target: duckdb.DuckDBPyConnection, table: str, column: str) -> bool:
    found = target.execute(f"select typeof(any_value({column})) from {table}").fetchall()
    return bool(found[0][0] == "VARCHAR")


def _number(target: duckdb.DuckDBPyConnection, source: str) -> int:
    return int(target.execute(f"select count(*) from {source}").fetchall()[0][0])


def _stage_table(
    database: Database, name: str, table: str, query: str, condition: str = ""
) -> None:
    """Stage a table or a query; of a table only the rows of `condition`, with the types that all
    of its rows have."""
    query = query.strip().rstrip(";")
    columns = _query_columns(database, query) if query else _table_columns(database, table)
    rows = f"({query}\n) q" if query else table
    open_ended = [c for c in columns if c.type in ("numeric", "money") and _bounds(c) is None]
    fitting = _fitting(database, rows, open_ended)
    rows += f" where {condition}" if condition else ""
    reads, keeps = [], []
    for column in columns:
        c = quoted(column.name)
        reads.append(f"{_read(column)} as {c}")
        keeps.append(_keep(column, c, fitting.get(column.name, "")))
    database.into(
        f"create or replace table {staged(name)} as select {', '.join(keeps)} from stream",
        f"select {', '.join(reads)} from {rows}",
    )


def _table_columns(database: Database, table: str) -> list[_Column]:
    found = database.rows(
        "select a.attname::text, b.typname::text, b.typcategory::text,"
        " case when t.typtype = 'd' then t.typtypmod else a.atttypmod end "
        "from pg_attribute a join pg_type t on t.oid = a.atttypid "
        "join pg_type b on b.oid = case when t.typtype = 'd' then t.typbasetype else t.oid end "
        f"where a.attrelid = {literal(table)}::regclass and a.attnum > 0 and not a.attisdropped "
        "order by a.attnum"
    )
    return [_Column(*row) for row in found]


def _query_columns(database: Database, query: str) -> list[_Column]:
    """Determine the types of a query from a row without values."""
    names = database.columns(query)
    types = ", ".join(f"pg_typeof(q.{quoted(name)})::oid::int8" for name in names)
    # The type numbers are put into the SQL text, because the driver does not support array
    # parameters.
    oids = database.rows(
        f"select {types} from (select) one left join lateral (select * from ({query}\n) r limit 0)"
        " q on true"
    )[0]
    found = database.rows(
        "select t.oid::int8, b.typname::text, b.typcategory::text from pg_type t "
        "join pg_type b on b.oid = case when t.typtype = 'd' then t.typbasetype else t.oid end "
        f"where t.oid in ({', '.join(map(str, oids))})"
    )
    by_oid = {oid: (kind, category) for oid, kind, category in found}
    return [_Column(name, *by_oid[oid], -1) for name, oid in zip(names, oids, strict=True)]


def _bounds(column: _Column) -> tuple[int, int] | None:
    """Return (precision, scale) of a `numeric` that fits DuckDB's DECIMAL."""
    if column.type != "numeric" or column.modifier < 4:
        return None
    precision, scale = (column.modifier - 4) >> 16, (column.modifier - 4) & 0x7FF
    return (precision, scale) if 0 < precision <= 38 and scale <= precision else None


def _fitting(database: Database, rows: str, columns: list[_Column]) -> dict[str, str]:
    """Return for each column the type that holds all its values, NaN aside; columns without such
    a type are omitted."""
    if not columns:
        return {}
    tests = ", ".join(
        f"coalesce(bool_and({c}::numeric = 'NaN' or"
        f" (abs({c}::numeric) < 1e28 and min_scale({c}::numeric) <= 10)), true), "
        f"coalesce(bool_and(abs({c}::numeric) < 9e18 and min_scale({c}::numeric) = 0)"
        f" filter (where {c}::numeric <> 'NaN'), false)"
        for c in (quoted(column.name) for column in columns)
    )
    found = database.rows(f"select {tests} from {rows}")[0]
    types: dict[str, str] = {}
    for place, column in enumerate(columns):
        fits, whole = found[2 * place : 2 * place + 2]
        if whole and column.type == "numeric":
            types[column.name] = "bigint"
        elif fits:
            types[column.name] = "decimal(38, 10)"
    return types


def _read(column: _Column) -> str:
    """Return the PostgreSQL expression for a column: a type that the driver supports, or text."""
    c = quoted(column.name)
    if column.type in _SAME:
        return c
    if column.type in _MOMENTS:
        moment = _MOMENTS[column.type].format(c)
        return f"case when isfinite({c}) then {moment} end"
    if column.type in ("numeric", "money"):
        number = f"nullif({c}::numeric, 'NaN')"
        bounds = _bounds(column)
        if bounds and bounds[0] <= _SHORT:
            return f"({number} * {10 ** bounds[1]})::int8"
        return number if bounds else f"trim_scale({number})"
    if column.category in ("A", "C"):
        return f"to_jsonb({c})::text"
    return f"{c}::text"


def _keep(column: _Column, name: str, fitting: str) -> str:
    """Return the DuckDB expression for a column.

    A short `numeric` arrives as a whole number of its last decimal place, a third faster than as
    text; any other as text, which is cast to the type in `fitting`, if there is one.
    """
    bounds = _bounds(column)
    if bounds and bounds[0] <= _SHORT:
        places = bounds[1]
        one = f"{Decimal(1).scaleb(-places):f}::decimal({places + 1}, {places})"
        kind = f"decimal({bounds[0]}, {places})"
        return f"({name}::decimal({_SHORT}, 0) * {one})::{kind} as {name}"
    if bounds:
        return f"{name}::decimal({bounds[0]}, {bounds[1]}) as {name}"
    return f"{name}::{fitting} as {name}" if fitting else name
