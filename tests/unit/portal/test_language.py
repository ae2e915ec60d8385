"""The languages of the portal: its words, amounts and dates."""

from __future__ import annotations

import re

import pytest

from headrace.pages.languages import LANGUAGES
from headrace.portal import amounts
from headrace.portal.amounts import locale_of, show_date, show_money
from headrace.portal.language import reader_of, words

_PLACE = re.compile(r"\{\w+\}")


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_language_has_every_text_with_the_same_places(language: str) -> None:
    known, own = words("en"), words(language)
    assert list(own) == list(known)
    for name, text in own.items():
        assert text.strip() == text != "", name
        assert set(_PLACE.findall(text)) == set(_PLACE.findall(known[name])), name


@pytest.mark.parametrize(
    ("amount", "currency", "language", "tag", "text"),
    [
        (123456, "EUR", "en", "en", "€1,234.56"),
        (123456, "EUR", "de", "de", "1.234,56\xa0€"),
        (123456, "CHF", "de", "de-CH", "CHF\xa01'234.56"),
        (-5, "EUR", "en", "en", "-€0.05"),
        (7000, "JPY", "en", "en-US", "¥7,000"),
        (12258, "LYD", "en", "en", "LYD\xa012.258"),
        (500, "CLP", "es", "es", "500\xa0CLP"),
        (100, "HUF", "fr", "fr", "1,00\xa0HUF"),
        (2**63 - 1, "USD", "en", "en-US", "$92,233,720,368,547,758.07"),
    ],
)
def test_amounts_have_all_their_decimals(
    amount: int, currency: str, language: str, tag: str, text: str
) -> None:
    assert show_money(amount, currency, locale_of(language, tag)) == text


@pytest.mark.parametrize(
    ("language", "money", "day"),
    [
        ("en", "EUR\xa0-1,234.50", "5 Jan 2026"),
        ("de", "-1.234,50\xa0EUR", "05.01.2026"),
        ("fr", "-1\u202f234,50\xa0EUR", "05/01/2026"),
        ("es", "-1.234,50\xa0EUR", "05/01/2026"),
    ],
)
def test_without_babel_amounts_and_days_are_written_as_the_language_does(
    monkeypatch: pytest.MonkeyPatch, language: str, money: str, day: str
) -> None:
    monkeypatch.setattr(amounts, "babel", None)
    amounts.locale_of.cache_clear()
    amounts.show_date.cache_clear()
    try:
        assert show_money(-123450, "EUR", locale_of(language)) == money
        assert show_date("2026-01-05T23:00:00.000Z", locale_of(language)) == day
    finally:
        amounts.locale_of.cache_clear()
        amounts.show_date.cache_clear()


@pytest.mark.parametrize(
    ("header", "wanted", "language", "locale"),
    [
        ("", "", "en", "en_GB"),
        ("fr-CA,fr;q=0.9,en;q=0.8", "", "fr", "fr_CA"),
        ("xx;q=1, de;q=0.3, es-MX;q=0.9", "", "es", "es_MX"),
        ("zh-Hant-TW, it", "", "en", "en_GB"),
        ("*, ;q=x, nonsense--", "", "en", "en_GB"),
        ("fr;q=0, DE-at", "", "de", "de_AT"),
        ("de-CH, fr-CH", "fr", "fr", "fr_CH"),
        ("de-CH", "es", "es", "es_ES"),
        ("de", "xx", "de", "de"),
    ],
)
def test_the_page_is_in_the_readers_language_and_region(
    header: str, wanted: str, language: str, locale: str
) -> None:
    reader = reader_of(header, wanted)
    assert (reader.language, str(reader.locale)) == (language, locale)


def test_singular_and_plural_follow_the_language() -> None:
    assert reader_of("en").count("days", 0) == "0 days"
    assert reader_of("en").count("days", 1) == "1 day"
    assert reader_of("fr").count("days", 0) == "0 jour"
    assert reader_of("de").count("days", 2) == "2 Tage"
