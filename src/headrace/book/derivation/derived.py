"""The tables that follow from the canonical ones alone, before any rule is checked."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from importlib import resources

import duckdb
from msgspec import Struct

from headrace.book.dependencies import depends, tables_of
from headrace.book.models.changed_rows import SETTLING, Touched
from headrace.book.queries.filled import filled
from headrace.book.queries.narrowing import narrowed, selected
from headrace.book.queries.parallel import side_by_side, statement
from headrace.book.queries.rows import make_empty
from headrace.model.table_contents import contents_of


def _read(*names: str) -> str:
    folder = resources.files("headrace.book.derivation")
    return "".join(folder.joinpath(f"{name}.sql").read_text(encoding="utf-8") for name in names)


class Derived(Struct, frozen=True, kw_only=True):
    """Tables of one file, independent of those of other files."""

    sql: str
    over: tuple[str, ...]
    """What follows `from book.` for the rows that lead to others: without these, the tables are
    empty."""
    tables: Mapping[str, tuple[str, ...]]
    """The tables by name, with the columns that the queries give them."""


_ID = "external_id varchar"
_SYNTHETIC = (
    *(_ID, "customer_external_id varchar", "currency varchar", "amount bigint"),
    *("validated_at timestamp", "ref_number varchar", "invoice_external_id varchar"),
)

_FIXES = _read("fixes")
FIXES = Derived(
    sql=f"create or replace table book.fixes as\n{_FIXES}",
    over=("marked_invoices",),
    tables={"book.fixes": _SYNTHETIC},
)

DERIVED = (
    Derived(
        sql=_read("families", "roots"),
        over=("customers where parent_external_id is not null", "unread_parents"),
        tables={
            "book.flawed_parents": (_ID, "cause varchar"),
            "book.parents": (_ID, "parent varchar"),
            "book.roots": (_ID, "root varchar"),
        },
    ),
    Derived(sql=_read("settled"), over=("settlements",), tables={"book.settled": _SYNTHETIC}),
    FIXES,
    Derived(
        sql=_read("flawed_contacts"),
        over=("contacts",),
        tables={"book.flawed_contacts": ("row bigint", "problem varchar")},
    ),
)


def derive(
    connection: duckdb.DuckDBPyConnection,
    moved: frozenset[str] | None,
    touched: dict[str, Touched],
) -> frozenset[str]:
    """Create the tables of `DERIVED` that depend on tables that moved; None for all.

    Returns the names of the tables that have other rows than before. Where only rows in `touched`
    moved, only the fixes of the invoices around them are made again, and are added to `touched`.
    """
    due = [one for one in DERIVED if depends(one.sql, moved)]
    found = filled(connection, *(source for one in due for source in one.over))
    if moved is not None and FIXES in due and tables_of(FIXES.sql) & moved <= touched.keys():
        due.remove(FIXES)
        if not found.isdisjoint(FIXES.over) or filled(connection, "fixes"):
            touched["fixes"] = Touched(_fix_again(connection, touched), links=True)
    needed = [one for one in due if not found.isdisjoint(one.over)]
    names = [name for one in due for name in one.tables]
    before = {} if moved is None else {name: contents_of(connection, name) for name in names}
    make_empty(
        connection,
        {name: one.tables[name] for one in due if one not in needed for name in one.tables},
    )
    side_by_side(connection, [statement(one.sql) for one in needed])
    others = {
        name.removeprefix("book.")
        for name in names
        if moved is None or before[name] != contents_of(connection, name)
    }
    return frozenset(others | {name for name, one in touched.items() if one.ids})


def _fix_again(connection: duckdb.DuckDBPyConnection, touched: Mapping[str, Touched]) -> set[str]:
    """Make the fixes again of the invoices that moved, or are settled otherwise; returns the ids
    of the fixes that differ from before."""
    ids = set(touched["invoices"].ids) if "invoices" in touched else set()
    ids |= {one for name in touched.keys() & SETTLING for one in touched[name].targets}
    invoices = selected(ids)
    where = f"invoice_external_id in ({invoices})"
    rows = f"({narrowed(_FIXES, invoices)})"
    before = Counter(connection.execute(f"from book.fixes where {where}").fetchall())
    now = Counter(connection.execute(rows).fetchall())
    if before != now:
        connection.execute(f"delete from book.fixes where {where}; insert into book.fixes {rows}")
    return {row[0] for row in (before - now) + (now - before)}
