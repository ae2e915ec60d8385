"""Computes fingerprints, again only for records that moved.

`book.doubtful` gets the key of each fingerprint that is computed or removed, NULL for all: the only
records that may differ from what the API acknowledged since they were last compared.
"""

from __future__ import annotations

from importlib import resources

import duckdb

from headrace.book.changed_rows import Moved
from headrace.book.dependencies import closure, tables_of
from headrace.book.fingerprints import FINGERPRINTS, READ
from headrace.book.narrowing import listed, narrowed, selected

_ALLOCATION_MARKS = (
    resources.files("headrace.book").joinpath("allocation_marks.sql").read_text(encoding="utf-8")
)
_MARK_ALLOCATIONS = f"create or replace table book.allocation_marks as {_ALLOCATION_MARKS}"
_INPUTS = tables_of(_ALLOCATION_MARKS)
_BY_OWNER = frozenset({"link_marks"})
"""Tables of which `book.moved_owners` has the settlements that moved."""


def mark(connection: duckdb.DuckDBPyConnection, moved: Moved | None) -> None:
    """Bring `book.allocation_marks` and `book.fingerprints` up to date; None for everything."""
    if moved is None:
        connection.execute(
            f"{_MARK_ALLOCATIONS}; create or replace table book.fingerprints as {FINGERPRINTS}; "
            "insert into book.doubtful values (null)"
        )
        return
    tables, owners = moved.tables, None
    if moved_inputs := _INPUTS & tables:
        if moved.linked is not None and moved_inputs == _BY_OWNER:
            owners = _mark_owners(connection)
        else:
            _mark_allocations(connection)
        tables |= {"allocation_marks"}
    for entity, read in READ.items():
        if not (relevant := closure(read) & tables):
            continue
        ids, others = _which(relevant, moved, owners)
        if ids is None or ids or others:
            connection.execute(_again(entity, ids, others))


def _mark_allocations(connection: duckdb.DuckDBPyConnection) -> None:
    """Compute the marks of all links, and note in `other_marks` whose differ from before."""
    connection.execute(
        "drop table if exists book.earlier_marks; "
        "alter table book.allocation_marks rename to earlier_marks; "
        f"{_MARK_ALLOCATIONS}; "
        "create or replace temp table other_marks as select key "
        "from book.earlier_marks as before full join book.allocation_marks as now using (key) "
        "where before.mark is distinct from now.mark; drop table book.earlier_marks"
    )


def _mark_owners(connection: duckdb.DuckDBPyConnection) -> set[str]:
    """Compute the marks of the links of `book.moved_owners`; returns the ids of those settlements
    whose mark differs from before."""
    keys = "select key from book.moved_owners"
    return {
        str(external_id)
        for (external_id,) in connection.execute(
            "create or replace temp table earlier_marks as "
            f"from book.allocation_marks where key in ({keys}); "
            f"delete from book.allocation_marks where key in ({keys}); "
            f"insert into book.allocation_marks {narrowed(_ALLOCATION_MARKS, keys)}; "
            "select distinct external_id from book.moved_owners "
            "left join earlier_marks as before using (key) "
            "left join book.allocation_marks as now using (key) "
            "where before.mark is distinct from now.mark"
        ).fetchall()
    }


def _which(
    relevant: frozenset[str], moved: Moved, owners: set[str] | None
) -> tuple[set[str] | None, bool]:
    """Return the ids of the records of an entity whose fingerprint depends on what moved, None for
    all, and whether those of `other_marks` are to be added; `owners` are the ids of the settlements
    whose links moved, None if `other_marks` has their keys."""
    own = relevant - {"allocation_marks"}
    ids = moved.ids(own, own)
    if "allocation_marks" not in relevant or ids is None:
        return ids, False
    return ids | (owners or set()), owners is None


def _again(entity: str, ids: set[str] | None, others: bool) -> str:
    """Return statements that compute fingerprints again."""
    of_entity = f"where entity = '{entity}'"
    stored = made = of_entity
    if ids is not None:
        more = " or hash(entity, external_id) in (select key from other_marks)" if others else ""
        stored += f" and (external_id in ({selected(ids)}){more})"
        # Through the parts of a query, only a list is handed down.
        made += f" and (external_id in ({listed(ids)}){more})"
    doubtful = f"insert into book.doubtful select key from book.fingerprints {stored}"
    text = FINGERPRINTS.rstrip().rstrip(";")
    return (
        f"{doubtful}; delete from book.fingerprints {stored}; "
        f"insert into book.fingerprints from ({text}\n) {made}; {doubtful}"
    )
