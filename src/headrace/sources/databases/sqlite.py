"""A SQLite file as a source, opened read-only.

SQLite's columns have no types, only values have, and the ADBC driver fixes a column's type by the
first rows it sees. So every column's values are looked at first, and the one type that holds all
of them without loss is asked for:

    only integers -> BIGINT            only numbers -> DOUBLE (if no integer exceeds 2^53)
    reals that are all whole, among integers or without a declared type -> BIGINT
    only blobs    -> BLOB              anything else, dates too -> VARCHAR, as SQLite shows it
    only NULL     -> by the declared type
"""

from __future__ import annotations

import sqlite3
from collections.abc import Collection
from contextlib import closing, suppress
from pathlib import Path

import adbc_driver_sqlite
import duckdb

from headrace.model.errors import SourceError
from headrace.sources.databases.adbc import Database, connected, reading
from headrace.sources.databases.sqlite_file import SqliteFile
from headrace.sources.marks import files_mark, may_move
from headrace.sources.source import check_offered, count_rows, literal, quoted, staged

_EXAMPLES = {"integer": "0", "real": "0.5", "text": "'x'", "blob": "x'00'"}
"""A value of each type, which is put before the rows to tell the driver the column's type."""

_WIDE = 450
"""Columns that are read at a time."""
_ROW = '"row of headrace"'
_SHAPE = "headrace_shape"
"""A view of the connection's own, which leaves the file as it is."""

_TABLES = (
    "select name from sqlite_master where type in ('table', 'view')"
    " and name not like 'sqlite!_%' escape '!'"
)
_VIEWS = "select sql from sqlite_master where type = 'view'"


class SqliteSource:
    """Tables and views of one file, and the project's own queries."""

    def __init__(self, path: Path, queries: dict[str, str]) -> None:
        self._path = path
        self._queries = queries
        self._file = SqliteFile(path)

    def tables(self) -> frozenset[str]:
        # Through Python's own driver: ADBC would need a DuckDB engine for the rows.
        try:
            with (
                self._file.address() as uri,
                closing(sqlite3.connect(uri, uri=True)) as database,
            ):
                names = [str(name).lower() for (name,) in database.execute(_TABLES)]
        except sqlite3.Error as error:
            raise SourceError(f"{self._path}: {error}.") from None
        return frozenset(names) | self._queries.keys()

    def stage(
        self, connection: duckdb.DuckDBPyConnection, names: Collection[str]
    ) -> dict[str, int]:
        connection.execute("create schema if not exists source")
        with (
            reading(str(self._path)),
            self._file.address() as uri,
            connected(adbc_driver_sqlite.connect(uri), connection) as database,
        ):
            database.run("pragma busy_timeout = 10000")
            own = _own_tables(database)
            check_offered(names, own.keys() | self._queries.keys(), str(self._path))
            # One read transaction over all tables, so a concurrent writer is never seen half-way.
            database.run("begin")
            for name in names:
                with reading(f"{self._path}, table {name}"):
                    _stage_table(database, name, self._queries.get(name) or own[name])
            database.run("rollback")
        return {name: count_rows(connection, name) for name in names}

    def mark(self, now: float) -> str | None:
        wal = Path(f"{self._path}-wal")
        beside = [Path(f"{self._path}-journal")]
        with suppress(OSError):  # reading leaves an empty one behind
            beside += [wal] if wal.stat().st_size else []
        mark = files_mark([self._path, *beside], now)
        queries = list(self._queries.values())
        try:
            with (
                self._file.address() as uri,
                closing(sqlite3.connect(uri, uri=True)) as database,
            ):
                queries += [str(sql) for (sql,) in database.execute(_VIEWS)]
        except (sqlite3.Error, SourceError):
            return None
        return None if any(map(may_move, queries)) else mark

    def table_marks(self, names: Collection[str], now: float) -> dict[str, str | None]:
        return dict.fromkeys(names, self.mark(now))

    def close(self) -> None:
        """Do nothing: no resource is held between calls."""


def _own_tables(database: Database) -> dict[str, str]:
    """Return a query for all rows of each table and view, by lower-case name."""
    found = database.rows(_TABLES)
    return {str(name).lower(): _all_of(str(name)) for (name,) in found}


def _all_of(table: str) -> str:
    return f"select * from {quoted(table)}"


def _stage_table(database: Database, name: str, query: str) -> None:
    query = query.strip().rstrip(";")
    columns = database.columns(query)
    expected = _expected_types(database, name, query, columns)
    if len(columns) <= _WIDE:
        _copy(database, staged(name), query, _value_types(database, query, columns, expected))
        return
    # A result has at most 2,000 columns, and looking at one takes up to four.
    parts = []
    for start in range(0, len(columns), _WIDE):
        types = _value_types(database, query, columns[start : start + _WIDE], expected)
        parts.append(staged(f"{name} part {start}"))
        _copy(database, parts[-1], query, types, f"{_ROW}, ")
    joined = " ".join(f"join {part} using ({_ROW})" for part in parts[1:])
    database.target.execute(
        f"create or replace table {staged(name)} as select * exclude ({_ROW}) "
        f"from {parts[0]} {joined}"
    )
    for part in parts:
        database.target.execute(f"drop table {part}")


def _expected_types(
    database: Database, name: str, query: str, columns: list[str]
) -> dict[str, str]:
    """Return the types that the declarations suggest; a guess, checked against the values."""
    shape = f"select name, type from pragma_table_xinfo({literal(name)})"
    info = database.rows(shape)
    if query != _all_of(name):
        # Only a view shows from which column of a table a column of a query comes.
        database.run(f"create temp view {_SHAPE} as {query}")
        info = database.rows(shape.replace(literal(name), literal(_SHAPE)))
        database.run(f"drop view temp.{_SHAPE}")
        # To a view, a column without a type is a BLOB.
        info = [(column, "" if kind == "BLOB" else kind) for column, kind in info]
    declared = {str(column): str(kind or "").upper() for column, kind in info}
    return {column: _affinity(declared.get(column, "")) for column in columns}


def _affinity(declared: str) -> str:
    """Apply SQLite's affinity rules, except that `numeric` is split by the usual meaning of the
    declared type."""
    words = [
        ("integer", ("INT", "BOOL")),
        ("text", ("CHAR", "CLOB", "TEXT", "DATE", "TIME")),
        ("real", ("REAL", "FLOA", "DOUB", "DEC", "NUM", "MONEY")),
        ("blob", ("BLOB",)),
    ]
    return next((kind for kind, parts in words if any(p in declared for p in parts)), "text")


def _value_types(
    database: Database, query: str, columns: list[str], expected: dict[str, str]
) -> dict[str, str]:
    """Return for each column `integer`, `real`, `text`, `blob`, or `mixed`; takes at most two
    scans."""
    surprises = ", ".join(
        f"count(iif(typeof({quoted(column)}) = '{expected[column]}', null, {quoted(column)}))"
        for column in columns
    )
    counts = database.rows(f"select {surprises} from ({query}\n)")[0]
    types = {column: expected[column] for column in columns}
    doubtful = [column for column, count in zip(columns, counts, strict=True) if count]
    if not doubtful:
        return types
    looks = ", ".join(
        f"coalesce(min(nullif(typeof({c}), 'null')), ''), "
        f"coalesce(max(nullif(typeof({c}), 'null')), ''), "
        f"coalesce(max(typeof({c}) = 'integer' and {c} not between -{2**53} and {2**53}), 0), "
        f"coalesce(max(typeof({c}) = 'real' and not {_is_whole(c)}), 0)"
        for c in map(quoted, doubtful)
    )
    found = database.rows(f"select {looks} from ({query}\n)")[0]
    for place, column in enumerate(doubtful):
        least, most, beyond_double, parts = found[4 * place : 4 * place + 4]
        # In alphabetical order: blob, integer, real, text.
        if least in ("integer", "real") and most == "real" and not parts:
            types[column] = (
                "integer"  # a single id written as 3.0 does not change the column's type
            )
        elif (least, most) == ("integer", "real") and not beyond_double:
            types[column] = "real"
        else:
            types[column] = least if least == most else "mixed"
    return types


def _is_whole(column: str) -> str:
    """Whether a real is a whole number to which no other whole number is rounded."""
    return (
        f"({column} = cast({column} as integer) and {column} between -{2**53 - 1} and {2**53 - 1})"
    )


def _copy(database: Database, table: str, query: str, types: dict[str, str], row: str = "") -> None:
    """Create the table; `row` adds the number of the row, which is the same in each part of a
    table: a transaction that only reads scans it in the same order."""
    reads, examples, keeps = [], [], []
    for column, kind in types.items():
        c = quoted(column)
        shown = "text" if kind == "mixed" else kind
        examples.append(f"{_EXAMPLES[shown]} as {c}")
        reads.append(_read(c, kind))
        # SQLite accepts any bytes as text; invalid UTF-8 is shown as \xFF.
        checked = f"coalesce(try(decode(encode({c}))), encode({c})::varchar) as {c}"
        keeps.append(checked if shown == "text" else c)
    database.into(
        f"create or replace table {table} as "
        f"select {row}{', '.join(keeps)} from stream where {_ROW} > 0",
        f"select 0 as {_ROW}, {', '.join(examples)} union all "
        f"select {'row_number() over ()' if row else 1}, {', '.join(reads)} from ({query}\n)",
    )


def _read(column: str, kind: str) -> str:
    """Return the SQLite expression that gives each value of `column` in its type."""
    if kind in ("real", "integer"):
        return f"cast({column} as {kind})"
    if kind != "mixed":
        return column
    # A number in a text column: 15 digits where they identify it, else 17.
    return (
        f"case typeof({column}) when 'null' then null "
        f"when 'blob' then '\\x' || lower(hex({column})) "
        f"when 'real' then iif({_is_whole(column)}, cast(cast({column} as integer) as text), "
        f"iif(cast(cast({column} as text) as real) = {column}, "
        f"cast({column} as text), printf('%!.17g', {column}))) "
        f"else cast({column} as text) end"
    )
