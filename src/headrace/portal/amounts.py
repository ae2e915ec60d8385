"""Formats amounts and dates in the reader's language and region; where Babel, an extra, is not
installed, in the form that is usual for the language."""

from __future__ import annotations

import functools
from datetime import date
from decimal import Decimal
from typing import Any, TypeAlias

from headrace.model.money import EXPONENTS

try:
    import babel
    from babel.dates import format_date
    from babel.numbers import format_currency, get_currency_symbol
except ImportError:
    babel = None  # type: ignore[assignment]

Locale: TypeAlias = Any
"""Babel's; without it the code of a language."""

_PLAIN = {
    "en": (",", ".", "{day} {month} {year}"),
    "de": (".", ",", "{day:02}.{number:02}.{year}"),
    "fr": ("\N{NARROW NO-BREAK SPACE}", ",", "{day:02}/{number:02}/{year}"),
    "es": (".", ",", "{day:02}/{number:02}/{year}"),
}
"""By language: what groups thousands, what separates decimals, and how a day is written."""
_MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sept", "Oct", "Nov", "Dec"]
_REGIONS = {"en": "en_GB", "de": "de_DE", "fr": "fr_FR", "es": "es_ES"}
"""The region of a reader whose header names none."""


@functools.lru_cache(maxsize=256)
def locale_of(language: str, tag: str = "") -> Locale:
    """Return the locale of a language; `tag` is how the reader's header spells it, such as de-CH,
    and counts where it is a region of that language."""
    if babel is None:
        return language
    try:
        found = babel.Locale.parse(tag, sep="-")
    except (ValueError, babel.UnknownLocaleError):
        found = None
    if found is not None and found.language == language:
        return found
    return babel.Locale.parse(_REGIONS[language])


def show_money(amount: int, currency: str, locale: Locale) -> str:
    """Format an amount in the currency's lowest division, such as `€1,234.50`.

    Always shows the number of decimals that ISO 4217 defines, even where local usage omits them.
    """
    exponent = EXPONENTS.get(currency, 2)
    if babel is None:
        group, point, _ = _PLAIN[locale]
        number = f"{Decimal(amount).scaleb(-exponent):,.{exponent}f}"
        number = number.translate({ord(","): group, ord("."): point})
        gap = "\N{NO-BREAK SPACE}"
        return f"{currency}{gap}{number}" if locale == "en" else f"{number}{gap}{currency}"
    pattern = _with_decimals(str(locale.currency_formats["standard"].pattern), exponent)
    if get_currency_symbol(currency, locale=locale)[-1:].isalpha():
        pattern = pattern.replace("¤#", "¤\N{NO-BREAK SPACE}#")
    shown: str = format_currency(
        Decimal(amount).scaleb(-exponent),
        currency,
        format=pattern,
        locale=locale,
        currency_digits=False,
    )
    return shown


def _with_decimals(pattern: str, exponent: int) -> str:
    """Return the language's pattern, such as `#,##0.00 ¤`, with another number of decimals."""
    return pattern.replace("0.00", "0." + "0" * exponent if exponent else "0")


@functools.lru_cache(maxsize=4096)
def show_date(instant: str | None, locale: Locale) -> str:
    """Format the day of a stored moment; empty for None."""
    if instant is None:
        return ""
    day = date.fromisoformat(instant[:10])
    if babel is None:
        form = _PLAIN[locale][2]
        month = _MONTHS[day.month - 1]
        return form.format(day=day.day, month=month, number=day.month, year=day.year)
    return format_date(day, format="medium", locale=locale)
