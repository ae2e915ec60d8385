"""SQL models: the project's `models/<table>.sql`, read, checked and run into canonical tables."""

from __future__ import annotations

import difflib
import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import duckdb
from msgspec import Struct

from headrace.book.tables import BY_NAME, TABLES, Column, Table
from headrace.model.errors import ModelError

_INTEGERS = {
    "TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT",
    "UTINYINT", "USMALLINT", "UINTEGER", "UBIGINT", "UHUGEINT",
}  # fmt: skip


class Model(Struct, frozen=True):
    """One `SELECT` that produces one canonical table."""

    table: Table
    sql: str
    origin: str
    """The file, as messages name it."""
    reads: frozenset[str]
    """The source's tables that it names, lower case."""


def load_models(folder: Path, offered: Iterable[str]) -> list[Model]:
    """The models of a project folder, in the order of the canonical tables.

    Without the folder, each canonical table that the source offers under its own name is taken as
    it stands (dbt-made tables or views serve that way). ModelError names the file and the remedy.
    """
    if not folder.is_dir():
        names = set(offered)
        models = [
            Model(
                table,
                f'select * from "{table.name}"',
                f"table {table.name}",
                frozenset([table.name]),
            )
            for table in TABLES
            if table.name in names
        ]
    else:
        models = [_read_model(path) for path in sorted(folder.glob("*.sql"))]
        models.sort(key=lambda model: TABLES.index(model.table))
    if not any(model.table.name == "customers" for model in models):
        raise ModelError(
            f"No model makes the table customers: write {folder / 'customers.sql'}, a SELECT with "
            "the columns external_id and name."
        )
    return models


def _read_model(path: Path) -> Model:
    table = BY_NAME.get(path.stem)
    if table is None:
        raise ModelError(
            f"{path.name} is not a model: the file's name must be one of "
            f"{', '.join(BY_NAME)}{_closest(path.stem, BY_NAME)}."
        )
    text = path.read_text(encoding="utf-8")
    try:
        statements = duckdb.extract_statements(text)
    except duckdb.Error as error:
        raise ModelError(f"{path.name} is not SQL: {_first_line(error)}") from None
    if len(statements) != 1 or statements[0].type != duckdb.StatementType.SELECT:
        raise ModelError(f"{path.name} must be one SELECT statement and nothing else.")
    sql = statements[0].query.strip().rstrip(";")
    return Model(table, sql, path.name, tables_read(sql))


def tables_read(sql: str) -> frozenset[str]:
    """The tables that a SELECT names, lower case, common table expressions left out."""
    row = duckdb.execute("select json_serialize_sql($1)", [sql]).fetchone()
    assert row is not None
    named: set[str] = set()
    local: set[str] = set()
    _collect(json.loads(row[0]), named, local)
    return frozenset(named - local)


def _collect(node: Any, named: set[str], local: set[str]) -> None:
    if isinstance(node, list):
        for item in node:
            _collect(item, named, local)
    elif isinstance(node, dict):
        if node.get("type") == "BASE_TABLE":
            named.add(node["table_name"].lower())
        for entry in (node.get("cte_map") or {}).get("map", ()):
            local.add(entry["key"].lower())
        for item in node.values():
            _collect(item, named, local)


def run_model(connection: duckdb.DuckDBPyConnection, model: Model) -> frozenset[str]:
    """Makes `book.<table>` from the model and returns the columns that the model gives.

    Every column is cast to its kind; a value that can't be becomes NULL and stays readable in
    `<column>__raw`, for the check that reports it; columns whose type casts safely have no such
    twin. ModelError names the file and the column.
    """
    types = _describe(connection, model)
    missing = [c.name for c in model.table.columns if c.required and c.name not in types]
    if missing:
        raise ModelError(
            f"{model.origin} lacks the column {missing[0]}: the table {model.table.name} needs "
            f"{', '.join(c.name for c in model.table.columns if c.required)}."
        )
    known = [c.name for c in model.table.columns]
    for name in types:
        if name not in known:
            raise ModelError(
                f"{model.origin} has a column {name} that the table {model.table.name} does not "
                f"know{_closest(name, known)}: rename or remove it; known are {', '.join(known)}."
            )
    columns = [part for c in model.table.columns for part in _cast(c, types.get(c.name))]
    _execute(
        connection,
        model,
        f"create or replace table memory.book.{model.table.name} as "
        f"select {', '.join(columns)} from ({model.sql}\n)",
    )
    return frozenset(types)


def make_empty(connection: duckdb.DuckDBPyConnection, table: Table) -> None:
    """Makes `book.<table>` without rows, for a table that no model produces."""
    columns = [part for c in table.columns for part in _cast(c, None)]
    connection.execute(
        f"create or replace table memory.book.{table.name} as select {', '.join(columns)} limit 0"
    )


def _describe(connection: duckdb.DuckDBPyConnection, model: Model) -> Mapping[str, str]:
    rows = _execute(connection, model, f"describe {model.sql}").fetchall()
    return {str(name).lower(): str(kind) for name, kind, *_ in rows}


def _execute(
    connection: duckdb.DuckDBPyConnection, model: Model, sql: str
) -> duckdb.DuckDBPyConnection:
    try:
        return connection.execute(sql)
    except duckdb.OutOfMemoryException:
        raise
    except duckdb.Error as error:
        raise ModelError(
            f"{model.origin} fails: {_first_line(error)} (minor() and try_cast() keep one bad "
            "value from stopping the model)"
        ) from None


def _cast(column: Column, kind: str | None) -> list[str]:
    """The select items for one column that has the engine's type `kind`, None when absent."""
    name = column.name
    if column.kind == "text":
        source = f"cast({name} as varchar)" if kind else "null::varchar"
        if kind and kind not in _INTEGERS:
            source = f"memory.main.tidy({source})"
        return [f"{source} as {name}"]
    if column.kind == "json":
        source = f"cast(to_json({name}) as varchar)" if kind else "null::varchar"
        return [f"{source} as {name}"]
    if column.kind == "bytes":
        return [f"cast({name} as blob) as {name}" if kind else f"null::blob as {name}"]
    target = {"amount": "bigint", "instant": "timestamp", "flag": "boolean"}[column.kind]
    if kind is None:
        return [f"null::{target} as {name}"]
    if column.kind == "instant" and kind == "VARCHAR":
        # Through TIMESTAMPTZ, so that an offset in the text counts; the session's zone is UTC.
        source = (
            f"case when length({name}) = 10 then cast(try_cast({name} as date) as timestamp) "
            f"else timezone('UTC', try_cast({name} as timestamptz)) end"
        )
    elif column.kind == "instant" and kind == "TIMESTAMP WITH TIME ZONE":
        source = f"timezone('UTC', {name})"
    elif column.kind == "amount" and kind not in _INTEGERS:
        # A fraction of a cent is not rounded away: it is reported.
        whole = f"try_cast({name} as decimal(38, 9)) % 1 = 0"
        source = f"case when {whole} then try_cast({name} as bigint) end"
    else:
        source = f"try_cast({name} as {target})"
    safe = kind in _INTEGERS or kind in ("DATE", "BOOLEAN") or kind.startswith("TIMESTAMP")
    if safe:
        return [f"{source} as {name}"]
    raw = f"case when {source} is null then cast({name} as varchar) end"
    return [f"{source} as {name}", f"{raw} as {name}__raw"]


def _closest(name: str, known: Iterable[str]) -> str:
    close = difflib.get_close_matches(name, list(known), 1)
    return f" (did you mean {close[0]}?)" if close else ""


def _first_line(error: Exception) -> str:
    return str(error).strip().splitlines()[0]
