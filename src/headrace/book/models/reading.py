"""The macros for what people write, made for the models that call them: others would pay for them
each time a book is opened."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import cache
from importlib import resources
from typing import Any

import duckdb

from headrace.book.models.models import Model
from headrace.model.countries import COUNTRIES
from headrace.model.extras import load_extra

_SQL = resources.files("headrace.book.models").joinpath("reading.sql").read_text(encoding="utf-8")
_NAMES = "memory.book.country_names"
_LANGUAGES = ("en", "de", "fr", "es", "it", "nl")
_CALL = re.compile(r'\b(money_text|date_text|emails|phone|country)"?\s*\(', re.IGNORECASE)


def add_reading(connection: duckdb.DuckDBPyConnection, models: Iterable[Model]) -> None:
    """Make the macros if a model calls one of them, and fill the names of countries if a model
    calls `country`.

    Raises ConfigurationError for `country` without the extra `languages`.
    """
    called = {name.lower() for model in models for name in _CALL.findall(model.sql)}
    if called:
        add_reading_macros(connection)
    if "country" in called:
        _name_countries(connection)


def add_reading_macros(connection: duckdb.DuckDBPyConnection) -> None:
    """Make the macros unless they are there; `country` knows no names before a model that calls it
    is run."""
    with connection.cursor() as own:  # without the search path of whoever asks
        try:
            own.execute(f"from {_NAMES} limit 0")
        except duckdb.CatalogException:
            own.execute(f"begin; create table {_NAMES} (known_as varchar, name varchar)")
            own.execute(_SQL)
            own.execute("commit")


def _name_countries(connection: duckdb.DuckDBPyConnection) -> None:
    if connection.execute(f"from {_NAMES} limit 1").fetchall():
        return
    names = _names_of_countries(load_extra("babel", "languages", "country() in a model"))
    connection.execute(
        f"insert into {_NAMES} "
        "select distinct strip_accents(unnest($1::varchar[])), unnest($2::varchar[])",
        [list(names), list(names.values())],
    )


@cache
def _names_of_countries(babel: Any) -> dict[str, str]:
    """Return the names by what people may write, in lower case."""
    known = {code.lower(): name for code, name in COUNTRIES.items()}
    known |= {name.lower(): name for name in COUNTRIES.values()}
    for language in _LANGUAGES:
        for code, called in babel.Locale(language).territories.items():
            if code in COUNTRIES:
                known.setdefault(called.lower(), COUNTRIES[code])
    return known
