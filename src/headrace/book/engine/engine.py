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

SPARED = "join_order,common_subplan,statistics_propagation,join_filter_pushdown"
"""Steps of planning that a tiny book goes without: a fifteenth of what its round costs. Reading a
source needs none of them, since it joins two tables at most."""

_BUSY_S = 0.01
"""Seconds after which a connection that was in use is tried again."""

_MACROS = resources.files("headrace.book.engine").joinpath("macros.sql").read_text(encoding="utf-8")


def open_engine(path: Path, spill: Path, readable: Sequence[Path]) -> duckdb.DuckDBPyConnection:
    """Open an engine in memory with the file `path` attached as `staging`.

    It has one thread and goes without `SPARED` at first. It spills to the folder `spill`, and reads
    only its own files and those below `readable`. Raises Busy when another process has the file
    open.
    """
    connection = duckdb.connect(config={"threads": 1})
    connection.execute(
        f"set memory_limit = '{MEMORY_OF_MANY}'; set timezone = 'UTC'; "
        f"set temp_directory = {quoted_text(str(spill))}; "
        f"set preserve_insertion_order = false; set disabled_optimizers = '{SPARED}'; "
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
        f"create macro minor_scale(currency) as ({scale_of_currency()}); "
        f"create macro processor_scale(currency, processor) as ({scale_of_processor()})",
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


@contextmanager
def planned_in_full(connection: duckdb.DuckDBPyConnection) -> Iterator[None]:
    """Plan in full for the length of a `with`, also in a tiny book: a user's model may join any
    number of tables in any order, and must not become slow by it."""
    row = run(connection, "select current_setting('disabled_optimizers')").fetchall()[0]
    run(connection, "set disabled_optimizers = ''")
    try:
        yield
    finally:
        run(connection, f"set disabled_optimizers = '{row[0]}'")


def quoted_text(text: str) -> str:
    """Return an SQL string."""
    return "'" + text.replace("'", "''") + "'"
