"""The acceptance suite of a source, for its author's tests:

from headrace.testkit.source_suite import source_suite

TestMySource = source_suite(lambda: MySource("http://127.0.0.1:8000"))
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import duckdb

from headrace.model.errors import SourceError
from headrace.sources.source import Source

_UNKNOWN = "no_source_has_a_table_of_this_name"


class SourceSuite:
    """Tests of the contract of a source; `source_suite` sets `make` and `names`."""

    make: Callable[[], Source]
    names: Sequence[str]

    def test_names_are_lower_case_and_there_is_at_least_one(self) -> None:
        with self._open() as source:
            offered = source.tables()
        assert offered, "tables() is empty: models could read nothing"
        assert all(name == name.lower() for name in offered), "names must be lower case"
        missing = set(self.names) - offered
        assert not missing, f"tables() does not offer {sorted(missing)}"

    def test_staging_makes_the_tables_and_counts_their_rows(self) -> None:
        with self._open() as source, duckdb.connect() as connection:
            names = self._names(source)
            counts = source.stage(connection, names)
            assert sorted(counts) == sorted(names), "stage() must count each table that was asked"
            for name, content in self._content(connection, names).items():
                assert counts[name] == len(content), f"{name}: stage() counted wrong"

    def test_only_what_was_asked_is_staged(self) -> None:
        with self._open() as source, duckdb.connect() as connection:
            name = self._names(source)[0]
            source.stage(connection, [name])
            found = connection.execute(
                "select table_name from duckdb_tables() where schema_name = 'source'"
            ).fetchall()
            assert found == [(name,)], f"asked for {name}, staged {found}"

    def test_staging_again_replaces_and_gives_the_same(self) -> None:
        with self._open() as source, duckdb.connect() as connection:
            names = self._names(source)
            source.stage(connection, names)
            first = self._content(connection, names)
            source.stage(connection, names)
            second = self._content(connection, names)
        # If the order or the values varied, every sync would find changes where there are none.
        changed = [name for name in names if first[name] != second[name]]
        assert not changed, f"{changed} differ between two readings of an unchanged system"

    def test_another_process_would_see_the_same(self) -> None:
        contents = []
        for _ in range(2):
            with self._open() as source, duckdb.connect() as connection:
                names = self._names(source)
                source.stage(connection, names)
                contents.append(self._content(connection, names))
        assert contents[0] == contents[1], "two sources of the same settings differ"

    def test_every_column_has_a_type_that_models_can_use(self) -> None:
        with self._open() as source, duckdb.connect() as connection:
            names = self._names(source)
            source.stage(connection, names)
            for name in names:
                for column, kind, *_ in self._describe(connection, name):
                    assert kind.upper() not in ('"NULL"', "NULL"), f"{name}.{column} has no type"

    def test_text_can_be_shown(self) -> None:
        with self._open() as source, duckdb.connect() as connection:
            for name in self._names(source):
                source.stage(connection, [name])
                # Fails on text that is not UTF-8, which some drivers pass on unchecked.
                connection.execute(f'select columns(*)::varchar from source."{name}"').fetchall()

    def test_an_unknown_table_is_refused_by_name(self) -> None:
        with self._open() as source, duckdb.connect() as connection:
            try:
                source.stage(connection, [_UNKNOWN])
            except SourceError as error:
                assert _UNKNOWN in str(error), "the message must name the table"
                assert "\n" not in str(error), "the message must be one line"
            else:
                raise AssertionError("a table that is not there must be a SourceError")

    def test_nothing_can_be_asked_for(self) -> None:
        with self._open() as source, duckdb.connect() as connection:
            assert source.stage(connection, []) == {}

    def test_closing_twice_is_harmless(self) -> None:
        source = type(self).make()
        source.tables()
        source.close()
        source.close()

    def _names(self, source: Source) -> list[str]:
        return list(self.names) or sorted(source.tables())

    @contextmanager
    def _open(self) -> Iterator[Source]:
        source = type(self).make()
        try:
            yield source
        finally:
            source.close()

    @staticmethod
    def _content(
        connection: duckdb.DuckDBPyConnection, names: Sequence[str]
    ) -> dict[str, list[tuple[object, ...]]]:
        return {
            name: connection.execute(f'from source."{name}" order by all').fetchall()
            for name in names
        }

    @staticmethod
    def _describe(
        connection: duckdb.DuckDBPyConnection, name: str
    ) -> list[tuple[str, str, object]]:
        return connection.execute(f'describe source."{name}"').fetchall()


def source_suite(make: Callable[[], Source], names: Sequence[str] = ()) -> type[SourceSuite]:
    """Return a class of tests of the sources that `make` opens, for a name starting with `Test`.

    `names` are the tables to read; all tables of the source if none are given. The billing system
    must not change while the tests run. The tests need no plugin of pytest.
    """
    members = {"make": staticmethod(make), "names": tuple(names), "__doc__": SourceSuite.__doc__}
    return type("TestSource", (SourceSuite,), members)
