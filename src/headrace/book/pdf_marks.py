"""PDF files as the source names them: where each lies, and what tells that it is another one."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import unquote, urlsplit

import duckdb

_CHUNK = 10_000


def local_path(location: str, folder: Path) -> Path | None:
    """The file that a location names, relative ones from `folder`; None for other addresses."""
    if location.startswith("file://"):
        return Path(unquote(urlsplit(location).path))
    return None if "://" in location else folder / location


def mark_files(connection: duckdb.DuckDBPyConnection, folder: Path) -> None:
    """Makes `book.files` (location, mark): one row per file that the source names without an etag.

    The mark is its size and time of change, null when it is not there: a look into the folder, not
    into the file.
    """
    connection.execute("create or replace table book.files (location varchar, mark varchar)")
    cursor = connection.cursor()
    cursor.execute(
        "select distinct location from book.documents "
        "where location is not null and etag is null and content is null"
    )
    while rows := cursor.fetchmany(_CHUNK):
        found = [
            (location, _mark(path))
            for (location,) in rows
            if (path := local_path(location, folder)) is not None
        ]
        connection.execute(
            "insert into book.files select unnest($1::varchar[]), unnest($2::varchar[])",
            [[location for location, _ in found], [mark for _, mark in found]],
        )


def _mark(path: Path) -> str | None:
    try:
        state = path.stat()
    except (OSError, ValueError):
        return None
    return f"{state.st_size} {state.st_mtime_ns}"
