"""A user's own generators as a source: a Python file, one function per table.

def invoices(options):
    for page in pages(options["url"]):
        yield from page["invoices"]

The file runs in a process of its own. It is asked for no table that no model reads.
"""

from __future__ import annotations

import ast
from collections.abc import Collection
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import duckdb

from headrace.model.errors import SourceError
from headrace.sources.address import secrets_in
from headrace.sources.records import RecordFiles
from headrace.sources.source import check_offered, count_rows, scratch_folder
from headrace.sources.worker_messages import worker_messages


class PythonSource:
    """The public functions of one file that need no parameter, or one for the options."""

    def __init__(self, path: Path, options: dict[str, Any]) -> None:
        self._path = path
        self._options = options

    def tables(self) -> frozenset[str]:
        return frozenset(self._functions())

    def stage(
        self, connection: duckdb.DuckDBPyConnection, names: Collection[str]
    ) -> dict[str, int]:
        functions = self._functions()
        check_offered(names, functions, str(self._path))
        connection.execute("create schema if not exists source")
        task = {
            "kind": "python",
            "file": str(self._path),
            "tables": [functions[name] for name in names],
            "options": self._options,
        }
        stage_worker(connection, str(self._path), task, list(names), secrets_in(self._options))
        return {name: count_rows(connection, name) for name in names}

    def mark(self, now: float) -> str | None:
        return None  # only the code knows whether its system has changed

    def close(self) -> None:
        """Do nothing: no resource is held between calls."""

    def _functions(self) -> dict[str, str]:
        """Return the functions by lower-case name, without running the file."""
        try:
            tree = ast.parse(self._path.read_bytes(), str(self._path))
        except FileNotFoundError:
            raise SourceError(f"There is no file {self._path}: check source.path.") from None
        except (OSError, SyntaxError, ValueError) as error:
            place = f", line {error.lineno}" if isinstance(error, SyntaxError) else ""
            said = error.msg if isinstance(error, SyntaxError) else str(error)
            raise SourceError(f"{self._path}{place} can't be read: {said}.") from None
        return {
            node.name.lower(): node.name
            for node in tree.body
            if isinstance(node, ast.FunctionDef)
            and not node.name.startswith("_")
            and len(node.args.args) - len(node.args.defaults) < 2
        }


def stage_worker(
    connection: duckdb.DuckDBPyConnection,
    what: str,
    task: dict[str, Any],
    names: list[str],
    secrets: tuple[str, ...],
) -> None:
    """Stage what a worker yields for a task; `names` are the tables that exist if only empty.

    Raises SourceError with the worker's own words.
    """
    with TemporaryDirectory(prefix="headrace-rows-", dir=scratch_folder(connection)) as folder:
        files = RecordFiles(Path(folder))
        try:
            for message in worker_messages(what, task, secrets):
                files.add(str(message["table"]).lower(), [message["record"]])
            for name in names:
                files.stage(connection, name)
        finally:
            files.close()
