"""Computes fingerprints, again only for records that moved.

`book.doubtful` gets the key of each fingerprint that is computed or removed, NULL for all: the only
records that may differ from what the API acknowledged since they were last compared.
"""

from __future__ import annotations

from collections.abc import Collection
from importlib import resources

import duckdb

from headrace.book.dependencies import closure, tables_of
from headrace.book.derivation.corrections import (
    FAMILIES,
    LINKS,
    NOTE_ALL,
    customers_again,
    few_ids,
    note_settlements,
    settlements_again,
)
from headrace.book.derivation.fingerprints import FINGERPRINTS, READ, of_entity
from headrace.book.models.changed_rows import Moved
from headrace.book.queries.branches import without_absent
from headrace.book.queries.narrowing import listed, narrowed, selected
from headrace.model.repeated import run

_ALLOCATION_MARKS = (
    resources.files("headrace.book.derivation")
    .joinpath("allocation_marks.sql")
    .read_text(encoding="utf-8")
)
_MARK_ALLOCATIONS = f"create or replace table book.allocation_marks as {_ALLOCATION_MARKS}"
_INPUTS = tables_of(_ALLOCATION_MARKS)


def mark(
    connection: duckdb.DuckDBPyConnection, moved: Moved | None, present: Collection[str]
) -> None:
    """Bring `book.allocation_marks` and `book.fingerprints` up to date; None for everything.

    Only tables in `present` may have rows.
    """
    query = without_absent(FINGERPRINTS, present).rstrip().rstrip(";")
    if moved is None:
        run(
            connection,
            f"{_MARK_ALLOCATIONS}; {NOTE_ALL}; "
            f"create or replace table book.fingerprints as {query}; "
            "insert into book.doubtful values (null)",
        )
        return
    owners: set[str] | None = set()
    if inputs := _INPUTS & moved.tables:
        owners = _mark_links(connection, inputs, moved.linked is not None)
    related = set() if FAMILIES.isdisjoint(moved.tables) else customers_again(connection)
    again = {"allocation_marks": owners, "roots": related}
    for entity, read in READ.items():
        depends = closure(read)
        found = [moved.ids(depends - FAMILIES, depends)]
        found += [ids for table, ids in again.items() if table in depends]
        ids = None if None in found else set().union(*filter(None, found))
        if ids is None or ids:
            connection.execute(_again(query, entity, ids))


def _mark_links(
    connection: duckdb.DuckDBPyConnection, moved: frozenset[str], narrow: bool
) -> set[str] | None:
    """Bring the marks of links up to date; returns the ids of the settlements whose mark differs
    from before, None if there are many.

    `moved` are the tables that moved; `narrow` says that `book.moved_owners` has the settlements of
    which link marks moved.
    """
    linked = "link_marks" in moved
    if moved <= LINKS | {"link_marks"} and (narrow or not linked):
        if settlements_again(connection, linked):
            return _mark_owners(connection)
    else:
        note_settlements(connection)
    return _mark_allocations(connection)


def _mark_allocations(connection: duckdb.DuckDBPyConnection) -> set[str] | None:
    """Compute the marks of all links; returns the ids of the settlements whose mark differs from
    before, None if there are many."""
    found = few_ids(
        connection,
        "drop table if exists book.earlier_marks; "
        "alter table book.allocation_marks rename to earlier_marks; "
        f"{_MARK_ALLOCATIONS}; "
        # The fingerprints are still those of before: new settlements are marked anyhow.
        "select external_id from book.fingerprints where key in (select (key >> 1)::bigint "
        "from book.earlier_marks as before full join book.allocation_marks as now using (key) "
        "where before.mark is distinct from now.mark)",
    )
    connection.execute("drop table book.earlier_marks")
    return found


def _mark_owners(connection: duckdb.DuckDBPyConnection) -> set[str]:
    """Compute the marks of the links of `owners_again`; returns the ids of those settlements whose
    mark differs from before."""
    keys = "select key from owners_again"
    return {
        str(external_id)
        for (external_id,) in connection.execute(
            "create or replace temp table earlier_marks as "
            f"from book.allocation_marks where key in ({keys}); "
            f"delete from book.allocation_marks where key in ({keys}); "
            f"insert into book.allocation_marks {narrowed(_ALLOCATION_MARKS, keys)}; "
            "select distinct external_id from owners_again "
            "left join earlier_marks as before using (key) "
            "left join book.allocation_marks as now using (key) "
            "where before.mark is distinct from now.mark"
        ).fetchall()
    }


def _again(query: str, entity: str, ids: set[str] | None) -> str:
    """Return statements that compute the fingerprints of these records again by the query, None for
    all of the entity."""
    stored = made = f"where entity = '{entity}'"
    if ids is not None:
        stored += f" and external_id in ({selected(ids)})"
        # Through the parts of a query, only a list is handed down.
        made += f" and external_id in ({listed(ids)})"
    doubtful = f"insert into book.doubtful select key from book.fingerprints {stored}"
    return (
        f"{doubtful}; delete from book.fingerprints {stored}; "
        f"insert into book.fingerprints from ({of_entity(query, entity)}\n) {made}; {doubtful}"
    )
