"""PDF files as the source names them: which may not be read, and what tells that one changed."""

from __future__ import annotations

import stat
from pathlib import Path

import duckdb

from headrace.book.pdf_places import PdfPlaces

_CHUNK = 10_000
_TABLES = """
create or replace table book.files (location varchar, mark varchar);
create or replace table book.refused_files (location varchar, objection varchar)
"""


def mark_files(connection: duckdb.DuckDBPyConnection, places: PdfPlaces) -> None:
    """Makes `book.files` (location, mark): one row per file that the source names without an etag,
    and `book.refused_files` (location, objection) of what lies where it may not.

    The mark is its size and time of change, null when it is not there: a look into the folder, not
    into the file.
    """
    connection.execute(_TABLES)
    cursor = connection.cursor()
    cursor.execute(
        "select location, bool_or(etag is null) from book.documents "
        "where location is not null and content is null group by location"
    )
    while rows := cursor.fetchmany(_CHUNK):
        refused = {}
        found = {}
        for location, marked in rows:
            if (objection := places.objection(location)) is not None:
                refused[location] = objection
            elif marked and (path := places.path(location)) is not None:
                found[location] = _mark(path)
        for table, values in (("files", found), ("refused_files", refused)):
            connection.execute(
                f"insert into book.{table} select unnest($1::varchar[]), unnest($2::varchar[])",
                [list(values), list(values.values())],
            )


def _mark(path: Path) -> str | None:
    try:
        state = path.stat()
    except (OSError, ValueError):
        return None
    if not stat.S_ISREG(state.st_mode):
        return None
    return f"{state.st_size} {state.st_mtime_ns}"
