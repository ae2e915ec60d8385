"""What planning corrects by what the API has: links in error, and families around them.

Their tables are made again in each round while anything is in error. Only fingerprints that depend
on rows that differ from the last time, or on links in error, are computed again.
"""

from __future__ import annotations

import duckdb

from headrace.model.repeated import run

LINKS = frozenset({"flawed_links", "waiting_links", "pinned_links"})
"""Tables of links that do not travel as their rows are."""
FAMILIES = frozenset({"roots", "unsaid_parents"})
"""Tables of what the API is to know of a customer's family."""
_MANY = 1_000
"""Records above which the fingerprints of their entities are all computed."""

_OWNERS = """
select hash(from_entity, from_external_id) as key, from_external_id as external_id
from book.allocations as allocation
semi join book.flawed_links as flawed on flawed.row = allocation.rowid
union
select hash(from_entity, from_external_id), from_external_id from book.waiting_links
union
select hash(from_entity, from_external_id), from_external_id from book.pinned_links
"""
_NOTE_OWNERS = f"create or replace table book.corrected_owners as {_OWNERS}"
_RELATED = """
select external_id, root from book.roots
union all
select external_id, null from book.unsaid_parents
"""
_NOTE_FAMILIES = f"create or replace table book.marked_families as {_RELATED}"
NOTE_ALL = f"{_NOTE_OWNERS}; {_NOTE_FAMILIES}"
"""Notes what is corrected now; for a time when all fingerprints are computed."""


def settlements_again(connection: duckdb.DuckDBPyConnection, linked: bool) -> bool:
    """Create `owners_again` (key, external_id): the settlements whose links are corrected or were
    at the last time, and with `linked` those of `book.moved_owners`.

    Returns False if there are many.
    """
    more = "union from book.moved_owners" if linked else ""
    run(
        connection,
        f"create or replace temp table owners_again as {_OWNERS} "
        f"union from book.corrected_owners {more}; {_NOTE_OWNERS}",
    )
    return not run(connection, f"from owners_again offset {_MANY} limit 1").fetchall()


def note_settlements(connection: duckdb.DuckDBPyConnection) -> None:
    """Note whose links are corrected now, when all links are marked."""
    run(connection, _NOTE_OWNERS)


def customers_again(connection: duckdb.DuckDBPyConnection) -> set[str] | None:
    """Return the ids of the customers whose family differs from the last time; None if there are
    many."""
    found = few_ids(
        connection,
        f"with now as ({_RELATED}) select distinct external_id from ("
        "(from now except from book.marked_families) union all "
        "(from book.marked_families except from now))",
    )
    run(connection, _NOTE_FAMILIES)
    return found


def few_ids(connection: duckdb.DuckDBPyConnection, query: str) -> set[str] | None:
    """Return the ids that a query finds; None if there are many."""
    rows = run(connection, f"{query} limit {_MANY + 1}").fetchall()
    return {str(external_id) for (external_id,) in rows} if len(rows) <= _MANY else None
