"""Ageing and DSO, as tables."""

from __future__ import annotations

from datetime import date

import pytest

from headrace.ledger.ageing import Ageing, age, countback_days
from headrace.ledger.document import Item

TODAY = date(2026, 11, 15)


@pytest.mark.parametrize(
    ("due", "bucket"),
    [
        (None, 0),
        ("2026-11-15", 0),
        ("2026-11-14T23:00:00.000Z", 1),
        ("2026-10-16", 1),
        ("2026-10-15", 2),
        ("2026-09-16", 2),
        ("2026-09-15", 3),
        ("2026-08-17", 3),
        ("2026-08-16", 4),
        ("2019-01-01", 4),
    ],
)
def test_an_invoice_is_in_the_bucket_of_its_days_past_due(due: str | None, bucket: int) -> None:
    items = [
        Item("invoice", "EUR", 1000, 300, due, None),
        Item("invoice", "EUR", 50, 0, due, "DISPUTED"),
        Item("invoice", "EUR", 9, 0, due, "VOIDED"),
        Item("invoice", "USD", 7, 0, due, None),
        Item("payment", "EUR", 5, 0, due, None),
    ]
    expected = [0] * 5
    expected[bucket] = 750
    assert age(items, "EUR", TODAY) == Ageing("EUR", tuple(expected))


@pytest.mark.parametrize(
    ("owed", "sales", "days"),
    [
        (0, {}, 0),
        (0, {"2026-11": 100}, 0),
        (100, {"2026-11": 100}, 15),
        (50, {"2026-11": 100}, 7),
        (150, {"2026-11": 100, "2026-10": 100}, 15 + 15),
        (200, {"2026-11": 100, "2026-10": 100}, 15 + 31),
        (101, {"2026-11": 100, "2026-08": 31}, 15 + 31 + 30 + 1),
        (101, {"2026-11": 99}, None),
        (100, {"2024-01": 100}, None),
    ],
)
def test_dso_goes_back_until_sales_add_up_to_what_is_owed(
    owed: int, sales: dict[str, int], days: int | None
) -> None:
    assert countback_days(owed, sales, TODAY, 24) == days
