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
from headrace.book.repeated import run

_ALLOCATION_MARKS = (
    resources.files("headrace.book").joinpath("allocation_marks.sql").read_text(encoding="utf-8")
)
_MARK_ALLOCATIONS = f"create or replace table book.allocation_marks as {_ALLOCATION_MARKS}"
_INPUTS = tables_of(_ALLOCATION_MARKS)
_MANY = 1_000
"""Settlements above which the fingerprints of all of them are computed."""
_BY_OWNER = frozenset({"link_marks"})
"""Tables of which `book.moved_owners` has the settlements that moved."""


def mark(connection: duckdb.DuckDBPyConnection, moved: Moved | None) -> None:
    """Bring `book.allocation_marks` and `book.fingerprints` up to date; None for everything."""
    if moved is None:
        run(
            connection,
            f"{_MARK_ALLOCATIONS}; create or replace table book.fingerprints as {FINGERPRINTS}; "
            "insert into book.doubtful values (null)",
        )
        return
    owners: set[str] | None = set()
    if moved_inputs := _INPUTS & moved.tables:
        few = moved.linked is not None and moved_inputs == _BY_OWNER
        owners = _mark_owners(connection) if few else _mark_allocations(connection)
    for entity, read in READ.items():
        depends = closure(read)
        ids = moved.ids(depends, depends)
        if "allocation_marks" in depends:
            ids = None if ids is None or owners is None else ids | owners
        if ids is None or ids:
            connection.execute(_again(entity, ids))


def _mark_allocations(connection: duckdb.DuckDBPyConnection) -> set[str] | None:
    """Compute the marks of all links; returns the ids of the settlements whose mark differs from
    before, None if there are many."""
    rows = run(
        connection,
        "drop table if exists book.earlier_marks; "
        "alter table book.allocation_marks rename to earlier_marks; "
        f"{_MARK_ALLOCATIONS}; "
        # The fingerprints are still those of before: new settlements are marked anyhow.
        "select external_id from book.fingerprints where key in (select (key >> 1)::bigint "
        "from book.earlier_marks as before full join book.allocation_marks as now using (key) "
        f"where before.mark is distinct from now.mark) limit {_MANY + 1}",
    ).fetchall()
    connection.execute("drop table book.earlier_marks")
    return {str(external_id) for (external_id,) in rows} if len(rows) <= _MANY else None


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


def _again(entity: str, ids: set[str] | None) -> str:
    """Return statements that compute the fingerprints of these records again, None for all of the
    entity."""
    stored = made = f"where entity = '{entity}'"
    if ids is not None:
        stored += f" and external_id in ({selected(ids)})"
        # Through the parts of a query, only a list is handed down.
        made += f" and external_id in ({listed(ids)})"
    doubtful = f"insert into book.doubtful select key from book.fingerprints {stored}"
    text = FINGERPRINTS.rstrip().rstrip(";")
    return (
        f"{doubtful}; delete from book.fingerprints {stored}; "
        f"insert into book.fingerprints from ({text}\n) {made}; {doubtful}"
    )
