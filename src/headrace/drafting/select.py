"""Writes one SELECT as a person would: a column a line, tables joined once."""

from __future__ import annotations

import re

from headrace.drafting.survey import Column
from headrace.sources.source import literal, quoted

UNFINISHED = "-- " + "todo".upper()
"""What marks the places of a draft that a person has to complete."""
_PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_RESERVED = frozenset(
    """all and any as asc between by case cast check column create cross default desc distinct else
    end except exists false fetch for foreign from full grant group having in inner intersect into
    is join left like limit not null offset on or order outer primary references right select set
    some table then to true union unique using when where with""".split()  # noqa: SIM905
)


def identifier(name: str) -> str:
    """Return the name as SQL, in quotes only where it needs them."""
    plain = _PLAIN.fullmatch(name) and name.lower() not in _RESERVED
    return name if plain else quoted(name)


def text(value: str) -> str:
    """Return the value as an SQL string."""
    return literal(value)


class Select:
    """A SELECT over one table, in the order in which its parts are added."""

    def __init__(self, table: str) -> None:
        self.alias = identifier(table)
        self._columns: list[tuple[str, str]] = []
        self._joins: dict[str, str] = {}
        self._conditions: list[str] = []

    def own(self, column: str) -> str:
        """Return SQL for a column of the table itself."""
        return f"{self.alias}.{identifier(column)}"

    def add(self, alias: str, sql: str | None) -> None:
        """Add a column; None adds nothing."""
        if sql is not None:
            self._columns.append((alias, sql))

    def add_found(self, alias: str, column: Column | None) -> None:
        """Add a column of the table as it is, if there is one."""
        if column is not None:
            self.add(alias, self.own(column.name))

    def join(self, table: str, column: str, to_column: str) -> str:
        """Join another table by a column of this one; returns its name in the SELECT."""
        other = identifier(table)
        self._joins[other] = (
            f"left join {other} on {other}.{identifier(to_column)} = {self.own(column)}"
        )
        return other

    def where(self, condition: str) -> None:
        """Keep only the rows that fulfil the condition as well."""
        self._conditions.append(condition)

    def sql(self) -> str:
        """Return the SELECT, ending in a line break."""
        lines = []
        for place, (alias, sql) in enumerate(self._columns):
            comma = "," if place + 1 < len(self._columns) else ""
            value, todo, note = sql.partition(UNFINISHED)
            remark = f"  {UNFINISHED}{note}" if todo else ""
            lines.append(f"    {self._shown(value.strip(), alias)}{comma}{remark}")
        rows = [f"from {self.alias}", *self._joins.values()]
        if self._conditions:
            rows.append("where " + "\n  and ".join(map(self._short, self._conditions)))
        return "select\n" + "\n".join(lines) + "\n" + "\n".join(rows) + "\n"

    def _shown(self, sql: str, alias: str) -> str:
        short = self._short(sql)
        return short if short == alias else f"{short} as {alias}"

    def _short(self, sql: str) -> str:
        """Leave the table's name out where no other table is joined."""
        return sql if self._joins else sql.replace(f"{self.alias}.", "")
