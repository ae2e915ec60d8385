"""What a source of billing data must do, and the error for a table that it does not have."""

from __future__ import annotations

import difflib
from collections.abc import Collection, Iterable
from pathlib import Path
from typing import Protocol

import duckdb

from headrace.model.errors import SourceError


class Source(Protocol):
    """One organisation's billing data, as tables that SQL models read.

    A source only ever reads. All tables of one `stage` call show the same moment, as far as the
    system can promise that.
    """

    def tables(self) -> frozenset[str]:
        """Every name that models may read, lower case. SourceError when the system can't say."""

    def stage(
        self, connection: duckdb.DuckDBPyConnection, names: Collection[str]
    ) -> dict[str, int]:
        """Makes `source."<name>"` for each name, with its whole contents; rows per table.

        Creates the schema, replaces a table that is there already. Values arrive without loss:
        what has no exact type in DuckDB arrives as text. SourceError, with no credential in it,
        for a name that is not offered and for whatever keeps the system from being read.
        """

    def mark(self, now: float) -> str | None:
        """Stays the same only while the contents do; None when nothing tells, or not surely.

        `now` is the time in seconds since 1970.
        """

    def close(self) -> None:
        """Lets go of connections and files."""


def quoted(name: str) -> str:
    """An SQL identifier, for DuckDB, SQLite and PostgreSQL alike."""
    return '"' + name.replace('"', '""') + '"'


def literal(text: str) -> str:
    """An SQL string, for DuckDB, SQLite and PostgreSQL alike."""
    return "'" + text.replace("'", "''") + "'"


def staged(name: str) -> str:
    """Where a table lies in the book's database."""
    return f"source.{quoted(name)}"


def check_offered(names: Iterable[str], offered: Collection[str], where: str) -> None:
    """SourceError for the first of `names` that is not offered, with the nearest that is."""
    for name in names:
        if name in offered:
            continue
        near = difflib.get_close_matches(name, offered, n=1)
        hint = f" Did you mean {near[0]}?" if near else ""
        listed = ", ".join(sorted(offered)[:40]) or "nothing"
        more = f" and {len(offered) - 40} more" if len(offered) > 40 else ""
        raise SourceError(f"{where} has no table {name}.{hint} There is: {listed}{more}.")


def count_rows(connection: duckdb.DuckDBPyConnection, name: str) -> int:
    """Rows of a staged table."""
    found = connection.execute(f"select count(*) from {staged(name)}").fetchall()
    return int(found[0][0])


def scratch_folder(connection: duckdb.DuckDBPyConnection) -> Path | None:
    """A folder for temporary files that the engine may read; None where it may read any."""
    row = connection.execute(
        "select current_setting('enable_external_access'), current_setting('temp_directory')"
    ).fetchall()[0]
    if row[0]:
        return None
    folder = Path(row[1])
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    return folder
