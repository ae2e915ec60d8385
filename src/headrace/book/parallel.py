"""Independent statements side by side: one small statement keeps no more than one core busy."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeAlias, TypeVar

import duckdb

from headrace.book.sql_tree import parsing_with

T = TypeVar("T")

Task: TypeAlias = Callable[[duckdb.DuckDBPyConnection], T]
"""What is done on a connection of its own."""

_HANDS = min(4, os.cpu_count() or 1)


def side_by_side(connection: duckdb.DuckDBPyConnection, tasks: Sequence[Task[T]]) -> list[T]:
    """The tasks' results in their order; each task has a connection of its own to the same tables.

    Tasks may append to one table, but not make or change what another one reads. The first task
    that fails, by their order, raises; an interrupt ends all of them.
    """
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
            # Each is closed by the thread that used it last, or before it was used.
            executor.shutdown()
            for cursor in cursors:
                cursor.close()


def _run(task: Task[T], connection: duckdb.DuckDBPyConnection) -> T:
    with parsing_with(connection):
        return task(connection)


def statement(sql: str) -> Task[None]:
    """One statement whose rows nobody needs."""

    def run(connection: duckdb.DuckDBPyConnection) -> None:
        connection.execute(sql)

    return run
