"""The tables that connect planner, loader and summary: the book's schema `plan`.

Each is declared once: its columns, the meaning of a row, the file that creates it and the files
that read it. Queries in `.sql` files fill most of them; a test compares the result with this
declaration.

Each planning run creates `PLANNED` again, and delivery only reads them. `TEMPORARY` tables are
replaced at each use. All of them are in memory: a saved plan has a file format of its own. The
tables that `remote/` creates in the same schema to compare with the API are not listed here.
"""

from __future__ import annotations

import duckdb
from msgspec import Struct

from headrace.book.queries import rows


class Table(Struct, frozen=True, kw_only=True):
    """One table, view or temporary table."""

    name: str
    """Name with the schema; temporary tables have no schema."""
    columns: tuple[str, ...]
    """Names with their types, in order."""
    meaning: str
    """Meaning of one row."""
    made_by: str
    """File with the statement that creates it, below `headrace/sync` unless it starts with
    `book/`."""
    read_by: tuple[str, ...] = ()
    """Files that read it, relative to the same folder."""


def _table(name: str, columns: str, meaning: str, made_by: str, *read_by: str) -> Table:
    return Table(
        name=name,
        columns=tuple(columns.split(", ")),
        meaning=meaning,
        made_by=made_by,
        read_by=read_by,
    )


_KEY = "entity varchar, external_id varchar"
_LINK_ENDS = (
    "from_entity varchar, from_external_id varchar, to_entity varchar, to_external_id varchar"
)
_LINK = f"{_KEY}, to_entity varchar, to_external_id varchar"

PLANNED = (
    _table(
        "plan.differences",
        f"{_KEY}, action varchar, key bigint, fingerprint bigint",
        "a record whose row differs from what the API acknowledged; `key` is the hash of its key",
        "planning/sql/differences.sql",
        *("planning/sql/changes.sql", "planning/rejects.py", "collection/claiming.py"),
    ),
    _table(
        "book.examined_links",
        f"{_LINK_ENDS}, amount bigint",
        "a link at either end of a record that differs",
        "planning/sql/examined.sql",
        "planning/sql/nodes.sql",
    ),
    _table(
        "book.examined_records",
        f"{_KEY}, customer varchar, currency varchar, amount bigint, moment timestamp, "
        "origin varchar",
        "a record that differs, or at the other end of its links, or of a departed customer",
        "planning/sql/examined.sql",
        *("planning/sql/nodes.sql", "planning/sql/left_out.sql"),
    ),
    _table(
        "plan.changes",
        f"{_KEY}, action varchar, fingerprint bigint, shrinks boolean",
        "a difference that is sent; `shrinks` if it only removes or reduces links",
        "planning/sql/changes.sql",
        *("planning/planner.py", "planning/sql/nodes.sql", "planning/sql/hold.sql"),
    ),
    _table(
        "plan.gone",
        f"{_KEY}, customer varchar",
        "a record that is deleted, and the customer it belonged to",
        "planning/comparison.py",
        *("planning/sql/nodes.sql", "planning/sql/left_out.sql", "planning/rejects.py"),
    ),
    _table(
        "plan.acknowledged_children",
        "external_id varchar, parent varchar",
        "a customer that may keep a deleted parent: deleted, in error, refused or left out",
        "planning/comparison.py",
        "planning/sql/hold_left.sql",
    ),
    _table(
        "plan.acknowledged_documents",
        f"{_KEY}, customer varchar",
        "a document that the API has of a customer that is deleted",
        "planning/comparison.py",
        *("planning/sql/hold_left.sql", "planning/sql/waits.sql", "ordering/neighbours.py"),
    ),
    _table(
        "plan.moved",
        f"{_KEY}, action varchar, currency varchar, amount bigint",
        "the change of the open amount by an update or deletion, in the currency's lowest division",
        "planning/turnover.py",
        "planning/turnover.py",
    ),
    _table(
        "plan.departed",
        f"{_KEY}, rule varchar",
        "a record that left the source and stays at the API, by the rule of its entity",
        "planning/sql/departed.sql",
        "planning/summary.py",
    ),
    _table(
        "plan.left_out",
        f"{_KEY}, action varchar",
        "a change outside the scope",
        "planning/sql/left_out.sql",
        *("planning/scope.py", "planning/summary.py", "planning/sql/hold.sql"),
    ),
    _table(
        "plan.staying_links",
        f"{_LINK_ENDS}, reason varchar",
        "a link that is not sent because of an error",
        "planning/sql/staying.sql",
        *("planning/sql/staying.sql", "remote/sql/reasons.sql"),
    ),
    _table(
        "plan.staying",
        f"{_KEY}, reason varchar",
        "a record, or a link by the keys of both ends, that is not sent because of an error",
        "planning/sql/staying.sql",
        "planning/summary.py",
    ),
    _table(
        "plan.rejects",
        f"{_KEY}, fingerprint bigint, message varchar, ignored boolean, around bigint, "
        "stands boolean",
        "a reject; `stands` as long as neither the record nor its neighbours changed",
        "planning/rejects.py",
        *("planning/sql/standing.sql", "planning/sql/hold.sql", "planning/planner.py"),
    ),
    _table(
        "plan.around",
        f"{_KEY}, mark bigint",
        "a hash of all neighbours of a rejected record; created only where there are rejects",
        "planning/sql/around.sql",
        *("planning/sql/standing.sql", "planning/rejects.py"),
    ),
    _table(
        "plan.claims",
        f"{_KEY}, id varchar, how varchar, others varchar[], keeps_links boolean, "
        "frees varchar[][]",
        "a booked payment or refund that claims the collected record `id`",
        "collection/sql/claims.sql",
        *("collection/claiming.py", "delivery/loader.py", "planning/planner.py"),
    ),
    _table(
        "plan.awaiting",
        f"{_KEY}, reason varchar",
        "a record that may be collected money and waits for a person's decision",
        "collection/sql/claims.sql",
        *("collection/claiming.py", "planning/sql/hold.sql"),
    ),
    _table(
        "plan.held",
        f"{_KEY}, reason varchar, fate varchar",
        "a change that is not sent because a record it needs is refused, waits or is left out",
        "planning/sql/hold.sql",
        *("planning/summary.py", "remote/sql/reasons.sql"),
    ),
    _table(
        "plan.nodes",
        f"id bigint, {_KEY}, action varchar, fingerprint bigint, shrinks boolean, "
        "customer varchar, currency varchar, amount bigint, moment timestamp, open boolean, "
        "is_main boolean, level integer",
        "a change that is sent, as a node of the graph for ordering and phases",
        "planning/sql/nodes.sql",
        *("planning/phases.py", "planning/sql/place.sql", "ordering/neighbours.py"),
    ),
    _table(
        "plan.edges",
        "source bigint, target bigint",
        "a link between two nodes; `target` is null where the other end does not change",
        "planning/sql/nodes.sql",
        *("planning/phases.py", "planning/sql/place.sql", "planning/sql/waits.sql"),
    ),
    _table(
        "plan.reached",
        "id bigint, phase integer",
        "a node that links connect to a change (phase 0) or an open item (phase 1)",
        "planning/phases.py",
        "planning/sql/place.sql",
    ),
    _table(
        "plan.steps",
        f"{_KEY}, step integer, customer varchar, rank bigint",
        "a request of a record that conflicts with others, ranked in the order to send them; "
        "`step` is 0 for a release, 1 for the record, 2 for its late links; only releases have a "
        "`customer`",
        "ordering/resolver.py",
        "planning/sql/place.sql",
    ),
    _table(
        "plan.step_waits",
        f"{_KEY}, step integer, on_entity varchar, on_external_id varchar, on_step integer",
        "a step that must not be sent before another one was acknowledged",
        "ordering/resolver.py",
        "planning/sql/waits.sql",
    ),
    _table(
        "plan.given_back",
        _LINK,
        "a link that a release removes although it stays: the record's own request restores it",
        "ordering/resolver.py",
        "ordering/resolver.py",
    ),
    _table(
        "plan.late_links",
        _LINK,
        "a link that the record's own request leaves out and a later request sends",
        "ordering/resolver.py",
        *("ordering/resolver.py", "planning/sql/waits.sql"),
    ),
    _table(
        "plan.operations",
        f"number bigint, id bigint, {_KEY}, action varchar, step integer, fingerprint bigint, "
        "customer varchar, phase integer, currency varchar, amount bigint",
        "one request; numbers follow the order of delivery, and are consecutive within a lane",
        "planning/sql/place.sql",
        *("delivery/loader.py", "planning/changes.py", "planning/summary.py"),
        "planning/sql/waits.sql",
    ),
    _table(
        "plan.lanes",
        "customer varchar, phase integer, first bigint, last bigint",
        "the operations of one customer in one phase, sent one after the other",
        "planning/sql/place.sql",
        *("delivery/loader.py", "planning/planner.py", "planning/summary.py"),
    ),
    _table(
        "plan.waits",
        "number bigint, on_number bigint",
        "an operation that must not be sent before one of another lane was acknowledged",
        "planning/sql/waits.sql",
        *("delivery/loader.py", "planning/sql/limit.sql"),
    ),
)

TEMPORARY = (
    _table(
        "moved_shares",
        "share bigint",
        "a share of all keys in which something differs",
        "planning/sql/moved_shares.sql",
        *("planning/planner.py", "planning/sql/differences.sql"),
    ),
    _table(
        "wanted",
        "external_id varchar",
        "a record of one entity whose payload is built next",
        "book/payloads/payloads.py",
        "book/payloads/payloads.py",
    ),
    _table(
        "ranges",
        "first bigint, last bigint",
        "the range of operations that one lane loads next",
        "delivery/loader.py",
        "delivery/loader.py",
    ),
    _table(
        "slice",
        f"number bigint, {_KEY}, action varchar, customer varchar, fingerprint bigint",
        "an operation that is loaded next",
        "delivery/loader.py",
        "delivery/loader.py",
    ),
)

BY_NAME = {table.name: table for table in (*PLANNED, *TEMPORARY)}

COMPARED = ("plan.differences", "book.examined_links", "book.examined_records")
"""Tables of the comparison; they are empty where the source equals what the API acknowledged."""

WITHOUT_CHANGES = (
    *("plan.operations", "plan.lanes", "plan.waits"),
    *("plan.given_back", "plan.late_links"),
)
"""Tables that every plan has; they are empty where there is nothing to send."""


def columns_of(name: str) -> tuple[str, ...]:
    """Return the declared columns of a table, for `make_table`."""
    return BY_NAME[name].columns


def make_empty(connection: duckdb.DuckDBPyConnection, *names: str) -> None:
    """Create or replace these tables, without rows."""
    rows.make_empty(connection, {name: columns_of(name) for name in names})
