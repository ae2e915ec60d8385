"""Brings a canonical table up to date by the rows of the source that changed.

The changed rows of a staged table, old and new, are put in the place of the whole table; the model
then gives the ids of the rows that may be affected. The model is run once more as a subquery that
is filtered by these ids, and its rows replace the earlier ones of these ids. DuckDB pushes the
filter down to the tables, so both runs look at few rows.

This holds for models of which each row follows from single rows of the table (`rowwise.py`).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from typing import Any

import duckdb
import msgspec
from msgspec import Struct

from headrace.book.models.given_values import keep_given_values
from headrace.book.models.models import Model, casting
from headrace.book.models.rowwise import of_rows_of
from headrace.book.queries.narrowing import listed, selected

_MOST = 500
"""Ids up to which rows are replaced; beyond it, running the whole model is as fast."""
_KEYS = {"contacts": "customer_external_id", "allocations": "from_external_id"}
_LINKED = {
    "invoices": ("external_id", "customer_external_id", "currency", "gross_amount"),
    "credit_notes": ("external_id", "customer_external_id", "currency", "gross_amount"),
    "payments": ("external_id", "customer_external_id", "currency", "amount"),
    "refunds": ("external_id", "customer_external_id", "currency", "amount"),
}
"""Columns of documents by which links are checked."""
SETTLING = {"allocations": "to_external_id", "settlements": "invoice_external_id"}
"""Columns that name what rows settle."""


# Temporary tables hide those of the source, so no table of a source has such a name.
_LATER = '"headrace later rows"'


class Touched(Struct):
    """The rows of one canonical table that a build replaced."""

    ids: set[str] = set()
    rows: int = 0
    """How many rows left, and came."""
    links: bool = False
    """Whether links may look different because of them."""
    targets: set[str] = set()
    """The documents that they settle or settled."""


class Moved(Struct, frozen=True):
    """What a build made again."""

    tables: frozenset[str]
    """Tables with other rows than before."""
    touched: dict[str, Touched]
    """Those of them of which only some rows were replaced."""
    linked: frozenset[str] | None = None
    """The ids of the documents that moved, if the links that moved are theirs or were replaced
    themselves; None if the links have to be marked again as a whole, or did not move."""

    def ids(self, read: frozenset[str], own: frozenset[str]) -> set[str] | None:
        """Return the ids that moved in the tables that a query reads; None where the ids are not
        known, or a table moved that is none of those in `own`."""
        moved = read & self.tables
        if not moved <= self.touched.keys() & own:
            return None
        return set[str]().union(*(self.touched[name].ids for name in moved))


def key_of(table: str) -> str:
    """Return the column by which rows of a canonical table are replaced."""
    return _KEYS.get(table, "external_id")


def replace_changed(
    connection: duckdb.DuckDBPyConnection, model: Model, changed: Sequence[str]
) -> Touched | None:
    """Bring the table of a model up to date, of which the source's tables `changed` have changed
    rows in `staging.changes`.

    Returns what it replaced, without ids if every row is as before; None if the model has to run as
    a whole, and nothing was done.
    """
    cursor = connection.cursor()
    try:
        ids = _affected(cursor, model, changed)
        if ids is None:
            return None
        return _replaced(cursor, model, ids) if ids else Touched()
    finally:
        cursor.close()


def _affected(
    connection: duckdb.DuckDBPyConnection, model: Model, changed: Sequence[str]
) -> set[str] | None:
    key = key_of(model.table.name)
    found: set[str] = set()
    for name in changed:
        _show_changes(connection, name, changed)
        part = msgspec.structs.replace(model, sql=of_rows_of(model.sql, name))
        rows = connection.execute(
            f"select distinct {key} from ({casting(connection, part, key)}) limit {_MOST + 1}"
        ).fetchall()
        # A row without an id can't be found again.
        if len(rows) > _MOST or (None,) in rows:
            return None
        found |= {str(row[0]) for row in rows}
    connection.execute("drop schema if exists memory.delta cascade")
    return found if len(found) <= _MOST else None


def _show_changes(connection: duckdb.DuckDBPyConnection, name: str, changed: Iterable[str]) -> None:
    """Let the model see the changed rows of one table alone, and those of the others together with
    all of their rows, because pairs of earlier rows may be affected as well."""
    connection.execute(
        "set search_path = 'memory.main'; "
        "drop schema if exists memory.delta cascade; create schema memory.delta"
    )
    for other in changed:
        old, new = (
            f"from staging.changes.{_quoted(f'{other} {which}')}" for which in ("old", "new")
        )
        whole = f"from staging.source.{_quoted(other)}"
        rows = f"{old} union all {new}" if other == name else f"{whole} union all {old}"
        connection.execute(f"create view memory.delta.{_quoted(other)} as {rows}")
    connection.execute("set search_path = 'memory.delta,staging.source,memory.main'")


def _replaced(connection: duckdb.DuckDBPyConnection, model: Model, ids: Collection[str]) -> Touched:
    connection.execute("set search_path = 'staging.source,memory.main'")
    name, key = model.table.name, key_of(model.table.name)
    table = f"memory.book.{name}"
    made = f"from ({casting(connection, model)}) where {key} in ({listed(ids)})"
    connection.execute(f"create or replace temp table {_LATER} as {made}")
    # Comparing so few rows here is faster than planning a query for it.
    later = _rows(connection, model, _LATER)
    earlier = _rows(connection, model, f"{table} where {key} in ({selected(ids)})")
    left, came = earlier.rows - later.rows, later.rows - earlier.rows
    changed = left + came
    if not changed:
        return Touched()
    found = {str(one) for (one,) in later.parts(changed, key)}
    where = f"where {key} in ({selected(found)})"
    connection.execute(f"delete from {table} {where}; insert into {table} from {_LATER} {where}")
    keep_given_values(connection, model, where)
    return Touched(
        found,
        changed.total(),
        name not in _LINKED
        or later.parts(left, *_LINKED[name]) != later.parts(came, *_LINKED[name]),
        {str(one) for (one,) in later.parts(changed, SETTLING[name]) if one is not None}
        if name in SETTLING
        else set(),
    )


class _Rows(Struct):
    """Rows of a canonical table, with how often each is there."""

    names: list[str]
    rows: Counter[tuple[Any, ...]]

    def parts(self, rows: Counter[tuple[Any, ...]], *names: str) -> Counter[tuple[Any, ...]]:
        """Return these columns of such rows."""
        places = [self.names.index(name) for name in names]
        found: Counter[tuple[Any, ...]] = Counter()
        for row, times in rows.items():
            found[tuple(row[place] for place in places)] += times
        return found


def _rows(connection: duckdb.DuckDBPyConnection, model: Model, source: str) -> _Rows:
    files = [column.name for column in model.table.columns if column.kind == "bytes"]
    hashed = ", ".join(f"hash({name}) as {name}" for name in files)
    result = connection.execute(f"select * {f'replace ({hashed})' if files else ''} from {source}")
    names = [str(column[0]) for column in result.description or ()]
    return _Rows(names, Counter(result.fetchall()))


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
