"""PDF files as the source names them: which of them may not be read, and how a change is
detected."""

from __future__ import annotations

import os
import stat

import duckdb

from headrace.book.payloads.file_looks import look_at
from headrace.book.payloads.pdf_places import PdfPlaces
from headrace.model.repeated import run

_CHUNK = 10_000
_NAME_IT = (
    "name its folder, host or bucket in `documents` of headrace.toml, or correct its location; the "
    "document goes without it"
)
_SILENT = "which does not answer"
_WAKE_IT = (
    "look after the disk or network drive that it lies on; the document goes without it until then"
)
_TABLES = """
create or replace table book.files (location varchar, mark varchar);
create or replace table book.refused_files (location varchar, objection varchar, remedy varchar)
"""


def mark_files(connection: duckdb.DuckDBPyConnection, places: PdfPlaces) -> None:
    """Create `book.files` (location, mark), one row per file that the source names without an etag,
    and `book.refused_files` (location, objection, remedy) for locations that are not allowed or do
    not respond.

    The mark consists of size and modification time, null when the file does not exist. Only the
    directory entry is read, not the file.
    """
    run(connection, _TABLES)
    cursor = connection.cursor()
    run(
        cursor,
        "select location, bool_or(etag is null) from book.documents "
        "where location is not null and content is null group by location",
    )
    while rows := cursor.fetchmany(_CHUNK):
        refused = {}
        paths = {}
        for location, marked in rows:
            if (objection := places.objection(location)) is not None:
                refused[location] = objection
            elif marked and (path := places.path(location)) is not None:
                paths[location] = path
        looks = look_at(paths)
        found = {location: _mark(looks.states.get(location)) for location in paths}
        connection.execute(
            "insert into book.files select unnest($1::varchar[]), unnest($2::varchar[])",
            [list(found), list(found.values())],
        )
        for refusals, remedy in (
            (refused, _NAME_IT),
            (dict.fromkeys(looks.silent, _SILENT), _WAKE_IT),
        ):
            connection.execute(
                "insert into book.refused_files "
                "select unnest($1::varchar[]), unnest($2::varchar[]), $3",
                [list(refusals), list(refusals.values()), remedy],
            )


def _mark(state: os.stat_result | None) -> str | None:
    if state is None:
        return None
    if not stat.S_ISREG(state.st_mode):
        return None
    return f"{state.st_size} {state.st_mtime_ns}"
