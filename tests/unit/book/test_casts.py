"""Casts: ids are the same whatever the type of their column, and no value can stop the others."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from headrace.book.book import Book
from headrace.book.models.models import load_models

_DAYS = "date '2026-01-01' as issued_at, date '2026-02-01' as due_date"


class Invoices:
    """A book of one invoice for each row of `source.given`."""

    def __init__(self, book: Book, folder: Path) -> None:
        self.book = book
        self._folder = folder

    def check(self, *rows: str) -> None:
        """Stages the rows, each an SQL tuple of `id` and `v`, and checks all; the values of a
        column have to be of one type."""
        with self.book.staging() as connection:
            connection.execute(
                f"create or replace table source.given as from (values {', '.join(rows)}) t(id, v)"
            )
        self.book.build(load_models(self._folder / "models", ["given"]))
        self.book.check()

    def column(self, name: str) -> list[Any]:
        """What arrived in the column."""
        sql = f"select {name} from book.invoices order by rowid"
        return [value for (value,) in self.book.connection.execute(sql).fetchall()]

    def read(self, name: str, values: Iterable[str]) -> dict[str, Any]:
        """What arrived in the column for each of these values of `v`."""
        values = list(values)
        self.check(*(f"('i{number}', {value})" for number, value in enumerate(values)))
        return dict(zip(values, self.column(name), strict=True))

    def with_problem(self, text: str, values: Iterable[str]) -> list[str]:
        """Those of the values last read whose row has exactly one problem that says so."""
        found = Counter(p.external_id for p in self.book.problems() if text in p.problem)
        return [value for number, value in enumerate(values) if found[f"i{number}"] == 1]


@contextmanager
def opened(folder: Path, **columns: str) -> Iterator[Invoices]:
    """Invoices with the columns given as SQL."""
    chosen = {
        "external_id": "id", "customer_external_id": "'c'", "custom_id": "'n'",
        "issued_at": "date '2026-01-01'", "due_date": "date '2026-02-01'", "currency": "'EUR'",
        "gross_amount": "100", "net_amount": "100", **columns,
    }  # fmt: skip
    listed = ", ".join(f"{sql} as {name}" for name, sql in chosen.items())
    (folder / "models").mkdir()
    (folder / "models" / "customers.sql").write_text("select 'c' as external_id, 'C' as name")
    (folder / "models" / "invoices.sql").write_text(f"select {listed} from given")
    with Book(folder / "cache.duckdb") as book:
        yield Invoices(book, folder)


@pytest.fixture(scope="module")
def any_id(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Invoices]:
    with opened(tmp_path_factory.mktemp("ids")) as invoices:
        yield invoices


@pytest.fixture(scope="module")
def any_day(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Invoices]:
    with opened(tmp_path_factory.mktemp("days"), due_date="v") as invoices:
        yield invoices


@pytest.fixture(scope="module")
def any_amount(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Invoices]:
    with opened(tmp_path_factory.mktemp("amounts"), gross_amount="v", net_amount="0") as invoices:
        yield invoices


@pytest.mark.parametrize(
    "ids",
    [
        {"1::integer": "1", "12::integer": "12"},
        {"1.0::double": "1", "12.0::double": "12", "9007199254740991.0::double": "9007199254740991",
         "-3.0::double": "-3"},
        {"1.0::float": "1", "12.0::float": "12"},
        {"1::hugeint": "1", "12::hugeint": "12"},
        {"1::decimal(38, 10)": "1", "12::decimal(38, 10)": "12",
         "12345678901234567890123456.0::decimal(38, 10)": "12345678901234567890123456"},
        {"'1.0'::json": "1", "'12'::json": "12", "'\"A\"'::json": "A", "'\"3.0\"'::json": "3"},
        {"'1.0'": "1", "'12.00'": "12"},
        {"' 1 '": "1", "'12'": "12"},
        {"'007.0'": "007", "'1.10'": "1.10", "'A.0'": "A.0", "'v1.0.0'": "v1.0.0",
         "'1.0/2'": "1.0/2", "'%2F é ü\u202e'": "%2F é ü\u202e", "'abc'": "abc", "'ABC'": "ABC",
         "'1e3'": "1e3", "'1_000'": "1_000"},
    ],
    ids=lambda ids: next(iter(ids)),
)  # fmt: skip
def test_an_id_is_written_alike_whatever_its_type(any_id: Invoices, ids: dict[str, str]) -> None:
    any_id.check(*(f"({value}, 0)" for value in ids))
    assert dict(zip(ids, any_id.column("external_id"), strict=True)) == ids
    assert any_id.book.problems() == []


@pytest.mark.parametrize(
    "values",
    [
        ["1.5::double", "1.2345678901234568e18::double", "'inf'::double"],
        ["1.5::decimal(10, 2)"],
        ["16777217::float"],
    ],
    ids=lambda values: values[0],
)
def test_a_number_that_is_no_id_is_refused_with_a_word(any_id: Invoices, values: list[str]) -> None:
    any_id.check(*(f"({value}, 0)" for value in values), "(2, 0)")
    assert any_id.column("external_id") == [*[None] * len(values), "2"]
    problems = any_id.book.problems()
    assert len(problems) == len(values), problems
    for problem in problems:
        assert "which is not an id: only whole numbers are" in problem.problem
        assert problem.external_id in problem.problem


def test_not_a_number_is_a_gap(tmp_path: Path) -> None:
    with opened(tmp_path, name="v") as invoices:
        invoices.check("('nan'::double, 'nan'::double)", "(2, 7.0)")
        assert invoices.column("external_id") == [None, "2"]
        assert invoices.column("name") == [None, "7"]
        (problem,) = invoices.book.problems()
        row = "custom_id n, issued_at 2026-01-01, customer_external_id c"
        assert problem.problem == f"has no external_id; its row has {row}"


@settings(max_examples=3, deadline=None)
@example([*range(-9, 9), 4_611_686_019, -4_611_686_019])  # doubles whose decimals have parts
@given(st.lists(st.integers(-(2**53) + 1, 2**53 - 1), min_size=1, max_size=24, unique=True))
def test_whole_numbers_are_the_same_ids_in_every_type(any_id: Invoices, numbers: list[int]) -> None:
    for kind in ("bigint", "double", "decimal(38, 10)", "decimal(30, 2)", "hugeint", "varchar"):
        any_id.check(*(f"('{number}'::{kind}, 0)" for number in numbers))
        assert any_id.column("external_id") == list(map(str, numbers)), kind
        assert any_id.book.problems() == [], kind


@pytest.mark.parametrize(
    "days",
    [
        {"'2026-05-05'": datetime(2026, 5, 5), "'9999-12-31'": datetime(9999, 12, 31),
         "'1900-01-01'": datetime(1900, 1, 1),
         "'2026-05-05T23:30:00-05:00'": datetime(2026, 5, 6, 4, 30)},
        dict.fromkeys(
            ["'20226-05-05'", "'294276-01-01'", "'-0044-03-15'", "'0026-05-05'", "'01-02-03'",
             "'infinity'", "'9999-12-31T23:59:59-05:00'", "'1767225600'", "'05/05/2026'"]
        ),
        {"date '9999-12-31'": datetime(9999, 12, 31), "date '20226-05-05'": None,
         "date '5000000-01-01'": None},
        dict.fromkeys(["timestamp '294246-12-31 00:00:00'", "timestamp 'infinity'"]),
        {"timestamptz '-infinity'": None},
        dict.fromkeys(["1767225600", "20260505"]),
        {"1767225600000.0::double": None},
        {"true": None},
        {"time '10:00:00'": None},
        {"[1, 2]": None},
    ],
    ids=lambda days: next(iter(days)),
)  # fmt: skip
def test_a_date_is_read_or_the_problem_of_its_row(
    any_day: Invoices, days: dict[str, datetime | None]
) -> None:
    assert any_day.read("due_date", days) == days
    assert any_day.with_problem("has due_date '", days) == unread(days)


@pytest.mark.parametrize(
    "amounts",
    [
        {"100": 100},
        {"10000000000000000": 10**16, "10000000000000001": None, "9000000000000000000": None,
         "'-9223372036854775808'::bigint": None},
        {"170141183460469231731687303715884105727::hugeint": None},
        {"100.0::double": 100, "9e18::double": None, "'nan'::double": None},
        {"10.5::decimal(10, 2)": None},
        {"'100'": 100, "'-5'": -5, "'-9223372036854775808'": None, "'1e30'": None, "'10.5'": None},
        {"[1]": None},
        {"date '2026-01-01'": None},
    ],
    ids=lambda amounts: next(iter(amounts)),
)  # fmt: skip
def test_an_amount_is_read_or_the_problem_of_its_row(
    any_amount: Invoices, amounts: dict[str, int | None]
) -> None:
    assert any_amount.read("gross_amount", amounts) == amounts
    assert any_amount.with_problem("gross_amount '", amounts) == unread(amounts)


def unread(values: Mapping[str, object]) -> list[str]:
    return [value for value, arrived in values.items() if arrived is None]


def test_sums_of_the_largest_amounts_stop_nothing(tmp_path: Path) -> None:
    (tmp_path / "models").mkdir()
    invoice = (
        "select 'm' as external_id, 'c' as customer_external_id, 'n' as custom_id, "
        f"{_DAYS}, 'EUR' as currency, 100 as gross_amount, 100 as net_amount, "
        "date '2026-01-01' as marked_paid_at"
    )
    for name, sql in {
        "customers": "select 'c' as external_id, 'C' as name",
        "invoices": invoice,
        "payments": "select 'p' as external_id, 'c' as customer_external_id, 'EUR' as currency, "
        "10000000000000000 as amount, date '2026-01-01' as validated_at",
        "allocations": "select 'payment' as from_entity, 'p' as from_external_id, "
        "'invoice' as to_entity, 'm' as to_external_id, 10000000000000000 as amount "
        "from range(2000)",
    }.items():
        (tmp_path / "models" / f"{name}.sql").write_text(sql)
    with Book(tmp_path / "cache.duckdb") as book:
        book.build(load_models(tmp_path / "models", []))
        book.check()
        assert any("allocat" in problem.problem for problem in book.problems())
