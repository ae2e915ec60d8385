"""Drafts unit tests of models from real rows, with what could identify anybody replaced."""

from __future__ import annotations

import json
import re
from typing import Any

import yaml

from headrace.book.book import Book
from headrace.book.models.models import Model
from headrace.book.models.reading import add_reading_macros
from headrace.drafting.model_tests import rows_made
from headrace.drafting.scratch import Scratch
from headrace.drafting.survey import Column, survey_table
from headrace.sources.source import quoted

_TESTED = ("customers", "invoices", "credit_notes", "payments", "refunds")
_ROWS = 2
"""Rows of a table in a test, besides one that the model leaves out."""
_TRIED = 30
"""Rows tried until enough of them fit."""
_PLAIN = re.compile(r"[A-Z]{3}|-?\d+\.\d+|\d{4}-\d\d-\d\d([T ][\d:.]+Z?)?")
"""Nested values that identify nobody."""
_MOST_COLUMNS = 40
"""Columns of a table above which only those that the model names are kept."""


def draft_tests(scratch: Scratch) -> dict[str, str]:
    """Return the files with tests, by their path in the project.

    The models of `scratch` must have been built. A test has rows of one table; models that read
    several tables or made no row of them get none.
    """
    files = {}
    tested = [
        model
        for model in scratch.book.models
        if model.table.name in _TESTED and len(model.reads) == 1
    ]
    with scratch.another_book() as book:
        for model in tested:
            if test := _test(scratch, model, book):
                text = yaml.safe_dump([test], sort_keys=False, allow_unicode=True, width=98)
                files[f"tests/{model.table.name}.yaml"] = (
                    "# From real rows; names, addresses and numbers are replaced.\n" + text
                )
    return files


def _test(scratch: Scratch, model: Model, book: Book) -> dict[str, Any] | None:
    (table,) = model.reads
    connection = scratch.sources()
    target = f"staging.source.{quoted(table)}"
    add_reading_macros(connection)
    named = [
        str(name)
        for name, *_ in connection.execute(f"describe from {target}").fetchall()
        if str(name).lower() in model.sql.lower()
    ]
    found = survey_table(connection, target, table, named)
    if not found.columns or len(found.columns) > _MOST_COLUMNS:
        return None
    columns = list(found.columns.values())
    rows = connection.execute(
        f"select {', '.join(quoted(c.name) for c in columns)} from {target} order by all "
        f"limit {_TRIED}"
    ).fetchall()
    given = [
        {c.name: _masked(c, value, number) for c, value in zip(columns, row, strict=True)}
        for number, row in enumerate(rows, 1)
    ]
    return _written(book, model, table, given)


def _written(
    book: Book, model: Model, table: str, given: list[dict[str, Any]]
) -> dict[str, Any] | None:
    """Return a test of the first rows that the model keeps, and of one that it leaves out."""
    kept: list[dict[str, Any]] = []
    left: list[dict[str, Any]] = []
    for place, row in enumerate(given, 1):
        made = rows_made(book, model, {table: [row]})
        if made and len(kept) < _ROWS:
            kept.append(row)
            if len(kept) == _ROWS and _makes_all(book, model, table, given[place:]):
                break
        elif not made and not left:
            left.append(row)
        if len(kept) == _ROWS and left:
            break
    if not kept:
        return None
    what = "and leaves one out" if left else "as they are"
    return {
        "test": f"{model.table.name} of {table} {what}",
        "model": model.table.name,
        "given": {table: [*kept, *left]},
        "expect": rows_made(book, model, {table: [*kept, *left]}),
    }


def _makes_all(book: Book, model: Model, table: str, rows: list[dict[str, Any]]) -> bool:
    """Whether the model leaves none of the rows out, as far as their number shows: running it once
    for all rows takes as long as for one."""
    return not rows or len(rows_made(book, model, {table: rows})) >= len(rows)


def _masked(column: Column, value: Any, number: int) -> Any:
    """Return the value, or what stands in its place: a few repeated values, money and days stay."""
    if value is None or isinstance(value, bool):
        return value
    inner = _json(value)
    if inner is not None:
        return json.dumps(_masked_json(column.name, inner, number))
    repeated = column.values and 2 * column.distinct <= column.filled
    if column.mostly(column.emails):
        return f"person{number}@example.com"
    if repeated or column.is_date or column.mostly(column.currencies):
        return value if isinstance(value, int) else str(value)
    if column.is_number:
        whole = column.mostly(column.wholes) and column.unique
        return number if whole and isinstance(value, int) else _number(value)
    return f"{column.name} {number}"


def _json(value: Any) -> Any:
    """Return the object or list that a text is; None for any other text."""
    if not str(value).startswith(("{", "[")):
        return None
    try:
        return json.loads(str(value), parse_float=str)
    except ValueError:
        return None


def _masked_json(name: str, value: Any, number: int) -> Any:
    """Return a nested value with the same fields; amounts, days and codes of currencies stay."""
    if isinstance(value, dict):
        return {key: _masked_json(key, inner, number) for key, inner in value.items()}
    if isinstance(value, list):
        return [_masked_json(name, inner, number) for inner in value]
    if not isinstance(value, str) or _PLAIN.fullmatch(value):
        return value
    return f"person{number}@example.com" if "@" in value else f"{name} {number}"


def _number(value: Any) -> Any:
    return value if isinstance(value, int) else str(value)
