"""Casts: ids are the same whatever the type of their column, and no value can stop the others."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from headrace.book.book import Book
from headrace.book.models import load_models

_DAYS = "date '2026-01-01' as issued_at, date '2026-02-01' as due_date"


def built(folder: Path, **columns: str) -> Book:
    """A book of one invoice for each row of `source.given`, with the columns given as SQL."""
    chosen = {
        "external_id": "id", "customer_external_id": "'c'", "custom_id": "'n'",
        "issued_at": "date '2026-01-01'", "due_date": "date '2026-02-01'", "currency": "'EUR'",
        "gross_amount": "100", "net_amount": "100", **columns,
    }  # fmt: skip
    listed = ", ".join(f"{sql} as {name}" for name, sql in chosen.items())
    (folder / "models").mkdir(exist_ok=True)
    (folder / "models" / "customers.sql").write_text("select 'c' as external_id, 'C' as name")
    (folder / "models" / "invoices.sql").write_text(f"select {listed} from given")
    return Book(folder / "cache.duckdb")


def checked(book: Book, folder: Path, rows: str) -> None:
    """Stages `rows`, a VALUES list whose first column is `id` and second `v`, and checks all."""
    with book.staging() as connection:
        connection.execute(f"create or replace table source.given as from ({rows}) t(id, v)")
    book.build(load_models(folder / "models", ["given"]))
    book.check()


def column(book: Book, name: str) -> list[Any]:
    rows = book.connection.execute(f"select {name} from book.invoices order by rowid").fetchall()
    return [row[0] for row in rows]


@pytest.mark.parametrize(
    ("values", "ids"),
    [
        ("1::integer, 12::integer", ["1", "12"]),
        ("1::decimal(38, 10), 12::decimal(38, 10)", ["1", "12"]),
        ("1.0::double, 12.0::double", ["1", "12"]),
        ("1.0::float, 12.0::float", ["1", "12"]),
        ("'1.0', '12.00'", ["1", "12"]),
        ("' 1 ', '12'", ["1", "12"]),
        ("1::hugeint, 12::hugeint", ["1", "12"]),
        ("'1.0'::json, '12'::json", ["1", "12"]),
        ("'\"A\"'::json, '\"1.0\"'::json", ["A", "1"]),
        ("9007199254740991.0::double, -3.0::double", ["9007199254740991", "-3"]),
        ("12345678901234567890123456.0::decimal(38, 10), 1.0::decimal(38, 10)",
         ["12345678901234567890123456", "1"]),
        ("'007.0', '1.10'", ["007", "1.10"]),
        ("'A.0', 'v1.0.0'", ["A.0", "v1.0.0"]),
        ("'1.0/2', '%2F é ü\u202e'", ["1.0/2", "%2F é ü\u202e"]),
        ("'abc', 'ABC'", ["abc", "ABC"]),
        ("'1e3', '1_000'", ["1e3", "1_000"]),
    ],
)  # fmt: skip
def test_an_id_is_written_alike_whatever_its_type(
    tmp_path: Path, values: str, ids: list[str]
) -> None:
    first, second = values.split(", ") if "decimal" not in values else values.split("), ")
    first += ")" if "decimal" in values else ""
    with built(tmp_path) as book:
        checked(book, tmp_path, f"values ({first}, 0), ({second}, 0)")
        assert column(book, "external_id") == ids
        assert book.problems() == []


@pytest.mark.parametrize(
    "value",
    ["1.5::double", "1.5::decimal(10, 2)", "1.2345678901234568e18::double", "'inf'::double",
     "16777217::float"],
)  # fmt: skip
def test_a_number_that_is_no_id_is_refused_with_a_word(tmp_path: Path, value: str) -> None:
    with built(tmp_path) as book:
        checked(book, tmp_path, f"values ({value}, 0), (2, 0)")
        (problem,) = book.problems()
        assert "which is not an id: only whole numbers are" in problem.problem
        assert problem.external_id in problem.problem
        assert column(book, "external_id") == [None, "2"]


def test_not_a_number_is_a_gap(tmp_path: Path) -> None:
    with built(tmp_path, name="v") as book:
        checked(book, tmp_path, "values ('nan'::double, 'nan'::double), (2, 7.0)")
        assert column(book, "external_id") == [None, "2"]
        assert column(book, "name") == [None, "7"]
        assert [p.problem for p in book.problems()] == ["has no external_id"]


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Book, Path]]:
    folder = tmp_path_factory.mktemp("kept")
    with built(folder) as book:
        yield book, folder


@settings(
    max_examples=6, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.lists(st.integers(-(2**53) + 1, 2**53 - 1), min_size=1, max_size=8, unique=True))
def test_whole_numbers_are_the_same_ids_in_every_type(
    kept: tuple[Book, Path], numbers: list[int]
) -> None:
    book, folder = kept
    for kind in ("bigint", "double", "decimal(38, 10)", "decimal(30, 2)", "hugeint", "varchar"):
        rows = ", ".join(f"('{number}'::{kind}, 0)" for number in numbers)
        checked(book, folder, f"values {rows}")
        assert column(book, "external_id") == list(map(str, numbers)), kind
        assert book.problems() == []


@pytest.mark.parametrize(
    ("value", "arrived"),
    [
        ("'2026-05-05'", datetime(2026, 5, 5)),
        ("'9999-12-31'", datetime(9999, 12, 31)),
        ("'1900-01-01'", datetime(1900, 1, 1)),
        ("'2026-05-05T23:30:00-05:00'", datetime(2026, 5, 6, 4, 30)),
        ("date '9999-12-31'", datetime(9999, 12, 31)),
        ("'20226-05-05'", None),
        ("date '20226-05-05'", None),
        ("timestamp '294246-12-31 00:00:00'", None),
        ("'294276-01-01'", None),
        ("date '5000000-01-01'", None),
        ("'-0044-03-15'", None),
        ("'0026-05-05'", None),
        ("'01-02-03'", None),
        ("'infinity'", None),
        ("timestamp 'infinity'", None),
        ("timestamptz '-infinity'", None),
        ("'9999-12-31T23:59:59-05:00'", None),
        ("1767225600", None),
        ("1767225600000.0::double", None),
        ("'1767225600'", None),
        ("20260505", None),
        ("true", None),
        ("time '10:00:00'", None),
        ("'05/05/2026'", None),
        ("[1, 2]", None),
    ],
)
def test_a_date_is_read_or_the_problem_of_its_row(
    tmp_path: Path, value: str, arrived: datetime | None
) -> None:
    with built(tmp_path, due_date="v") as book:
        checked(book, tmp_path, f"values ('i', {value})")
        assert column(book, "due_date") == [arrived]
        if arrived is None:
            (problem,) = book.problems()
            assert problem.external_id == "i" and "has due_date '" in problem.problem
        else:
            assert [p for p in book.problems() if "due_date" in p.problem] == []


@pytest.mark.parametrize(
    ("value", "arrived"),
    [
        ("100", 100),
        ("'100'", 100),
        ("100.0::double", 100),
        ("'-5'", -5),
        ("10000000000000000", 10**16),
        ("10000000000000001", None),
        ("9000000000000000000", None),
        ("'-9223372036854775808'::bigint", None),
        ("'-9223372036854775808'", None),
        ("9e18::double", None),
        ("170141183460469231731687303715884105727::hugeint", None),
        ("'1e30'", None),
        ("'10.5'", None),
        ("10.5::decimal(10, 2)", None),
        ("'nan'::double", None),
        ("[1]", None),
        ("date '2026-01-01'", None),
    ],
)
def test_an_amount_is_read_or_the_problem_of_its_row(
    tmp_path: Path, value: str, arrived: int | None
) -> None:
    with built(tmp_path, gross_amount="v", net_amount="0") as book:
        checked(book, tmp_path, f"values ('i', {value})")
        assert column(book, "gross_amount") == [arrived]
        found = [p for p in book.problems() if "gross_amount '" in p.problem]
        assert len(found) == (arrived is None)


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
