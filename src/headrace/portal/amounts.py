"""Formats amounts and dates in the reader's language; in English where Babel, an extra, is not
installed."""

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
"""Babel's; None where it is not installed."""

_MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sept", "Oct", "Nov", "Dec"]
_FALLBACK = "en_GB"
_LANGUAGES_MAX = 10


@functools.lru_cache(maxsize=256)
def locale_for(accept_language: str) -> Locale:
    """Return the first language of an Accept-Language header that Babel supports."""
    if babel is None:
        return None
    wanted = []
    for place, part in enumerate(accept_language.split(",")[:_LANGUAGES_MAX]):
        name, _, weight = part.strip().partition(";q=")
        try:
            wanted.append((-float(weight or 1), place, name))
        except ValueError:
            continue
    for _, _, name in sorted(wanted):
        try:
            return babel.Locale.parse(name.strip(), sep="-")
        except (ValueError, babel.UnknownLocaleError):
            continue
    return babel.Locale.parse(_FALLBACK)


def show_money(amount: int, currency: str, locale: Locale) -> str:
    """Format an amount in the currency's lowest division, such as `€1,234.50`.

    Always shows the number of decimals that ISO 4217 defines, even where local usage omits them.
    """
    exponent = EXPONENTS.get(currency, 2)
    if locale is None:
        return f"{currency}\N{NO-BREAK SPACE}{Decimal(amount).scaleb(-exponent):,.{exponent}f}"
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


def show_date(instant: str | None, locale: Locale) -> str:
    """Format the day of a stored moment; empty for None."""
    if instant is None:
        return ""
    if locale is None:
        day = date.fromisoformat(instant[:10])
        return f"{day.day} {_MONTHS[day.month - 1]} {day.year}"
    return format_date(date.fromisoformat(instant[:10]), format="medium", locale=locale)
