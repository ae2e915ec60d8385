"""Runs independent statements in parallel: one small statement uses only one core."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeAlias, TypeVar

import duckdb

from headrace.book.queries.sql_tree import parsing_with
from headrace.model import repeated

T = TypeVar("T")

Task: TypeAlias = Callable[[duckdb.DuckDBPyConnection], T]
"""A function that is called with a connection of its own."""

_HANDS = min(4, os.cpu_count() or 1)


def side_by_side(connection: duckdb.DuckDBPyConnection, tasks: Sequence[Task[T]]) -> list[T]:
    """Run the tasks and return their results in order, on connections of their own to the same
    tables.

    Tasks may append to the same table, but must not create or change a table that another reads.
    Raises the error of the first task, in their order, that fails; an interrupt ends all of them.

    An engine with one thread has few rows, and gets one task after the other: threads would add a
    fifth to what it costs.
    """
    if len(tasks) < 2 or _threads(connection) == 1:
        with connection.cursor() as cursor:
            return [_run(task, cursor) for task in tasks]
    cursors = [connection.cursor() for _ in tasks]
    with ThreadPoolExecutor(_HANDS) as executor:
        futures = [
            executor.submit(_run, task, cursor) for task, cursor in zip(tasks, cursors, strict=True)
        ]
        try:
            return [future.result() for future in futures]
        except BaseException:
            for future, cursor in zip(futures, cursors, strict=True):
                if not future.cancel():
                    cursor.interrupt()
            raise
        finally:
            # Closed by the thread that used it last, or before it was used.
            executor.shutdown()
            for cursor in cursors:
                cursor.close()


def _threads(connection: duckdb.DuckDBPyConnection) -> int:
    row = repeated.run(connection, "select current_setting('threads')").fetchall()[0]
    return int(row[0])


def _run(task: Task[T], connection: duckdb.DuckDBPyConnection) -> T:
    with parsing_with(connection):
        return task(connection)


def statement(sql: str) -> Task[None]:
    """Return a task that runs one statement and ignores its rows."""

    def run(connection: duckdb.DuckDBPyConnection) -> None:
        repeated.run(connection, sql)

    return run
