"""Unit tests of models: given rows of the source, expected rows of the model.

Rows are a list of mappings, or one SELECT.
"""

from __future__ import annotations

import tempfile
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import msgspec
from msgspec import Struct

from headrace.book.book import Book
from headrace.book.models.models import Model
from headrace.drafting.test_files import ModelTest, Rows
from headrace.model.errors import ConfigurationError, ModelError
from headrace.sources.source import quoted


class Result(Struct, frozen=True):
    """What came of a test; `error` is empty if the model ran."""

    file: str
    test: str
    model: str
    missing: list[dict[str, str | None]] = []
    """Expected rows that the model does not make."""
    unexpected: list[dict[str, str | None]] = []
    error: str = ""

    @property
    def passed(self) -> bool:
        """Whether the model makes exactly the expected rows."""
        return not (self.missing or self.unexpected or self.error)


def run_tests(
    tests: Mapping[str, Sequence[ModelTest]], models_of: Callable[[str], Mapping[str, Model]]
) -> Iterator[Result]:
    """Run the tests one by one, each over its own rows alone; `models_of` returns an
    organisation's models by table."""
    with (
        tempfile.TemporaryDirectory(prefix="headrace-") as place,
        Book(Path(place) / "tests.duckdb") as book,
    ):
        for file, several in tests.items():
            for test in several:
                book.set_parameters(test.parameters)
                models = models_of(test.organisation)
                yield _run(book, file, test, models)
                _empty(book, models)


def rows_made(book: Book, model: Model, given: Mapping[str, Rows]) -> list[dict[str, Any]]:
    """Return the rows that a model makes of given ones, with the columns that it selects.

    `book` may hold anything; its staged tables of the same names are replaced.
    """
    _build(book, model, given)
    names = [c.name for c in model.table.columns if c.name in book.columns[model.table.name]]
    amounts = {c.name for c in model.table.columns if c.kind == "amount"}
    rows = book.connection.execute(
        f"select {', '.join(f'{quoted(n)}::varchar' for n in names)} "
        f"from memory.book.{quoted(model.table.name)} order by all"
    ).fetchall()
    return [
        {
            name: int(value) if name in amounts and value is not None else value
            for name, value in zip(names, row, strict=True)
        }
        for row in rows
    ]


def _build(book: Book, model: Model, given: Mapping[str, Rows]) -> None:
    with book.staging() as connection:
        connection.execute("create schema if not exists source")
        for table, rows in given.items():
            _make(connection, f"source.{quoted(table.lower())}", rows)
    book.build_one(model)


def _run(book: Book, file: str, test: ModelTest, models: Mapping[str, Model]) -> Result:
    result = Result(file, test.test, test.model)
    model = models.get(test.model)
    if model is None:
        known = ", ".join(models)
        return msgspec.structs.replace(result, error=f"there is no model {test.model}: {known}")
    missing = [table for table in sorted(model.reads) if table not in _lower(test.given)]
    if missing:
        said = f"{test.model} reads {missing[0]}, which `given` lacks: write its rows, or []"
        return msgspec.structs.replace(result, error=said)
    try:
        _build(book, model, test.given)
        missing_rows, unexpected = _compare(book.connection, test)
    except (ModelError, ConfigurationError) as error:
        return msgspec.structs.replace(result, error=str(error))
    except duckdb.Error as error:
        return msgspec.structs.replace(result, error=_one_line(error))
    return msgspec.structs.replace(result, missing=missing_rows, unexpected=unexpected)


def _empty(book: Book, models: Iterable[str]) -> None:
    """Drop what a test made, so that the rows of the next one may not refer to it."""
    tables = ["memory.main.expected", *(f"memory.book.{quoted(name)}" for name in models)]
    drops = [f"drop table if exists {table}" for table in tables]
    book.connection.execute("; ".join(["drop schema if exists staging.source cascade", *drops]))


def _lower(names: Iterable[str]) -> set[str]:
    return {name.lower() for name in names}


def _make(connection: duckdb.DuckDBPyConnection, target: str, rows: Rows) -> None:
    if isinstance(rows, str):
        connection.execute(f"create or replace table {target} as {rows.strip().rstrip(';')}")
        return
    names = list(dict.fromkeys(name for row in rows for name in row)) or ["nothing"]
    columns = [[row.get(name) for row in rows] for name in names]
    typed = [_typed(values) for values in columns]
    parts = [
        f"unnest(${place}::{kind}[]) as {quoted(name)}"
        for place, (name, (kind, _)) in enumerate(zip(names, typed, strict=True), 1)
    ]
    connection.execute(
        f"create or replace table {target} as select {', '.join(parts)}",
        [values for _, values in typed],
    )


def _typed(values: list[Any]) -> tuple[str, list[Any]]:
    """Return the narrowest type that holds the values, and the values in it."""
    kinds = {type(value) for value in values if value is not None}
    if kinds == {bool}:
        return "boolean", values
    if kinds == {int}:
        return "hugeint" if any(
            abs(v) >= 2**63 for v in values if v is not None
        ) else "bigint", values
    if kinds and kinds <= {int, Decimal}:
        return "decimal(38, 9)", [None if v is None else Decimal(v) for v in values]
    return "varchar", [None if value is None else _text(value) for value in values]


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return msgspec.json.encode(value).decode() if isinstance(value, dict | list) else str(value)


def _compare(
    connection: duckdb.DuckDBPyConnection, test: ModelTest
) -> tuple[list[dict[str, str | None]], list[dict[str, str | None]]]:
    """Return the rows that are missing, and those that nobody expected."""
    made = f"memory.book.{quoted(test.model)}"
    types = {str(n): str(kind) for n, kind, *_ in connection.execute(f"describe {made}").fetchall()}
    _make(connection, "memory.main.expected", test.expect)
    described = connection.execute("describe memory.main.expected").fetchall()
    names = [str(name) for name, *_ in described if str(name) != "nothing"]
    for name in names:
        if name not in types:
            raise ConfigurationError(
                f"`expect` has a column {name}, which {test.model} does not: "
                f"{', '.join(n for n in types if '__' not in n)}"
            )
    if not names:
        names = [next(iter(types))]
        connection.execute(f"create or replace table memory.main.expected as from {made} limit 0")
    wanted = ", ".join(f"cast({quoted(n)} as {types[n]})::varchar" for n in names)
    actual = ", ".join(f"{quoted(n)}::varchar" for n in names)
    expected = Counter(connection.execute(f"select {wanted} from memory.main.expected").fetchall())
    there = Counter(connection.execute(f"select {actual} from {made}").fetchall())
    missing, unexpected = expected - there, there - expected
    return _rows(names, missing), _rows(names, unexpected)


def _rows(names: Sequence[str], found: Counter[Any]) -> list[dict[str, str | None]]:
    return [dict(zip(names, row, strict=True)) for row in found.elements()]


def _one_line(error: BaseException) -> str:
    return " ".join(str(error).split())
