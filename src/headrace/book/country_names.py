"""Names of countries in several languages, for models that call `country`."""

from __future__ import annotations

import re
from collections.abc import Iterable

import duckdb

from headrace.book.models import Model
from headrace.model.countries import COUNTRIES
from headrace.model.extras import load_extra

_LANGUAGES = ("en", "de", "fr", "es", "it", "nl")
_CALL = re.compile(r"\bcountry\s*\(", re.IGNORECASE)


def name_countries(connection: duckdb.DuckDBPyConnection, models: Iterable[Model]) -> None:
    """Fill `book.country_names` if a model calls `country`; once per connection.

    Raises ConfigurationError without the extra `languages`. Loading the languages takes longer than
    most models do, so others don't pay for it.
    """
    if not any(_CALL.search(model.sql) for model in models):
        return
    if connection.execute("from book.country_names limit 1").fetchall():
        return
    babel = load_extra("babel", "languages", "country() in a model")
    known = {code.lower(): name for code, name in COUNTRIES.items()}
    known |= {name.lower(): name for name in COUNTRIES.values()}
    for language in _LANGUAGES:
        for code, called in babel.Locale(language).territories.items():
            if code in COUNTRIES:
                known.setdefault(called.lower(), COUNTRIES[code])
    connection.execute(
        "insert into book.country_names select distinct strip_accents(unnest($1::varchar[])), "
        "unnest($2::varchar[])",
        [list(known), list(known.values())],
    )
