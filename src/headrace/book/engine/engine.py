"""A DuckDB engine as a book needs it: limited, sealed, and with everything that models may call."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib import resources
from pathlib import Path

import duckdb

from headrace.book.engine.file import attach
from headrace.book.engine.scales import scale_of_currency, scale_of_processor
from headrace.book.engine.seal import seal
from headrace.model.countries import COUNTRIES
from headrace.model.money import EXPONENTS
from headrace.model.repeated import run

MEMORY_OF_MANY = "900MB"
"""Memory limit of DuckDB alone for the largest books; the process needs about half as much on
top."""

_READING = "join_order,common_subplan,statistics_propagation,join_filter_pushdown"
"""Steps of planning that reading a source never needs, since it joins two tables at most."""

_KEPT = ("filter_pushdown",)
"""The only step of planning for a tiny book's own statements: the others take longer than they
save, a tenth of a round. Without it, a look into the catalogue would list all of it."""

_KEPT_FOR_MODELS = (
    "filter_pushdown",
    "filter_pullup",
    "join_order",
    "build_side_probe_side",
    "deliminator",
    "unnest_rewriter",
    "expression_rewriter",
    "regex_range",
    "in_clause",
    "cte_inlining",
    "cte_filter_pusher",
    "materialized_cte",
    "common_subplan",
    "empty_result_pullup",
    "unused_columns",
    "outer_join_simplification",
    "limit_pushdown",
    "top_n",
)
"""Steps of planning for a tiny book's models: all that can make a query faster by more than some
factor, such as joins in another order."""

_SPARED: dict[tuple[str, ...], str] = {}
"""By steps that are kept, the names of the others."""

_BUSY_S = 0.01
"""Seconds after which a connection that was in use is tried again."""

_MACROS, _MACROS_FOR_MANY = (
    resources.files("headrace.book.engine").joinpath(f"{name}.sql").read_text(encoding="utf-8")
    for name in ("macros", "macros_for_many")
)


def open_engine(path: Path, spill: Path, readable: Sequence[Path]) -> duckdb.DuckDBPyConnection:
    """Open an engine in memory with the file `path` attached as `staging`.

    It has one thread and plans as for reading a source at first. It spills to the folder `spill`,
    and reads only its own files and those below `readable`. Raises Busy when another process has
    the file open.
    """
    # Asynchronous threads read ahead in storage far away; each open book would keep eight of them.
    connection = duckdb.connect(config={"threads": 1, "async_threads": 0})
    connection.execute(
        f"set memory_limit = '{MEMORY_OF_MANY}'; set timezone = 'UTC'; "
        f"set temp_directory = {quoted_text(str(spill))}; "
        f"set preserve_insertion_order = false; set disabled_optimizers = '{_READING}'; "
        # Checkpoints are made explicitly, not in the middle of some statement.
        "set checkpoint_threshold = '1TB'"
    )
    try:
        attach(connection, path)
    except BaseException:
        connection.close()
        raise
    seal(connection, readable)
    return connection


def close_engine(connection: duckdb.DuckDBPyConnection) -> None:
    """Close the engine; waits for a thread that still uses it, and interrupts its query.

    A thread can't be ended, so that of a round that was cancelled is still at work.
    """
    while True:
        try:
            connection.close()
            return
        except duckdb.ResourceInUseException:
            connection.interrupt()
            threading.Event().wait(_BUSY_S)


def add_macros(connection: duckdb.DuckDBPyConnection) -> None:
    """Create the schemas, and the macros and lists that models may use."""
    run(
        connection,
        "create schema if not exists staging.source; create schema book; create schema plan; "
        "create table book.doubtful (key bigint); "
        # To create a macro is to bind it with those that it calls: these two come last.
        "create macro minor_scale(currency) as 1; "
        "create macro processor_scale(currency, processor) as 1",
    )
    run(
        connection,
        "create table book.currencies as "
        "select unnest($1::varchar[]) as code, unnest($2::integer[]) as exponent",
        [list(EXPONENTS), list(EXPONENTS.values())],
    )
    run(
        connection,
        "create table book.countries as "
        "select unnest($1::varchar[]) as code, unnest($2::varchar[]) as name",
        [list(COUNTRIES), list(COUNTRIES.values())],
    )
    run(connection, _MACROS)
    run(
        connection,
        f"create or replace macro minor_scale(currency) as ({scale_of_currency()}); "
        "create or replace macro processor_scale(currency, processor) as "
        f"({scale_of_processor()})",
    )


def plan_reading(connection: duckdb.DuckDBPyConnection) -> None:
    """Plan as reading a source needs it, however many rows it has."""
    _go_without(connection, _READING)


def plan_by_size(connection: duckdb.DuckDBPyConnection, *, tiny: bool) -> None:
    """Plan as the book's own statements need it: hardly at all in a tiny book, in which planning a
    statement takes longer than running it."""
    _go_without(connection, _spared(connection, _KEPT) if tiny else "")


def prefer_fast_macros(connection: duckdb.DuckDBPyConnection) -> None:
    """Replace the macros that most columns go through by those that are faster in many rows; the
    result is the same."""
    run(connection, _MACROS_FOR_MANY)


@contextmanager
def planned_for_models(connection: duckdb.DuckDBPyConnection) -> Iterator[None]:
    """Plan as models need it for the length of a `with`, also in a tiny book: a user's model may
    join any number of tables in any order, and must not become slow by it."""
    before = run(connection, "select current_setting('disabled_optimizers')").fetchall()[0][0]
    tiny = set(before.split(",")) == set(_spared(connection, _KEPT).split(","))
    _go_without(connection, _spared(connection, _KEPT_FOR_MODELS) if tiny else "")
    try:
        yield
    finally:
        _go_without(connection, before)


def _go_without(connection: duckdb.DuckDBPyConnection, steps: str) -> None:
    run(connection, f"set disabled_optimizers = '{steps}'")


def _spared(connection: duckdb.DuckDBPyConnection, kept: tuple[str, ...]) -> str:
    """Return the names of the engine's steps of planning but those that are kept."""
    if kept not in _SPARED:
        names = run(connection, "select name from duckdb_optimizers()").fetchall()
        _SPARED[kept] = ",".join(name for (name,) in names if name not in kept)
    return _SPARED[kept]


def quoted_text(text: str) -> str:
    """Return an SQL string."""
    return "'" + text.replace("'", "''") + "'"
