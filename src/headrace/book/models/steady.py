"""Decides whether models are deterministic: the same tables always give the same rows."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache, lru_cache

import duckdb

from headrace.book.models.models import Model
from headrace.book.queries.sql_tree import inside, parse, parsing_with

_MOVING = """
select function_name from duckdb_functions()
group by function_name having bool_and(stability <> 'CONSISTENT')
"""
_HARMLESS = {"timezone", "timezone_hour", "timezone_minute", "make_timestamptz"}
"""They depend on the session's time zone, which is always UTC."""
_ALSO = {
    *("age", "ago", "localtime", "localtimestamp", "current_time", "current_timestamp"),
    *("user", "current_user", "session_user", "current_role", "getenv"),
}
"""Some of their forms read the clock or the environment, and not all are listed as functions."""
_BARE = {
    *("current_date", "current_time", "current_timestamp", "localtime", "localtimestamp"),
    *("user", "current_user", "session_user", "current_role"),
}
"""They are called without parentheses, so that they look like columns. A column of another moving
function's name, such as `uuid`, is a column."""
_TABLE_FUNCTIONS = {"unnest", "range", "generate_series", "json_each", "json_tree", "values"}
"""Table functions that depend only on their arguments; others read files, or are unknown here."""


def are_steady(connection: duckdb.DuckDBPyConnection, models: Iterable[Model]) -> bool:
    """Return False when a model may depend on the clock, randomness, or files."""
    with parsing_with(connection):
        return all(_is_steady(model.sql) for model in models)


@cache
def _moving_functions() -> frozenset[str]:
    with duckdb.connect() as engine:
        names = {str(name) for (name,) in engine.execute(_MOVING).fetchall()}
    return frozenset(names - _HARMLESS | _ALSO)


# Organisations of a project usually share their models, and the answer for a text never changes.
@lru_cache(maxsize=1_000)
def _is_steady(sql: str) -> bool:
    tree, moving = parse(sql), _moving_functions()
    for part in inside(tree.get("statements", [])):
        if part.get("sample"):
            return False
        if part.get("class") == "FUNCTION" and part["function_name"].lower() in moving:
            return False
        if part.get("class") == "COLUMN_REF" and part["column_names"][-1].lower() in _BARE:
            return False
        function = part["function"] if part.get("type") == "TABLE_FUNCTION" else None
        if function and function.get("function_name", "").lower() not in _TABLE_FUNCTIONS:
            return False
    return True
