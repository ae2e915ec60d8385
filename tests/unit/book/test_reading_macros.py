"""Macros for amounts, days and names as people write them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headrace.book.book import Book
from headrace.book.models.models import Model
from headrace.book.models.reading import add_reading
from headrace.book.tables import BY_NAME

DOCS = (Path(__file__).parents[3] / "docs" / "models.md").read_text("utf-8")
EXAMPLES = re.findall(
    r"^\| `((?:money_text|date_text|country|emails|phone)\(.*?\))` \| (.*?) \|", DOCS, re.M
)


@pytest.fixture(scope="module")
def book(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Book]:
    with Book(tmp_path_factory.mktemp("book") / "book.duckdb") as book:
        model = Model(BY_NAME["customers"], "select country(land)", "customers.sql", frozenset())
        add_reading(book.connection, [model])
        yield book


def value(book: Book, sql: str, *parameters: object) -> Any:
    return book.connection.execute(f"select {sql}", list(parameters)).fetchall()[0][0]


def column(book: Book, sql: str, values: list[str]) -> list[Any]:
    rows = book.connection.execute(
        f"select {sql} from (select unnest($1::varchar[]) as x)", [values]
    ).fetchall()
    return [row[0] for row in rows]


@pytest.mark.parametrize(("call", "returns"), EXAMPLES)
def test_the_examples_of_the_documentation_are_right(call: str, returns: str, book: Book) -> None:
    shown = value(book, f"({call})")
    text = "NULL" if shown is None else str(shown)
    if isinstance(shown, Decimal):
        assert shown == Decimal(returns)
    else:
        assert text.removesuffix(" 00:00:00").replace("'", "") == returns


def test_the_documentation_has_an_example_of_each() -> None:
    assert {call.partition("(")[0] for call, _ in EXAMPLES} == {
        "money_text",
        "date_text",
        "country",
        "emails",
        "phone",
    }


@pytest.mark.parametrize(
    ("text", "amount"),
    [
        ("1 234,50 EUR", "1234.50"), ("EUR -5.00", "-5"), ("-$5.00", "-5"), ("12,5-", "-12.5"),
        ("1'234.50", "1234.50"), ("1\u202f234,5", "1234.5"), ("1.234.567", "1234567"),
        ("1,234,567.89", "1234567.89"), ("0,125", "0.125"), (".5", "0.5"), ("12", "12"),
        ("1,377", None), ("1.2.3", None), ("12.345,678.9", None), ("--5", None), ("(5", None),
        ("5 EUR USD", None), ("abc", None), ("", None), ("1e5", None), ("5%", None),
        ("(-5)", None), ("1,23,456.00", None),
    ],
)  # fmt: skip
def test_an_amount_is_read_for_certain_or_not_at_all(
    text: str, amount: str | None, book: Book
) -> None:
    found = value(book, "money_text($1)", text)
    assert found == (None if amount is None else Decimal(amount))


@settings(deadline=None)
@given(
    amount=st.decimals(
        min_value=-(10**12), max_value=10**12, places=2, allow_nan=False, allow_infinity=False
    ),
    marks=st.sampled_from([(",", "."), (".", ","), (" ", ","), ("'", "."), ("\u00a0", ",")]),
    shape=st.sampled_from(["{}", "{} €", "EUR {}", "£{}"]),
)
def test_an_amount_with_two_decimals_comes_back_however_it_is_written(
    amount: Decimal, marks: tuple[str, str], shape: str, book: Book
) -> None:
    thousands, mark = marks
    text = f"{abs(amount):,.2f}".replace(",", "T").replace(".", mark).replace("T", thousands)
    signed = shape.format(text if amount >= 0 else f"-{text}")
    assert value(book, "money_text($1)", signed) == amount
    assert value(book, "money_text($1, mark := $2)", signed, mark) == amount
    if amount < 0:
        assert value(book, "money_text($1)", f"({text})") == amount


def test_the_order_of_days_follows_from_the_whole_column_or_is_asked_for(book: Book) -> None:
    assert column(book, "date_text(x)", ["31/12/2026", "1.2.26", "2026-05-05"]) == [
        datetime(2026, 12, 31), datetime(2026, 2, 1), datetime(2026, 5, 5),
    ]  # fmt: skip
    assert column(book, "date_text(x)", ["12/31/2026", "01/02/2026"])[1] == datetime(2026, 1, 2)
    assert column(book, "date_text(x)", ["12/11/2026", "01/02/2026"]) == [None, None]
    assert column(book, "date_text(x)", ["31/11/2026", "01/31/2026"]) == [None, None]
    assert column(book, "date_text(x, 'dmy')", ["31.12.99 08:30", "32/1/2026", "x", "1/2"]) == [
        datetime(1999, 12, 31, 8, 30), None, None, None,
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("name", "country"),
    [("DE", "Germany"), ("deu", "Germany"), ("Deutschland", "Germany"), ("ALEMANIA", "Germany"),
     ("espagne", "Spain"), ("Österreich", "Austria"), ("Verenigd Koninkrijk", "United Kingdom"),
     ("France", "France"), ("Stati Uniti", "United States"), ("Atlantis", None), ("", None)],
)  # fmt: skip
def test_a_country_is_known_in_six_languages(name: str, country: str | None, book: Book) -> None:
    assert value(book, "country($1)", name) == country


@pytest.mark.parametrize(
    ("rounding", "expected"),
    [("half_up", [1, 2, 3, -1, -2, 12]), ("half_even", [0, 2, 2, 0, -2, 12])],
)
def test_halves_are_rounded_as_the_organisation_says(
    rounding: Any, expected: list[int], tmp_path: Path
) -> None:
    texts = ["0.005", "0.015", "0.025", "-0.005", "-0.015", "0.1249"]
    with Book(tmp_path / "book.duckdb", rounding=rounding) as book:
        assert column(book, "minor_rounded(x, 'EUR')", texts) == expected
