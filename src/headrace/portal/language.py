"""The languages of the portal: its words, and which of them a reader gets."""

from __future__ import annotations

import functools
import tomllib
from importlib import resources

from msgspec import Struct

from headrace.portal.amounts import Locale, locale_of, show_date, show_money

LANGUAGES = ("en", "fr", "de", "es")
"""Each has a file in `portal/words`. The first is for readers of none of them."""
_TAGS_MAX = 10


class Reader(Struct, frozen=True):
    """How a page speaks to its reader."""

    language: str
    locale: Locale

    @property
    def tag(self) -> str:
        """The language and region, as browsers spell them: en-GB."""
        return str(self.locale).replace("_", "-")

    def say(self, name: str, /, **values: object) -> str:
        """Return a text by its name, with values put in."""
        text = words(self.language)[name]
        return text.format(**values) if values else text

    def count(self, name: str, n: int) -> str:
        """Return a text about a number of things, in singular or plural."""
        one = n <= 1 if self.language == "fr" else n == 1
        return self.say(f"{name}_{'one' if one else 'other'}", n=n)

    def money(self, amount: int, currency: str) -> str:
        """Format an amount."""
        return show_money(amount, currency, self.locale)

    def date(self, instant: str | None) -> str:
        """Format a day; empty for None."""
        return show_date(instant, self.locale)


def reader_of(accept_language: str, wanted: str = "") -> Reader:
    """Return the reader of a header Accept-Language; `wanted` is the language that was chosen on
    the page, if it is one of them."""
    tags = _tags(accept_language)
    if wanted in LANGUAGES:
        tag = next((tag for tag in tags if tag.partition("-")[0] == wanted), "")
        return Reader(wanted, locale_of(wanted, tag))
    for tag in tags:
        language = tag.partition("-")[0]
        if language in LANGUAGES:
            return Reader(language, locale_of(language, tag))
    return Reader(LANGUAGES[0], locale_of(LANGUAGES[0]))


@functools.cache
def words(language: str) -> dict[str, str]:
    """Return all texts of a language by name."""
    file = resources.files("headrace.portal").joinpath("words", f"{language}.toml")
    return tomllib.loads(file.read_text("utf-8"))


@functools.lru_cache(maxsize=256)
def _tags(accept_language: str) -> tuple[str, ...]:
    """Return the language tags of the header, the most wanted first."""
    wanted = []
    for place, part in enumerate(accept_language.split(",")[:_TAGS_MAX]):
        name, _, weight = part.strip().partition(";q=")
        try:
            wanted.append((-float(weight or 1), place, _tidy(name)))
        except ValueError:
            continue
    return tuple(name for weight, _, name in sorted(wanted) if weight < 0)


def _tidy(tag: str) -> str:
    language, dash, region = tag.strip().partition("-")
    return f"{language.lower()}{dash}{region}"
