"""The suite passes for the sources that ship, and catches each way to get it wrong."""

from __future__ import annotations

from collections.abc import Callable, Collection
from itertools import count
from pathlib import Path

import duckdb
import pytest

from headrace.model.errors import SourceError
from headrace.model.source_settings import SourceSettings
from headrace.sources.registry import open_source
from headrace.sources.source import Source
from headrace.testkit.source_suite import SourceSuite, source_suite

EXAMPLES = Path(__file__).parents[2] / "examples"


def _example(name: str, **settings: str) -> Callable[[], Source]:
    return lambda: open_source(SourceSettings(**settings), EXAMPLES / name)  # type: ignore[arg-type]


TestSqlite = source_suite(_example("chinook", kind="sql", url="sqlite:///data/chinook.sqlite"))
TestCsv = source_suite(_example("chinook", kind="files", path="data/csv"), ["customer", "invoice"])
TestJsonLines = source_suite(_example("stripe", kind="files", path="data"))


def test_postgres(postgres_database: str) -> None:
    settings = SourceSettings(
        kind="sql",
        url=postgres_database,
        tables={"t": "select 1.5 as amount, null as nothing, '{}'::jsonb as data"},
    )
    suite = source_suite(lambda: open_source(settings, Path()))()
    for test in _tests():
        getattr(suite, test)()


def _tests() -> list[str]:
    return [name for name in dir(SourceSuite) if name.startswith("test_")]


class _Good:
    """A source of one table."""

    def tables(self) -> frozenset[str]:
        return frozenset({"t"})

    def stage(
        self, connection: duckdb.DuckDBPyConnection, names: Collection[str]
    ) -> dict[str, int]:
        connection.execute("create schema if not exists source")
        for name in names:
            if name not in self.tables():
                raise SourceError(f"There is no table {name}.")
            connection.execute(f"create or replace table source.{name} as {self.rows()}")
        return dict.fromkeys(names, 1)

    def rows(self) -> str:
        return "select 1 as id"

    def close(self) -> None:
        pass


class _Shouting(_Good):
    def tables(self) -> frozenset[str]:
        return frozenset({"t", "T2"})


class _Miscounting(_Good):
    def stage(
        self, connection: duckdb.DuckDBPyConnection, names: Collection[str]
    ) -> dict[str, int]:
        super().stage(connection, names)
        return dict.fromkeys(names, 2)


class _Generous(_Good):
    def stage(
        self, connection: duckdb.DuckDBPyConnection, names: Collection[str]
    ) -> dict[str, int]:
        counts = super().stage(connection, names)
        connection.execute("create or replace table source.more as select 1 as id")
        return counts


class _Restless(_Good):
    numbers = count()

    def rows(self) -> str:
        return f"select {next(self.numbers)} as id"


class _Obliging(_Good):
    def stage(
        self, connection: duckdb.DuckDBPyConnection, names: Collection[str]
    ) -> dict[str, int]:
        connection.execute("create schema if not exists source")
        for name in names:
            connection.execute(f'create or replace table source."{name}" as select 1 as id')
        return dict.fromkeys(names, 1)


class _Fragile(_Good):
    closed = False

    def close(self) -> None:
        assert not self.closed
        self.closed = True


@pytest.mark.parametrize(
    ("source", "failing"),
    [
        (_Good, set()),
        (_Shouting, {"test_names_are_lower_case_and_there_is_at_least_one"}),
        (_Miscounting, {"test_staging_makes_the_tables_and_counts_their_rows"}),
        (_Generous, {"test_only_what_was_asked_is_staged"}),
        (
            _Restless,
            {
                "test_staging_again_replaces_and_gives_the_same",
                "test_another_process_would_see_the_same",
            },
        ),
        (_Obliging, {"test_an_unknown_table_is_refused_by_name"}),
        (_Fragile, {"test_closing_twice_is_harmless"}),
    ],
)
def test_each_fault_is_caught(source: type[_Good], failing: set[str]) -> None:
    suite = source_suite(source, ["t"])()
    found = set()
    for test in _tests():
        try:
            getattr(suite, test)()
        except AssertionError:
            found.add(test)
    assert found == failing
