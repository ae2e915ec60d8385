"""What the tables of a source hold: rows, columns, values, keys, and which column refers to which
table. All of it follows from the values, so it works for files as it does for databases."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping

import duckdb
from msgspec import Struct, structs

from headrace.book.models.reading import add_reading_macros
from headrace.drafting.vocabulary import COLUMNS
from headrace.drafting.words import likeness, words_of
from headrace.model.money import EXPONENTS
from headrace.sources.source import quoted

_FEW = 24
"""Most distinct values of a column whose values are listed."""
_SAMPLES = 3
_BATCH = 50
"""Columns looked at by one statement; of many more, its plan would take longer than its work."""
_AMOUNT = re.compile(r"\d[.,]\d{2}\b|[€$£]|^\(?[\d.,' ]+\)?$")
"""What a text looks like that may be an amount."""
_WHOLE = ("TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT", "UBIGINT", "UINTEGER")
_GENERIC = {"id", "guid", "uuid", "key", "pk", "no", "nr", "number", "code"}


class Column(Struct, frozen=True):
    """A column and what its values show; counts are of rows."""

    name: str
    type: str
    rows: int
    nulls: int
    distinct: int
    values: dict[str, int]
    """Each value with its rows where there are few different ones, the most frequent first."""
    samples: list[str]
    dates: int
    """Values that are dates, or ISO text of dates."""
    days: int
    """Values that are dates as people write them, such as 31/12/2026."""
    numbers: int
    """Values that are numbers, or plain text of numbers."""
    wholes: int
    negatives: int
    currencies: int
    """Values that are codes of currencies."""
    emails: int
    moneys: int = 0
    """Values that are no plain numbers, but amounts as people write them, such as 1.377,58."""

    @property
    def filled(self) -> int:
        """Rows with a value."""
        return self.rows - self.nulls

    @property
    def unique(self) -> bool:
        """Whether each row has a value of its own."""
        return self.rows > 0 and self.distinct == self.rows

    def mostly(self, count: int) -> bool:
        """Return whether `count` is nearly all of the values."""
        return self.filled > 0 and count >= 0.98 * self.filled

    @property
    def is_date(self) -> bool:
        """Whether the values are dates, in any of the forms that can be read."""
        return self.mostly(self.dates) or self.mostly(self.days)

    @property
    def is_number(self) -> bool:
        """Whether the values are numbers."""
        plain = self.mostly(self.numbers) and not self.type.startswith(("DATE", "TIME", "BOOL"))
        return plain or self.is_money

    @property
    def is_money(self) -> bool:
        """Whether the values are amounts as people write them, and not all plain numbers."""
        return not self.mostly(self.numbers) and self.mostly(self.moneys)


class Reference(Struct, frozen=True):
    """A column whose values are keys of a table."""

    table: str
    column: str
    to_table: str
    to_column: str
    named: float
    """How clearly the column's name says so; 0 when only its values do."""


class Table(Struct, frozen=True):
    """A table; `key` is the column that identifies its rows."""

    name: str
    rows: int
    columns: dict[str, Column]
    key: str | None


class Survey(Struct, frozen=True):
    """Tables with rows, and the references between them."""

    tables: dict[str, Table]
    references: list[Reference]

    def refers(self, table: str, to_table: str) -> list[Reference]:
        """Return the references from one table to another, the clearest first."""
        found = [r for r in self.references if (r.table, r.to_table) == (table, to_table)]
        return sorted(found, key=lambda reference: -reference.named)


def survey(connection: duckdb.DuckDBPyConnection, names: Iterable[str]) -> Survey:
    """Look at staged tables; those without rows are left out."""
    add_reading_macros(connection)
    tables = {}
    for name in names:
        table = survey_table(connection, quoted(name), name)
        if table.rows:
            tables[name] = table
    return Survey(tables, _references(connection, tables))


def survey_table(
    connection: duckdb.DuckDBPyConnection,
    target: str,
    name: str,
    shown: Collection[str] | None = None,
) -> Table:
    """Look at one table; `target` is its name in SQL, `shown` the columns to look at, else all.

    The macros for what people write must have been made.
    """
    described = connection.execute(f"describe from {target}").fetchall()
    ((rows,),) = connection.execute(f"select count(*) from {target}").fetchall()
    wanted = [(str(c), str(kind)) for c, kind, *_ in described if shown is None or c in shown]
    columns: dict[str, Column] = {}
    for start in range(0, len(wanted), _BATCH):
        columns |= _columns(connection, target, int(rows), wanted[start : start + _BATCH])
    return Table(name, int(rows), columns, _key(name, columns))


_FIGURES = (
    "count({c})",
    "count(distinct {c})",
    "count(*) filter (try_cast({c}::varchar as timestamp) is not null"
    " and length({c}::varchar) >= 8 and contains({c}::varchar, '-'))",
    "count(*) filter (regexp_full_match(trim({c}::varchar),"
    r" '\d{{1,2}}[./-]\d{{1,2}}[./-]\d{{2,4}}( .*)?'))",
    "count(*) filter (try_cast({c}::varchar as decimal(38, 6)) is not null)",
    "count(*) filter (try_cast({c}::varchar as decimal(38, 6)) % 1 = 0)",
    "count(*) filter (try_cast({c}::varchar as decimal(38, 6)) < 0)",
    # As a subquery this would be a join for each column, and such a query takes long to plan.
    f"count(*) filter (regexp_full_match({{c}}::varchar, '{'|'.join(EXPONENTS)}'))",
    "count(*) filter (contains({c}::varchar, '@'))",
)


def _columns(
    connection: duckdb.DuckDBPyConnection, table: str, rows: int, batch: list[tuple[str, str]]
) -> dict[str, Column]:
    readable = [(name, kind) for name, kind in batch if kind != "BLOB"]
    figures = [part.format(c=quoted(name)) for name, _ in readable for part in _FIGURES]
    row = connection.execute(f"select {', '.join(figures) or '1'} from {table}").fetchall()[0]
    found: dict[str, Column] = {}
    for place, (name, kind) in enumerate(readable):
        filled, distinct, *counts = row[place * len(_FIGURES) : (place + 1) * len(_FIGURES)]
        values = _values(connection, table, name) if distinct <= _FEW else {}
        samples = list(values)[:_SAMPLES] or _samples(connection, table, name)
        column = Column(name, kind, rows, rows - filled, distinct, values, samples, *counts)
        found[name] = _with_moneys(connection, table, column)
    return found


def _with_moneys(connection: duckdb.DuckDBPyConnection, table: str, column: Column) -> Column:
    """Look at text again that starts like an amount and is neither number nor date."""
    plain = column.type != "VARCHAR" or column.mostly(column.numbers) or column.is_date
    if plain or not any(map(_AMOUNT.search, column.samples)):
        return column
    ((moneys, negatives),) = connection.execute(
        "select count(amount), count(*) filter (amount < 0) from "
        f"(select memory.main.money_text({quoted(column.name)}) as amount from {table})"
    ).fetchall()
    return structs.replace(column, moneys=int(moneys), negatives=int(negatives))


def _values(connection: duckdb.DuckDBPyConnection, table: str, column: str) -> dict[str, int]:
    c = quoted(column)
    rows = connection.execute(
        f"select {c}::varchar, count(*) from {table} where {c} is not null "
        "group by all order by 2 desc, 1"
    ).fetchall()
    return {str(value): int(count) for value, count in rows}


def _samples(connection: duckdb.DuckDBPyConnection, table: str, column: str) -> list[str]:
    c = quoted(column)
    rows = connection.execute(
        f"select {c}::varchar from {table} where {c} is not null limit {_SAMPLES}"
    ).fetchall()
    return [str(value) for (value,) in rows]


def _key(table: str, columns: Mapping[str, Column]) -> str | None:
    """Return the column that identifies the rows: unique, and named or placed like a key."""
    unique = [c for c in columns.values() if c.unique and not c.is_date and c.type != "DOUBLE"]
    if not unique:
        return None
    places = {name: place for place, name in enumerate(columns)}

    def rank(column: Column) -> tuple[float, int]:
        words = set(words_of(column.name))
        named = 2.0 if words and words <= _GENERIC else 0.0
        named += 1.0 if words & _GENERIC else 0.0
        named += 1.0 if column.type in _WHOLE else 0.0
        named += likeness(column.name, words_of(table)) / 4
        return -named, places[column.name]

    return min(unique, key=rank).name


def _references(
    connection: duckdb.DuckDBPyConnection, tables: Mapping[str, Table]
) -> list[Reference]:
    found = []
    keys = [(table, table.columns[table.key]) for table in tables.values() if table.key]
    for table in tables.values():
        for column in table.columns.values():
            for target, key in keys:
                own = target.name == table.name and column.name == key.name
                if own or not _comparable(column, key):
                    continue
                named = _named_after(column.name, target, key, table.columns)
                if not named and not (_telling(column) and _telling(key)):
                    continue
                if _included(connection, table.name, column.name, target.name, key.name):
                    found.append(Reference(table.name, column.name, target.name, key.name, named))
    return found


def _comparable(column: Column, key: Column) -> bool:
    if not column.filled or column.is_date or column.type in ("BOOLEAN", "DOUBLE"):
        return False
    whole = column.mostly(column.wholes) == key.mostly(key.wholes)
    return whole and column.distinct <= key.distinct


def _telling(column: Column) -> bool:
    """Whether equal values can't be an accident: texts, many and none of them a number."""
    return column.type == "VARCHAR" and column.distinct > 20 and not column.numbers


def _named_after(name: str, target: Table, key: Column, own: Mapping[str, Column]) -> float:
    generic = set(words_of(key.name)) <= _GENERIC
    if target.columns is own and likeness(name, COLUMNS["parent"]):
        return 2.5
    if name.lower() == key.name.lower() and not generic:
        return 3.0
    stems = [word.rstrip("snxe") or word for word in words_of(target.name)]
    said = likeness(name, stems) if stems else 0.0
    return said * (1.0 if len(stems) == 1 else 0.8)


def _included(
    connection: duckdb.DuckDBPyConnection, table: str, column: str, target: str, key: str
) -> bool:
    """Whether nearly every value of the column is a key of the target."""
    ((missing, every),) = connection.execute(
        f"with held as (select distinct {quoted(column)}::varchar as value from {quoted(table)} "
        f"where {quoted(column)} is not null), "
        f"keys as (select {quoted(key)}::varchar as value from {quoted(target)}) "
        "select count(*) filter (value not in (from keys)), count(*) from held"
    ).fetchall()
    return bool(every) and missing <= 0.02 * every
