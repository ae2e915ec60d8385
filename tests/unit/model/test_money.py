"""Money in the lowest division, for people and in the engine."""

from decimal import Decimal

import pytest

from headrace.model.money import EXPONENTS, converted, decimal_text, format_money


@pytest.mark.parametrize(
    ("amount", "currency", "text"),
    [
        (148230050, "EUR", "EUR 1,482,300.50"),
        (-5, "EUR", "EUR -0.05"),
        (12258, "LYD", "LYD 12.258"),
        (1500, "JPY", "JPY 1,500"),
        (0, "USD", "USD 0.00"),
        (2**53 + 1, "EUR", "EUR 90,071,992,547,409.93"),
    ],
)
def test_an_amount_reads_as_its_currency_writes_it(amount: int, currency: str, text: str) -> None:
    assert format_money(amount, currency) == text


def test_the_codes_are_three_capitals_and_the_odd_ones_are_known() -> None:
    assert all(len(code) == 3 and code.isupper() for code in EXPONENTS)
    odd = {code: EXPONENTS[code] for code in ("JPY", "KWD", "LYD", "CLF", "EUR", "ISK", "UGX")}
    assert odd == {"JPY": 0, "KWD": 3, "LYD": 3, "CLF": 4, "EUR": 2, "ISK": 0, "UGX": 0}


@pytest.mark.parametrize(
    ("amount", "currency", "text"),
    [
        (-2500, "EUR", "-25.00"),
        (5, "EUR", "0.05"),
        (1500, "JPY", "1500"),
        (12258, "LYD", "12.258"),
        (7, "XXZ", "0.07"),
        (2**53 + 1, "EUR", "90071992547409.93"),
    ],
)
def test_an_amount_for_programs_has_no_signs_but_its_own(
    amount: int, currency: str, text: str
) -> None:
    assert decimal_text(amount, currency) == text


@pytest.mark.parametrize(
    ("amount", "currency", "into", "rate", "expected"),
    [
        (1000, "EUR", "USD", "1.1", 1100),
        (1000, "EUR", "JPY", "160", 1600),
        (1600, "JPY", "EUR", "0.00625", 1000),
        (1000, "KWD", "EUR", "3", 300),
        (1000, "EUR", "KWD", "0.3", 3000),
        (1000, "XXZ", "XXY", "2", 2000),
        (1, "EUR", "USD", "0.5", 0),
        (3, "EUR", "USD", "0.5", 2),
        (5, "EUR", "USD", "0.5", 2),
        (-3, "EUR", "USD", "0.5", -2),
        (1, "EUR", "USD", "0.51", 1),
    ],
)
def test_a_conversion_knows_the_divisions_of_both_and_rounds_halves_to_even(
    amount: int, currency: str, into: str, rate: str, expected: int
) -> None:
    assert converted(amount, currency, into, Decimal(rate)) == expected
