"""What the tables of an open book were made from: models whose inputs did not move stay."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import duckdb

from headrace.book.models.models import Model
from headrace.book.models.rowwise import is_rowwise
from headrace.book.models.steady import are_steady
from headrace.book.queries.filled import filled

Inputs = tuple[str, tuple[tuple[str, str], ...]]
"""The text of a model, and the contents of each table that it reads."""

CORRECTED = (
    *("withheld", "flawed_links", "flawed_parents"),
    *("waiting_links", "pinned_links", "unsaid_parents"),
)
"""With rows in one of these, planning corrects tables of the book by what the API has."""
FAMILIES = frozenset({"parents", "roots"})
"""Tables of families, which it may correct as well."""


def inputs_of(model: Model, contents: Mapping[str, str]) -> Inputs | None:
    """Return what a model's rows follow from; None if the contents of a table are not known."""
    if not model.reads <= contents.keys():
        return None
    return model.sql, tuple((name, contents[name]) for name in sorted(model.reads))


def outdated(
    connection: duckdb.DuckDBPyConnection,
    models: Iterable[Model],
    contents: Mapping[str, str],
    made: Mapping[str, Inputs | None],
) -> list[Model]:
    """Return the models that have to run again: those whose inputs moved, and those whose rows may
    move without them."""
    return [
        model
        for model in models
        if (inputs := inputs_of(model, contents)) is None
        or inputs != made.get(model.table.name)
        or not are_steady(connection, [model])
    ]


def changed_tables(
    connection: duckdb.DuckDBPyConnection,
    model: Model,
    contents: Mapping[str, str],
    changed: Mapping[str, str],
    made: Mapping[str, Inputs | None],
) -> list[str]:
    """Return the tables that moved since a model ran, if the rows that changed in them tell which
    rows of the model may have changed; else nothing.

    `changed` has the contents before of the tables of which the changed rows are known.
    """
    before = made.get(model.table.name)
    if before is None or before[0] != model.sql or not are_steady(connection, [model]):
        return []
    moved = [name for name, mark in before[1] if contents[name] != mark]
    known = all(changed.get(name) == mark for name, mark in before[1] if name in moved)
    return moved if known and is_rowwise(model.sql, moved) else []


def corrected_tables(connection: duckdb.DuckDBPyConnection, climbed: bool) -> frozenset[str]:
    """Return the tables that planning may have corrected, and that have to be made again: families
    if they were `climbed` since they were made."""
    return filled(connection, *CORRECTED) | (FAMILIES if climbed else frozenset())
