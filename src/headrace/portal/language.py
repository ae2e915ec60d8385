"""How the portal speaks to its reader: its words in four languages, each a file in
`portal/words`."""

from __future__ import annotations

import functools
import tomllib
from importlib import resources

from msgspec import Struct

from headrace.pages.languages import LANGUAGES, language_of, language_tags
from headrace.portal.amounts import Locale, locale_of, show_date, show_money


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
    language = wanted if wanted in LANGUAGES else language_of(accept_language)
    tags = language_tags(accept_language)
    tag = next((tag for tag in tags if tag.partition("-")[0] == language), "")
    return Reader(language, locale_of(language, tag))


@functools.cache
def words(language: str) -> dict[str, str]:
    """Return all texts of a language by name."""
    file = resources.files("headrace.portal").joinpath("words", f"{language}.toml")
    return tomllib.loads(file.read_text("utf-8"))
