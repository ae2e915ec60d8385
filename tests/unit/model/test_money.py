"""Money in the lowest division, for people and in the engine."""

import pytest

from headrace.model.money import EXPONENTS, format_money


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
