"""Computes fingerprints, again only for records that moved."""

from __future__ import annotations

from importlib import resources

import duckdb

from headrace.book.changed_rows import Moved, listed
from headrace.book.dependencies import closure, depends
from headrace.book.fingerprints import FINGERPRINTS, READ

_ALLOCATION_MARKS = (
    resources.files("headrace.book").joinpath("allocation_marks.sql").read_text(encoding="utf-8")
)


def mark(connection: duckdb.DuckDBPyConnection, moved: Moved | None) -> None:
    """Bring `book.allocation_marks` and `book.fingerprints` up to date; None for everything."""
    if moved is None:
        connection.execute(_ALLOCATION_MARKS)
        connection.execute(f"create or replace table book.fingerprints as {FINGERPRINTS}")
        return
    tables = moved.tables
    if depends(_ALLOCATION_MARKS, tables):
        _mark_allocations(connection)
        tables |= {"allocation_marks"}
    for entity, read in READ.items():
        relevant = closure(read) & tables
        if relevant:
            _mark_entity(connection, entity, relevant, moved)


def _mark_allocations(connection: duckdb.DuckDBPyConnection) -> None:
    """Compute the marks of all links, and note in `other_marks` whose differ from before."""
    connection.execute(
        "drop table if exists book.earlier_marks; "
        "alter table book.allocation_marks rename to earlier_marks"
    )
    connection.execute(_ALLOCATION_MARKS)
    connection.execute(
        "create or replace temp table other_marks as select key "
        "from book.earlier_marks as before full join book.allocation_marks as now using (key) "
        "where before.mark is distinct from now.mark; drop table book.earlier_marks"
    )


def _mark_entity(
    connection: duckdb.DuckDBPyConnection, entity: str, relevant: frozenset[str], moved: Moved
) -> None:
    own = relevant - {"allocation_marks"}
    ids = moved.ids(own, own)
    where = f"entity = '{entity}'"
    if ids is not None:
        parts = [f"external_id in ({listed(ids)})"] if ids else []
        if "allocation_marks" in relevant:
            parts.append("hash(entity, external_id) in (select key from other_marks)")
        where += f" and ({' or '.join(parts)})"
    text = FINGERPRINTS.rstrip().rstrip(";")
    connection.execute(
        f"delete from book.fingerprints where {where}; "
        f"insert into book.fingerprints from ({text}\n) where {where}"
    )
