"""The tables that follow from the canonical ones alone, before any rule is checked."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from importlib import resources

import duckdb
from msgspec import Struct

from headrace.book.dependencies import depends
from headrace.book.filled import filled
from headrace.book.parallel import side_by_side, statement
from headrace.book.rows import make_empty
from headrace.model.table_contents import contents_of


def _read(*names: str) -> str:
    folder = resources.files("headrace.book")
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
_MARKS = ("key ubigint", "tag ubigint", "currency varchar", "amount bigint")

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
    Derived(sql=_read("fixes"), over=("marked_invoices",), tables={"book.fixes": _SYNTHETIC}),
    Derived(
        sql=_read("flawed_contacts"),
        over=("contacts",),
        tables={"book.flawed_contacts": ("row bigint", "problem varchar")},
    ),
)

LINK_MARKS = Derived(
    sql=_read("link_marks"),
    over=("allocations",),
    tables={
        "book.document_marks": _MARKS,
        "book.link_marks": (
            *("row bigint", "owner ubigint", "target ubigint", "amount bigint"),
            *("from_kind varchar", "to_kind varchar"),
            *("has_source boolean", "has_target boolean", "odd boolean"),
        ),
    },
)
"""Needs the views of the book, so it is made by the checks."""


LINK_TABLES = frozenset(name.removeprefix("book.") for name in LINK_MARKS.tables)


def derive(
    connection: duckdb.DuckDBPyConnection, moved: Collection[str] | None = None
) -> frozenset[str]:
    """Create the tables of `DERIVED` that depend on tables that moved; None for all.

    Returns the names of the tables that have other rows than before.
    """
    due = [one for one in DERIVED if depends(one.sql, moved)]
    found = filled(connection, *(source for one in due for source in one.over))
    needed = [one for one in due if not found.isdisjoint(one.over)]
    names = [name for one in due for name in one.tables]
    before = {} if moved is None else {name: contents_of(connection, name) for name in names}
    make_empty(
        connection,
        {name: one.tables[name] for one in due if one not in needed for name in one.tables},
    )
    side_by_side(connection, [statement(one.sql) for one in needed])
    return frozenset(
        name.removeprefix("book.")
        for name in names
        if moved is None or before[name] != contents_of(connection, name)
    )
