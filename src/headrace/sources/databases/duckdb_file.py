"""A DuckDB file as a source, opened read-only by an engine of its own.

Types are kept, with these exceptions: `timestamptz` becomes TIMESTAMP in UTC; `time` with a zone,
`bit`, and nested types that hold one of these become text; `uuid` and enumerations become text.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import duckdb

from headrace.model.errors import SourceError
from headrace.sources.marks import files_mark, may_move
from headrace.sources.source import check_offered, count_rows, quoted, scanned, staged

_INEXACT = re.compile(r"\b(U?HUGEINT|BIGNUM|VARINT|BIT|TIME(STAMP)? WITH TIME ZONE)\b")
_NESTED = re.compile(r"^(STRUCT|MAP|UNION|VARIANT)\b|\]$")
_BACK = {"HUGEINT", "UHUGEINT", "JSON"}
"""Types that Arrow lacks; they are sent as text and converted back."""


class DuckdbSource:
    """Tables and views of one file, those outside its main schema as `schema.table`, and the
    project's own queries."""

    def __init__(self, path: Path, schema: str, queries: dict[str, str]) -> None:
        self._path = path
        self._schema = schema or "main"
        self._queries = queries

    def tables(self) -> frozenset[str]:
        with self._reading(), self._open() as database:
            return frozenset(self._own_tables(database)) | self._queries.keys()

    def stage(
        self, connection: duckdb.DuckDBPyConnection, names: Collection[str]
    ) -> dict[str, int]:
        connection.execute("create schema if not exists source")
        with self._reading(), self._open() as database:
            own = self._own_tables(database)
            check_offered(names, own.keys() | self._queries.keys(), str(self._path))
            database.execute(f"use {quoted(self._schema)}")
            database.execute("begin")
            for name in names:
                with self._reading(f", table {name}"):
                    query = self._queries.get(name, "").strip().rstrip(";")
                    _stage_table(database, connection, name, query or f"from {own[name]}")
        return {name: count_rows(connection, name) for name in names}

    def mark(self, now: float) -> str | None:
        try:
            with self._open() as database:
                views = database.execute(
                    "select sql from duckdb_views() where not internal"
                ).fetchall()
        except (duckdb.Error, SourceError):
            return None
        queries = [*self._queries.values(), *(str(sql) for (sql,) in views)]
        if any(map(may_move, queries)):
            return None
        return files_mark([self._path, Path(f"{self._path}.wal")], now)

    def table_marks(self, names: Collection[str], now: float) -> dict[str, str | None]:
        return dict.fromkeys(names, self.mark(now))

    def close(self) -> None:
        """Do nothing: no resource is held between calls."""

    @contextmanager
    def _open(self) -> Iterator[duckdb.DuckDBPyConnection]:
        if not self._path.is_file():
            raise SourceError(f"There is no DuckDB file {self._path}: check source.url.")
        with duckdb.connect(str(self._path), read_only=True) as database:
            database.execute("set timezone = 'UTC'")
            yield database

    @contextmanager
    def _reading(self, detail: str = "") -> Iterator[None]:
        try:
            yield
        except duckdb.Error as error:
            words = str(error).split("\n")[0]
            if "lock" in words.lower():
                words = (
                    "another program has it open for writing: close that, or give headrace a "
                    "copy. DuckDB lets no one read a file meanwhile"
                )
            raise SourceError(f"{self._path}{detail}: {words.rstrip('. ')}.") from None

    def _own_tables(self, database: duckdb.DuckDBPyConnection) -> dict[str, str]:
        found = database.execute(
            "select schema_name, table_name from duckdb_tables() where not internal union all "
            "select schema_name, view_name from duckdb_views() where not internal"
        ).fetchall()
        return {
            (table if schema == self._schema else f"{schema}.{table}").lower(): (
                f"{quoted(schema)}.{quoted(table)}"
            )
            for schema, table in sorted(found)
        }


def _stage_table(
    database: duckdb.DuckDBPyConnection,
    target: duckdb.DuckDBPyConnection,
    name: str,
    query: str,
) -> None:
    described = database.execute(f"describe {query}").fetchall()
    reads, keeps = [], []
    for column, kind, *_ in described:
        c = quoted(str(column))
        read = _read(c, str(kind))
        reads.append(f"{read} as {c}")
        keeps.append(f"{c}::{kind} as {c}" if str(kind) in _BACK else c)
    result = database.sql(f"select {', '.join(reads)} from ({query}\n) q")
    with scanned(target, _Stream(result)):
        target.execute(
            f"create or replace table {staged(name)} as select {', '.join(keeps)} from stream"
        )


def _read(column: str, kind: str) -> str:
    if kind == "TIMESTAMP WITH TIME ZONE":
        return f"{column} at time zone 'UTC'"
    if _NESTED.search(kind) and _INEXACT.search(kind):
        return f"to_json({column})::varchar"
    return f"{column}::varchar" if kind in _BACK or _INEXACT.search(kind) else column


class _Stream:
    """A result that shows nothing but its Arrow stream, so that another engine accepts it."""

    def __init__(self, result: Any) -> None:
        self._result = result

    def __arrow_c_stream__(self, requested_schema: Any = None) -> Any:
        return self._result.__arrow_c_stream__(requested_schema)
