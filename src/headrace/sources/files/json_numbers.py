"""Numbers of JSON that a DOUBLE would round, kept as text, and halves of characters.

DuckDB's reader turns every number with a decimal point into a DOUBLE. Files that have one with more
digits are copied, with those numbers as strings; all others are read as they are. So are files with
half a pair of surrogates, which the reader refuses; see `model/json_text.py`.
"""

from __future__ import annotations

import gzip
import re
from decimal import Decimal, InvalidOperation
from pathlib import Path

import duckdb

from headrace.model.json_text import without_halves
from headrace.sources.source import literal

_LONG = r"[0-9][0-9.]{16,}|[0-9.][eE][+-]?[0-9]{3}"
"""Where a number may have more digits than a DOUBLE, or a larger exponent."""
_TOKEN = re.compile(r'"(?:[^"\\]|\\.)*"|-?[0-9]+(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?')


def exact_copies(
    connection: duckdb.DuckDBPyConnection, paths: list[Path], folder: Path
) -> dict[Path, Path]:
    """Return a copy in `folder` for each file with numbers that would be rounded, or with halves
    of characters. Raises duckdb.Error for what is no JSON."""
    copies = {}
    for place, path in enumerate(paths):
        if not _may_differ(connection, path):
            continue
        opener = gzip.open if path.suffix.lower() == ".gz" else open
        with opener(path, "rt", encoding="utf-8-sig") as file:
            text = file.read()
        exact = _TOKEN.sub(_kept, text)
        if exact != text:
            copies[path] = folder / f"{place}.json"
            copies[path].write_text(exact, encoding="utf-8")
    return copies


def _may_differ(connection: duckdb.DuckDBPyConnection, path: Path) -> bool:
    try:
        rows = connection.execute(
            f"select 1 from read_json_objects({literal(str(path))}, maximum_object_size = 67108864)"
            f" where regexp_matches(json::varchar, '{_LONG}') limit 1"
        ).fetchall()
    except duckdb.Error as error:
        if "surrogate" not in str(error):
            raise
        return True
    return bool(rows)


def _kept(found: re.Match[str]) -> str:
    token = found[0]
    if token.startswith('"'):
        return without_halves(token)
    if not ("." in token or "e" in token.lower()):
        return token  # whole numbers are exact already
    try:
        exact = Decimal(token) == Decimal(repr(float(token)))
    except (InvalidOperation, OverflowError):
        exact = False
    return token if exact else f'"{token}"'
