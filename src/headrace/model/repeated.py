"""Runs statements that are run again and again: a text that comes back is parsed only once.

Of what a round of a small organisation costs, an eighth was parsing the same texts as in the round
before. The engine still binds and plans them each time, because tables change.
"""

from __future__ import annotations

from collections.abc import Sequence

import duckdb

_MOST = 1_000
"""Texts that are kept parsed, some kilobytes each; ten times as many are known to have come."""

_PARSED: dict[str, list[duckdb.Statement]] = {}
_CAME: set[int] = set()
"""Hashes of texts that came once. Those with the ids of some records never come back."""


def run(
    connection: duckdb.DuckDBPyConnection, text: str, values: Sequence[object] = ()
) -> duckdb.DuckDBPyConnection:
    """Do as `connection.execute(text, values)` does. What was parsed belongs to no connection."""
    parsed = _PARSED.get(text)
    if parsed is None:
        if not _comes_back(text):
            return connection.execute(text, values or None)
        if len(_PARSED) >= _MOST:
            _PARSED.clear()
        parsed = _PARSED[text] = connection.extract_statements(text)
    for statement in parsed[:-1]:
        connection.execute(statement)
    return connection.execute(parsed[-1], values or None)


def _comes_back(text: str) -> bool:
    number = hash(text)
    if number in _CAME:
        return True
    if len(_CAME) >= 10 * _MOST:
        _CAME.clear()
    _CAME.add(number)
    return False
