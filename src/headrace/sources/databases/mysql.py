"""A MySQL or MariaDB database as a source: one read-only snapshot for all tables.

Integers become BIGINT (`bigint unsigned` HUGEINT), `decimal(p, s)` DECIMAL(p, s) up to 38 digits
and text beyond, `datetime` TIMESTAMP, `timestamp` TIMESTAMP in UTC, `bit` its number, `time` and
everything else the text that the server shows. A date column with a day that no calendar has, such
as 0000-00-00, is text as a whole: the models decide what such a day means.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from contextlib import contextmanager

import duckdb

from headrace.model.errors import SourceError
from headrace.sources.address import Address
from headrace.sources.databases.mysql_columns import Column, mysql_quoted, odd_dates
from headrace.sources.databases.mysql_session import MysqlSession, mysql_failures, mysql_session
from headrace.sources.source import (
    check_offered,
    count_rows,
    quoted,
    staged,
)

_SYSTEM = "('mysql', 'sys', 'information_schema', 'performance_schema')"


class MysqlSource:
    """Tables and views of one database, those of others as `database.table`, and the project's own
    queries."""

    def __init__(self, url: str, schema: str, queries: dict[str, str]) -> None:
        self._address = Address(url)
        self._schema = schema or self._address.database
        self._queries = queries

    def tables(self) -> frozenset[str]:
        with self._reading(), mysql_session(self._address) as session:
            return frozenset(self._own_tables(session)) | self._queries.keys()

    def stage(
        self, connection: duckdb.DuckDBPyConnection, names: Collection[str]
    ) -> dict[str, int]:
        connection.execute("create schema if not exists source")
        with self._reading(), mysql_session(self._address) as session:
            own = self._own_tables(session)
            check_offered(names, own.keys() | self._queries.keys(), self._where)
            if self._schema:
                session.rows(f"use {mysql_quoted(self._schema)}")
            for name in names:
                with self._reading(f", table {name}"):
                    query = self._queries.get(name, "").strip().rstrip(";")
                    _stage_table(session, connection, name, query or f"select * from {own[name]}")
        return {name: count_rows(connection, name) for name in names}

    def mark(self, now: float) -> str | None:
        return None  # its counters and update times are lost at a restart, and views hide theirs

    def close(self) -> None:
        """Do nothing: no resource is held between calls."""

    @property
    def _where(self) -> str:
        return f"MySQL {self._address.shown}"

    @contextmanager
    def _reading(self, detail: str = "") -> Iterator[None]:
        with mysql_failures(self._where + detail, self._address):
            yield

    def _own_tables(self, session: MysqlSession) -> dict[str, str]:
        """Return the qualified name of each table and view, by the lower-case name that models
        use: the plain name in the database of the address, else `database.table`."""
        found = session.rows(
            "select table_schema, table_name from information_schema.tables "
            f"where table_schema not in {_SYSTEM} "
            # A lower-case name takes precedence over one that differs only in case.
            "order by table_name = lower(table_name)"
        )
        own = {}
        for schema, table in found:
            name = str(table) if str(schema) == self._schema else f"{schema}.{table}"
            own[name.lower()] = f"{mysql_quoted(str(schema))}.{mysql_quoted(str(table))}"
        inside = {str(schema) for schema, _ in found}
        if self._schema not in inside | {self._address.database}:
            raise SourceError(
                f"{self._where} has no database {self._schema} with tables that this user may read."
            )
        return own


def _stage_table(
    session: MysqlSession, connection: duckdb.DuckDBPyConnection, name: str, query: str
) -> None:
    columns = session.columns(query)
    kinds = {column.name: column.kind for column in columns}
    for column in _with_odd_dates(session, query, columns):
        kinds[column] = "varchar"
    reads = ", ".join(f"{column.read()} as {mysql_quoted(column.name)}" for column in columns)
    casts = ", ".join(
        f"{quoted(column)}::{kind} as {quoted(column)}" for column, kind in kinds.items()
    )
    session.into(
        connection,
        f"create or replace table {staged(name)} as select {casts} from stream",
        f"select {reads} from ({query}\n) q",
        columns,
    )


def _with_odd_dates(session: MysqlSession, query: str, columns: list[Column]) -> list[str]:
    """Return the date columns with values that no calendar has."""
    dates = [column.name for column in columns if column.is_date]
    if not dates:
        return []
    counts = session.rows(f"select {', '.join(map(odd_dates, dates))} from ({query}\n) q")[0]
    return [name for name, count in zip(dates, counts, strict=True) if int(count)]
