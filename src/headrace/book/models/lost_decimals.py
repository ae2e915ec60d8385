"""Detects amounts that lose their decimals in a model. `round` inside CASE does that, for
example, and the results look plausible."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import duckdb
from msgspec import Struct

from headrace.book.models.changed_rows import Moved
from headrace.book.models.models import Model
from headrace.book.queries.sql_tree import Tree, inside, item_place, parse, selects
from headrace.book.tables import Column
from headrace.model.repeated import run

_ROWS_MIN = 20
_WHOLE_MIN = 0.98
"""A column is examined if at least this share of its amounts is in whole units ..."""
_PARTS_MIN = 0.1
"""... and its decimals count as lost if at least this share of the source's values has some."""


class WholeUnits(Struct):
    """Which amount columns of a table are almost all in whole units."""

    columns: list[str] = []
    margin: int = 0
    """The number of rows that may still change before another column can be one of them."""


def warn_of_lost_decimals(
    connection: duckdb.DuckDBPyConnection,
    models: Iterable[Model],
    moved: Moved | None,
    known: dict[str, WholeUnits],
) -> None:
    """Add a warning for each amount column in whole units whose source column has decimals. Only
    for currencies with two decimals; in others, whole units are normal.

    `moved` is what has other rows than the last time, None for everything. `known` keeps what was
    found of each table from one time to the next.
    """
    columns: Mapping[str, dict[str, str]] | None = None
    for model in models:
        table = model.table.name
        if not _still_known(table, moved, known):
            known[table] = _whole(connection, model)
        for name in known[table].columns:
            columns = columns if columns is not None else _staged(connection)
            _warn(connection, model, model.table.column(name), columns)


def _still_known(table: str, moved: Moved | None, known: dict[str, WholeUnits]) -> bool:
    if moved is None or table not in known:
        return False
    if table not in moved.tables:
        return True
    if table not in moved.touched:
        return False
    known[table].margin -= moved.touched[table].rows
    return known[table].margin >= 0


def _whole(connection: duckdb.DuckDBPyConnection, model: Model) -> WholeUnits:
    names = [column.name for column in model.table.columns if column.kind == "amount"]
    if not names or not any(column.name == "currency" for column in model.table.columns):
        return WholeUnits(margin=2**62)
    looks = ", ".join(
        f"count(*) filter ({name} <> 0), count(*) filter ({name} <> 0 and {name} % 100 = 0)"
        for name in names
    )
    found = run(
        connection, f"select {looks} from book.{model.table.name} where minor_scale(currency) = 100"
    ).fetchall()[0]
    counts = dict(zip(names, zip(found[::2], found[1::2], strict=True), strict=True))
    return WholeUnits(
        [name for name, count in counts.items() if is_whole(*count)],
        min(margin(*count) for count in counts.values()),
    )


def is_whole(rows: int, whole: int) -> bool:
    """Whether `whole` of so many amounts count as a column in whole units."""
    return rows >= _ROWS_MIN and whole >= _WHOLE_MIN * rows


def margin(rows: int, whole: int) -> int:
    """Return how many amounts may come or go before `is_whole` can change."""
    # Each moves a count, or the difference of both, by one at most.
    return int(min(abs(rows - _ROWS_MIN), abs(whole - _WHOLE_MIN * rows))) - 1


def _staged(connection: duckdb.DuckDBPyConnection) -> dict[str, dict[str, str]]:
    """Return, by table and column in lower case, the column's name as written."""
    tables: dict[str, dict[str, str]] = {}
    for table, column in connection.execute(
        "select table_name, column_name from duckdb_columns() where database_name = 'staging' "
        "and schema_name = 'source' and data_type not in ('DATE', 'BOOLEAN', 'BLOB')"
    ).fetchall():
        tables.setdefault(table.lower(), {})[column.lower()] = f'"{table}"."{column}"'
    return tables


def _warn(
    connection: duckdb.DuckDBPyConnection,
    model: Model,
    amount: Column,
    columns: Mapping[str, dict[str, str]],
) -> None:
    there = set().union(*(columns.get(table, {}) for table in model.reads))
    for name in sorted(_named(parse(model.sql), amount.name, there)):
        for table in sorted(model.reads):
            if name not in columns.get(table, {}):
                continue
            share = _share_of_parts(connection, columns[table][name])
            if share is not None and share >= _PARTS_MIN:
                connection.execute(
                    "insert into book.problems values ('warning', $1, '*', $2, $3)",
                    [
                        model.table.singular,
                        f"have {amount.name} in whole units, while {share:.0%} of {name} in "
                        f"{table} have decimals",
                        "the model loses them: round inside CASE rounds to whole units, "
                        f"minor_rounded({name}, currency) to the currency's, in "
                        f"models/{model.table.name}.sql",
                    ],
                )
                return


def _named(tree: Tree, amount: str, there: set[str]) -> set[str]:
    """Return the source's columns (`there`) that the amount is computed from; if that can't be
    determined, all columns that the model refers to."""
    found: set[str] = set()
    for select in selects(tree):
        place = item_place(select, amount)
        if place is not None:
            found |= _references(select["select_list"][place])
    return found & there - {"currency"} or _references(tree) & there - {"currency"}


def _references(node: Tree) -> set[str]:
    return {
        part["column_names"][-1].lower()
        for part in inside(node)
        if part.get("class") == "COLUMN_REF"
    }


def _share_of_parts(connection: duckdb.DuckDBPyConnection, column: str) -> float | None:
    """Return the share of a column's numbers that are not whole. Numbers of at most 1 are not
    counted, because they are usually rates, not amounts."""
    table, name = column.split('"."')
    number = f'try_cast("{name} as decimal(38, 9))'
    # A large double has no parts, but its decimal has: the cast multiplies before it rounds.
    parts = (
        f"if(typeof(\"{name}) in ('DOUBLE', 'FLOAT'), try_cast(\"{name} as double) % 1 <> 0, "
        f"{number} % 1 <> 0)"
    )
    found = connection.execute(
        f"select avg(case when {parts} and abs({number}) > 1 then 1.0 else 0.0 end) "
        f'filter ({number} is not null) from staging.source.{table}"'
    ).fetchall()
    share: float | None = found[0][0]
    return share
