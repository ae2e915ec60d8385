"""Amounts and dates on a customer's page, with the extra for languages and without it."""

from __future__ import annotations

import pytest

from headrace.portal import amounts


def test_amounts_and_dates_are_english_without_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(amounts, "babel", None)
    amounts.locale_for.cache_clear()
    locale = amounts.locale_for("de")
    assert amounts.show_money(123450, "EUR", locale) == "EUR\N{NO-BREAK SPACE}1,234.50"
    assert amounts.show_money(-5, "JPY", locale) == "JPY\N{NO-BREAK SPACE}-5"
    assert amounts.show_date("2026-01-31T00:00:00.000Z", locale) == "31 Jan 2026"
    amounts.locale_for.cache_clear()


def test_amounts_and_dates_are_in_the_readers_language_with_it() -> None:
    amounts.locale_for.cache_clear()
    locale = amounts.locale_for("de")
    assert amounts.show_money(123450, "EUR", locale) == "1.234,50\N{NO-BREAK SPACE}€"
    assert amounts.show_date("2026-01-31T00:00:00.000Z", locale) == "31.01.2026"
