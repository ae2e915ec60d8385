"""Reads only the tables that moved since the last time, where a source can tell.

A source that has marks for its tables is asked for them, and tables whose mark stays the same are
not read again. What was read is compared by contents, so that a table that was read and has the
same rows counts as unmoved. Marks are kept in the book's file with the tables.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Protocol, runtime_checkable

import duckdb
from msgspec import Struct

from headrace.model.repeated import run
from headrace.model.table_contents import changed_contents, contents_of
from headrace.sources.source import Source, quoted, staged

_MARKS = "incremental.marks"
_CHANGES = "changes"


class Staged(Struct, frozen=True):
    """The staged tables after a look at the source."""

    rows: dict[str, int]
    """Number of rows by table."""
    contents: dict[str, str]
    """A value by table that changes with its columns and rows."""
    read: frozenset[str]
    """The tables that were read; the others had not moved."""
    whole: bool
    """Whether everything was read, whatever the marks say."""
    swept: float
    """When everything was read the last time, in seconds since 1970."""
    changed: dict[str, str] = {}
    """The contents before, of tables of which only rows were read that changed: their earlier and
    later versions are the tables `old_rows` and `new_rows`."""


class Reading(Struct, frozen=True):
    """What a source did when it was asked for what moved."""

    marks: Mapping[str, str | None]
    """The mark of each table, to be given the next time; None where there is none."""
    read: Collection[str]
    """The tables that were read, or changed by what was read."""
    changed: Collection[str] = ()
    """Those of them of which only changed rows were read, and kept as `keep_changes` does."""


@runtime_checkable
class Marked(Protocol):
    """A source that knows a mark for each table without reading it."""

    def table_marks(self, names: Collection[str], now: float) -> Mapping[str, str | None]:
        """Return a value for each table that stays the same only while its contents do; None where
        that is not certain. `now` is in seconds since 1970."""


@runtime_checkable
class Comparing(Protocol):
    """A source that finds out itself what moved, in the moment in which it reads."""

    def stage_moved(
        self,
        connection: duckdb.DuckDBPyConnection,
        names: Collection[str],
        earlier: Mapping[str, str],
        now: float,
    ) -> Reading:
        """Bring the tables up to date; those with an earlier mark are staged as they were then."""


def stage_moved(
    source: Source,
    connection: duckdb.DuckDBPyConnection,
    names: Collection[str],
    *,
    version: str,
    now: float,
    sweep: float,
    whole: bool = False,
) -> Staged:
    """Bring the staged tables up to date and return what they contain.

    `version` is everything else on which the staged rows depend, such as the source's settings.
    With another one, if `whole`, and `sweep` seconds after the last time, everything is read.
    Raises like `Source.stage`.
    """
    run(
        connection,
        f"drop schema if exists {_CHANGES} cascade; create schema {_CHANGES}; "
        "create schema if not exists source; create schema if not exists incremental; "
        f"create table if not exists {_MARKS} (name varchar, version varchar, mark varchar, "
        "contents varchar, rows bigint, swept double)",
    )
    known, swept = _known(connection, version)
    whole = whole or not known or not 0 <= now - swept < sweep
    swept = now if whole else swept
    earlier = {} if whole else {n: mark for n, (mark, _, _) in known.items() if mark and n in names}
    # If reading fails half-way, nothing is known of any table that may have been replaced.
    run(connection, f"delete from {_MARKS}")
    reading = ask_what_moved(source, connection, names, earlier, now)
    rows, contents, changed = {}, {}, {}
    for name in names:
        if name in reading.changed and name in known:
            changed[name] = known[name][1]
            contents[name], rows[name] = changed_contents(
                connection, changed[name], old_rows(name), new_rows(name)
            )
        elif name in reading.read or name not in known:
            contents[name], rows[name] = contents_of(connection, staged(name))
        else:
            _, contents[name], rows[name] = known[name]
    marks = [reading.marks.get(name) for name in names]
    run(
        connection,
        f"insert into {_MARKS} select unnest($1::varchar[]), $2, unnest($3::varchar[]), "
        "unnest($4::varchar[]), unnest($5::bigint[]), $6",
        [list(names), version, marks, *([of[n] for n in names] for of in (contents, rows)), swept],
    )
    return Staged(rows, contents, frozenset(reading.read), whole, swept, changed)


def old_rows(name: str) -> str:
    """Return the table of the rows that were replaced or deleted in a staged table."""
    return f"{_CHANGES}.{quoted(name + ' old')}"


def new_rows(name: str) -> str:
    """Return the table of the rows that took their place."""
    return f"{_CHANGES}.{quoted(name + ' new')}"


def replace_rows(connection: duckdb.DuckDBPyConnection, name: str, gone: str, part: str) -> None:
    """Replace the rows of a staged table for which `gone`, SQL, is true by those of `part`, and
    keep both versions as `old_rows` and `new_rows`."""
    whole = staged(name)
    # One transaction waits for the disk once.
    connection.execute("begin")
    try:
        connection.execute(
            f"create schema if not exists {_CHANGES}; "
            f"create or replace table {old_rows(name)} as from {whole} where {gone}; "
            f"create or replace table {new_rows(name)} as from {part}; "
            f"delete from {whole} where {gone}; insert into {whole} from {part}; commit"
        )
    except BaseException:
        connection.execute("rollback")
        raise


def ask_what_moved(
    source: Source,
    connection: duckdb.DuckDBPyConnection,
    names: Collection[str],
    earlier: Mapping[str, str],
    now: float,
) -> Reading:
    """Let the source read what moved since the earlier marks; everything if it can't tell."""
    if isinstance(source, Comparing):
        return source.stage_moved(connection, names, earlier, now)
    marks: Mapping[str, str | None] = {}
    if isinstance(source, Marked):
        marks = source.table_marks(names, now)
    read = [name for name in names if marks.get(name) is None or marks[name] != earlier.get(name)]
    if read:
        source.stage(connection, read)
    return Reading(marks, read)


def _known(
    connection: duckdb.DuckDBPyConnection, version: str
) -> tuple[dict[str, tuple[str | None, str, int]], float]:
    """Return mark, contents and rows of the tables that are still staged, and when everything was
    read, in seconds since 1970."""
    found = run(
        connection,
        f"select name, mark, contents, rows, swept from {_MARKS} where version = $1 and name in "
        "(select table_name from duckdb_tables() where schema_name = 'source' "
        "and database_name = current_database())",
        [version],
    ).fetchall()
    known = {name: (mark, contents, rows) for name, mark, contents, rows, _ in found}
    return known, min((row[-1] for row in found), default=0.0)
