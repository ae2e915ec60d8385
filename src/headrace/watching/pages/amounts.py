"""Amounts of rows and payloads, shown as the money that they are."""

from __future__ import annotations

import re
from collections.abc import Mapping

from headrace.model.money import format_money

_AMOUNT = re.compile(r"(?i)amount(Linked)?$")
_WHOLE = re.compile(r"-?\d{1,18}")


def with_money(name: str, value: str, currency: str) -> str:
    """Return a value, followed by the money that it is if its name is that of an amount.

    Amounts are in the lowest division of `currency`, which may be empty.
    """
    if currency and _AMOUNT.search(name) and _WHOLE.fullmatch(value):
        return f"{value} ({format_money(int(value), currency)})"
    return value


def all_with_money(values: Mapping[str, str], currency: str) -> dict[str, str]:
    """Return values by name with their money."""
    return {name: with_money(name, value, currency) for name, value in values.items()}
