"""The interface of a source of billing data, with helpers for implementations."""

from __future__ import annotations

import difflib
from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol

import duckdb

from headrace.model.errors import SourceError
from headrace.model.repeated import run


class Source(Protocol):
    """One organisation's billing data, as tables that SQL models read.

    A source never writes. All tables of one `stage` call show the same moment, as far as the system
    can guarantee that.
    """

    def tables(self) -> frozenset[str]:
        """Return every table name that models may read, in lower case. Raises SourceError when
        the system can't be read."""

    def stage(
        self, connection: duckdb.DuckDBPyConnection, names: Collection[str]
    ) -> dict[str, int]:
        """Create `source."<name>"` with all rows for each name; returns the number of rows per
        table.

        Creates the schema if needed and replaces existing tables. Values must not lose information:
        a type without an exact counterpart in DuckDB becomes text. Raises SourceError, which must
        not contain credentials, for a name that is not offered and when the system can't be read.
        """

    def mark(self, now: float) -> str | None:
        """Return a value that stays the same only while the contents do; None when that is not
        certain.

        `now` is the time in seconds since 1970.
        """

    def close(self) -> None:
        """Release connections and files."""


def not_read(source: Source) -> list[str]:
    """Return what lies where a source reads, and is none of its tables; most sources can't say."""
    unread = getattr(source, "unread", None)
    return list(unread()) if unread else []


def quoted(name: str) -> str:
    """Quote an SQL identifier, for DuckDB, SQLite and PostgreSQL alike."""
    return '"' + name.replace('"', '""') + '"'


def literal(text: str) -> str:
    """Quote an SQL string, for DuckDB, SQLite and PostgreSQL alike."""
    return "'" + text.replace("'", "''") + "'"


def staged(name: str) -> str:
    """Return the qualified name of a staged table."""
    return f"source.{quoted(name)}"


def check_offered(names: Iterable[str], offered: Collection[str], where: str) -> None:
    """Raise SourceError for the first of `names` that is not offered, suggesting the nearest one
    that is."""
    for name in names:
        if name in offered:
            continue
        # A table outside the search path has its schema before its name.
        elsewhere = sorted(other for other in offered if other.rpartition(".")[2] == name)
        near = elsewhere[:1] or difflib.get_close_matches(name, offered, n=1)
        hint = f" Did you mean {near[0]}?" if near else ""
        listed = ", ".join(sorted(offered)[:40]) or "nothing"
        more = f" and {len(offered) - 40} more" if len(offered) > 40 else ""
        raise SourceError(f"{where} has no table {name}.{hint} There is: {listed}{more}.")


def count_rows(connection: duckdb.DuckDBPyConnection, name: str) -> int:
    """Return the number of rows of a staged table."""
    found = run(connection, f"select count(*) from {staged(name)}").fetchall()
    return int(found[0][0])


def scratch_folder(connection: duckdb.DuckDBPyConnection) -> Path | None:
    """Return a folder for temporary files that DuckDB may read; None where it may read any."""
    row = connection.execute(
        "select current_setting('enable_external_access'), current_setting('temp_directory')"
    ).fetchall()[0]
    if row[0]:
        return None
    folder = Path(row[1])
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    return folder


@contextmanager
def scanned(target: duckdb.DuckDBPyConnection, stream: Any) -> Iterator[None]:
    """Register the Arrow stream as `stream` for the length of a `with`; it can be read once.

    It is registered by name because a sealed engine does not look up Python variables.
    """
    target.register("stream", stream)
    try:
        yield
    finally:
        target.unregister("stream")
