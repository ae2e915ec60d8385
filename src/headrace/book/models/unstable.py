"""Detects models that return different rows on each run, which would be sent again by every sync.

Ties in `row_number()` and similar functions are decided by the order of the rows, which DuckDB does
not guarantee. The second run therefore reads the source's rows in reverse order.
"""

from __future__ import annotations

from collections.abc import Sequence
from importlib import resources

import duckdb

from headrace.book.models.models import Model, run_model
from headrace.book.models.shapeless import views
from headrace.book.models.steady import are_steady
from headrace.model.repeated import run
from headrace.model.table_contents import contents_of

_SQL = resources.files("headrace.book.models").joinpath("unstable.sql").read_text(encoding="utf-8")
_MOST = 100
"""Maximum number of rows reported per model; the first report says how many there are."""


def warn_of_unstable_models(connection: duckdb.DuckDBPyConnection, models: Sequence[Model]) -> None:
    """Run all models again and add a warning to `book.problems` for each row that differs.

    Of single rows there is only one order, so a model that reads no more of any table is left out
    unless it may depend on something else than its tables.
    """
    empty = views(connection)
    rows = _rows(connection) | dict.fromkeys(empty, 0)
    models = [
        model
        for model in models
        if any(rows.get(table, 2) > 1 for table in model.reads)
        or not are_steady(connection, [model])
    ]
    if not models:
        return
    connection.execute("attach ':memory:' as again; create schema again.source")
    try:
        connection.execute("create schema again.book")
        for table in sorted(set().union(*(model.reads for model in models))):
            made, order = ("view", "") if table in empty else ("table", "order by rowid desc")
            connection.execute(
                f'create {made} again.source."{table}" as from staging.source."{table}" {order}'
            )
        with connection.cursor() as other:
            other.execute("set search_path = 'again.source,memory.main'")
            for model in models:
                run_model(other, model, "again.book")
        for model in models:
            # Mostly they have the same rows, which is found sooner than all that differ.
            once, again = (
                contents_of(connection, f"{schema}.book.{model.table.name}")
                for schema in ("memory", "again")
            )
            if once != again:
                connection.execute(f"insert into book.problems {_comparison(model)}")
    finally:
        connection.execute("detach again")


def _rows(connection: duckdb.DuckDBPyConnection) -> dict[str, int]:
    """Return the number of rows of each staged table, or more if some were deleted."""
    found = run(
        connection,
        "select lower(table_name), estimated_size from duckdb_tables() "
        "where database_name = 'staging' and schema_name = 'source'",
    ).fetchall()
    return {str(name): int(count) for name, count in found}


def _comparison(model: Model) -> str:
    # PDFs' bytes are large, and a separate rule detects their changes.
    columns = [column.name for column in model.table.columns if column.kind != "bytes"]
    # Settlements have a text of their own as their id.
    keys = [column.name for column in model.table.columns if column.kind == "id"]
    keys = keys or [model.table.identity]
    if model.table.name == "customers":
        keys.remove("parent_external_id")
    differing = (
        f"if(once.{name} is distinct from again.{name}, '{name}', null)"
        for name in columns
        if name not in keys
    )
    return _SQL.format(
        columns=", ".join(columns),
        table=model.table.name,
        identity=model.table.identity,
        differing=", ".join(differing),
        same_keys=" and ".join(f"once.{key} is not distinct from again.{key}" for key in keys),
        most=_MOST,
        singular=model.table.singular,
        origin=model.origin,
    )
