"""Several sources of one organisation as one: `bank.payments` is the table payments of bank."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager

import duckdb

from headrace.sources.moved import Reading, ask_what_moved
from headrace.sources.source import Source, check_offered, not_read, quoted, staged


class SeveralSources:
    """A main source, whose tables have their own names, and others under names."""

    def __init__(self, main: Source | None, others: Mapping[str, Source]) -> None:
        self._main = main
        self._others = others

    def tables(self) -> frozenset[str]:
        found = {
            f"{name}.{table}" for name, source in self._others.items() for table in source.tables()
        }
        return frozenset(found | (self._main.tables() if self._main else frozenset()))

    def stage(
        self, connection: duckdb.DuckDBPyConnection, names: Collection[str]
    ) -> dict[str, int]:
        connection.execute("create schema if not exists source")
        rest = list(names)
        counts: dict[str, int] = {}
        for prefix, source in self._others.items():
            wanted = [name for name in rest if name.startswith(f"{prefix}.")]
            rest = [name for name in rest if name not in wanted]
            counts |= _stage_under(connection, prefix, source, wanted)
        if self._main is not None:
            return counts | self._main.stage(connection, rest)
        check_offered(rest, self.tables() if rest else (), "The organisation's sources")
        return counts

    def stage_moved(
        self,
        connection: duckdb.DuckDBPyConnection,
        names: Collection[str],
        earlier: Mapping[str, str],
        now: float,
    ) -> Reading:
        connection.execute("create schema if not exists source")
        rest = list(names)
        marks: dict[str, str | None] = {}
        read: list[str] = []
        for prefix, source in self._others.items():
            wanted = [name for name in rest if name.startswith(f"{prefix}.")]
            rest = [name for name in rest if name not in wanted]
            with _under_plain_names(connection, prefix, wanted) as own:
                before = {plain: earlier[name] for plain, name in own.items() if name in earlier}
                found = ask_what_moved(source, connection, list(own), before, now)
            marks |= {own[plain]: mark for plain, mark in found.marks.items() if plain in own}
            read += [own[plain] for plain in found.read]
        if self._main is None:
            check_offered(rest, self.tables() if rest else (), "The organisation's sources")
            return Reading(marks, read)
        # A table of the same name without the prefix was in the way of the others.
        before = {
            name: earlier[name]
            for name in rest
            if name in earlier and not any(f"{prefix}.{name}" in names for prefix in self._others)
        }
        found = ask_what_moved(self._main, connection, rest, before, now)
        return Reading({**marks, **found.marks}, [*read, *found.read])

    def mark(self, now: float) -> str | None:
        marks = [source.mark(now) for source in self._all]
        return None if None in marks else "\n".join(map(str, marks))

    def close(self) -> None:
        for source in self._all:
            source.close()

    def unread(self) -> list[str]:
        """Return the files that none of the sources reads, where they are folders."""
        found: list[str] = []
        for source in self._all:
            found += not_read(source)
        return found

    @property
    def _all(self) -> list[Source]:
        return [*([self._main] if self._main else []), *self._others.values()]


def _stage_under(
    connection: duckdb.DuckDBPyConnection, prefix: str, source: Source, wanted: list[str]
) -> dict[str, int]:
    """Stage tables under their names with the prefix; a source knows them without."""
    with _under_plain_names(connection, prefix, wanted) as own:
        counts = source.stage(connection, list(own)) if own else {}
    return {name: counts[plain] for plain, name in own.items()}


@contextmanager
def _under_plain_names(
    connection: duckdb.DuckDBPyConnection, prefix: str, wanted: list[str]
) -> Iterator[dict[str, str]]:
    """Give the tables their names without the prefix for the length of a `with`; yields their names
    with it by those without."""
    own = {name.removeprefix(f"{prefix}."): name for name in wanted}
    for plain, name in own.items():
        connection.execute(f"drop table if exists {staged(plain)}")
        # A source may keep the columns of the last time.
        if _exists(connection, name):
            connection.execute(f"alter table {staged(name)} rename to {quoted(plain)}")
    yield own
    for plain, name in own.items():
        connection.execute(f"alter table {staged(plain)} rename to {quoted(name)}")


def _exists(connection: duckdb.DuckDBPyConnection, name: str) -> bool:
    found = connection.execute(
        "select 1 from duckdb_tables() where schema_name = 'source' and table_name = $1"
        " and database_name = current_database()",
        [name],
    )
    return bool(found.fetchall())
