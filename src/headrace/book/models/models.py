"""SQL models: loads and checks the project's `models/<table>.sql`, and runs them into canonical
tables."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from pathlib import Path

import duckdb
from msgspec import Struct

from headrace.book.models.casts import absent_column, cast_column, read_first
from headrace.book.models.shared_views import load_shared, with_shared
from headrace.book.queries import rows
from headrace.book.queries.sql_errors import explain_run, explain_sql
from headrace.book.queries.sql_tree import only_select, read_select
from headrace.book.tables import BY_NAME, TABLES, Table
from headrace.model.errors import ModelError
from headrace.model.repeated import run


class Model(Struct, frozen=True):
    """A `SELECT` that produces one canonical table."""

    table: Table
    sql: str
    origin: str
    """The file, as messages call it."""
    reads: frozenset[str]
    """The source's tables that it reads, in lower case."""
    first_line: int | None = None
    """The line of its file on which `sql` starts; None when it is not the file's own text."""


def load_models(folder: Path, offered: Iterable[str], own: str = "") -> list[Model]:
    """Load the models of a project folder, in the order of the canonical tables.

    Those in its subfolder `own`, an organisation's name, replace those of the same file name.
    Without the folder, each canonical table that the source offers under the same name is used as
    it is; tables or views built by dbt work that way. Raises ModelError that names the file and the
    remedy.
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
        folders = [folder, folder / own] if own else [folder]
        paths = {path.name: path for place in folders for path in sorted(place.glob("*.sql"))}
        shared = load_shared(folders)
        models = [_read_model(path, shared) for _, path in sorted(paths.items())]
        models.sort(key=lambda model: TABLES.index(model.table))
    if not any(model.table.name == "customers" for model in models):
        raise ModelError(
            f"No model makes the table customers: write {folder / 'customers.sql'}, a SELECT with "
            "the columns external_id and name."
        )
    return models


def _read_model(path: Path, shared: Mapping[str, str]) -> Model:
    table = BY_NAME.get(path.stem)
    if table is None:
        raise ModelError(
            f"{path.name} is not a model: the file's name must be one of "
            f"{', '.join(BY_NAME)}{_closest(path.stem, BY_NAME)}."
        )
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        line = error.object.count(b"\n", 0, error.start) + 1
        raise ModelError(
            f"{path.name}, line {line} is not UTF-8: save it in that encoding."
        ) from None
    except OSError as error:
        raise ModelError(f"{path.name} can't be read: {error.strerror}.") from None
    try:
        sql = only_select(text)
    except duckdb.Error as error:
        raise ModelError(f"{explain_sql(error, path.name, 1)}") from None
    if sql is None:
        raise ModelError(f"{path.name} must be one SELECT statement and nothing else.")
    reading = read_select(with_shared(sql, shared))
    first_line = text.count("\n", 0, text.find(sql)) + 1 if sql in text else None
    return Model(table, reading.sql, path.name, reading.tables, first_line)


_TYPES: dict[tuple[str, str], Mapping[str, str]] = {}
"""Types of the columns that a text makes of tables with given columns, see `types_of`."""
_MOST_TYPES = 500


def tables_read(sql: str) -> frozenset[str]:
    """Return the tables that a SELECT reads, in lower case, without common table expressions."""
    return read_select(sql).tables


def run_model(
    connection: duckdb.DuckDBPyConnection, model: Model, schema: str = "memory.book"
) -> frozenset[str]:
    """Create `<schema>.<table>` from the model; returns the columns that the model produces.

    Every column is cast to its kind. A value that can't be cast becomes NULL and is kept in
    `<column>__raw`, for the check that reports it; columns whose type always casts have no such
    column. Raises ModelError that names the file and the column.
    """
    types = types_of(connection, model)
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
    _execute(
        connection,
        model,
        f"create or replace table {schema}.{model.table.name} as {_casting(model, types)}",
    )
    return frozenset(types)


def casting(connection: duckdb.DuckDBPyConnection, model: Model, column: str = "") -> str:
    """Return the query for the rows that `run_model` would make, or for one of their columns."""
    return _casting(model, types_of(connection, model), column)


def _casting(model: Model, types: Mapping[str, str], column: str = "") -> str:
    wanted = [c for c in model.table.columns if column in ("", c.name)]
    columns = [part for c in wanted for part in cast_column(c, types.get(c.name))]
    reads = ["*", *(r for c in wanted if (r := read_first(c, types.get(c.name))))]
    return f"select {', '.join(columns)} from (select {', '.join(reads)} from (\n{model.sql}\n))"


def make_empty(connection: duckdb.DuckDBPyConnection, table: Table) -> None:
    """Create `book.<table>` without rows, for a table that no model produces."""
    columns = [column for c in table.columns for column in absent_column(c)]
    rows.make_empty(connection, {f"memory.book.{table.name}": columns})


def types_of(connection: duckdb.DuckDBPyConnection, model: Model) -> Mapping[str, str]:
    """Return the types of the columns that the model makes.

    They follow from its text and the columns of the tables that it reads. Binding a model takes the
    engine longer than most take to run on a small organisation, so they are remembered.
    """
    if "getvariable" in model.sql.lower():  # its type is that of a parameter
        return _described(connection, model)
    try:
        read = [
            (table, run(connection, f'describe source."{table}"').fetchall())
            for table in sorted(model.reads)
        ]
    except duckdb.Error:
        return _described(connection, model)
    known = model.sql, str(read)
    if known not in _TYPES:
        if len(_TYPES) >= _MOST_TYPES:
            _TYPES.clear()
        _TYPES[known] = _described(connection, model)
    return _TYPES[known]


def _described(connection: duckdb.DuckDBPyConnection, model: Model) -> Mapping[str, str]:
    found = _execute(connection, model, f"describe\n{model.sql}").fetchall()
    return {str(name).lower(): str(kind) for name, kind, *_ in found}


def _execute(
    connection: duckdb.DuckDBPyConnection, model: Model, sql: str
) -> duckdb.DuckDBPyConnection:
    try:
        return run(connection, sql)
    except duckdb.OutOfMemoryException:
        raise
    except duckdb.Error as error:
        first = None if model.first_line is None else model.first_line - 1  # after its own line
        raise ModelError(explain_run(error, connection, model.reads, model.origin, first)) from None


def _closest(name: str, known: Iterable[str]) -> str:
    close = difflib.get_close_matches(name, list(known), 1)
    return f" (did you mean {close[0]}?)" if close else ""
