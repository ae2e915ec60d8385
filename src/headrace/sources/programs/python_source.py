"""A user's own generators as a source: a Python file, one function per table.

def invoices(options):
    for page in pages(options["url"]):
        yield from page["invoices"]

The file runs in a process of its own. It is asked for no table that no model reads. A function of a
table with a cursor may have a parameter `since`. A function `mark` is no table: it says whether
anything may have changed.
"""

from __future__ import annotations

import ast
import hashlib
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

import duckdb
import msgspec

from headrace.model.clock import SYSTEM_CLOCK, Clock
from headrace.model.errors import SourceError
from headrace.model.source_settings import Incremental
from headrace.sources.address import secrets_in
from headrace.sources.programs.cursor_tables import CursorTables
from headrace.sources.programs.worker_messages import worker_messages
from headrace.sources.source import check_offered, count_rows

_MARK = "mark"


class PythonSource:
    """The public functions of one file that need no parameter but `options` and `since`."""

    def __init__(
        self,
        path: Path,
        options: dict[str, Any],
        cursors: Mapping[str, Incremental] | None = None,
        clock: Clock = SYSTEM_CLOCK,
    ) -> None:
        self._path = path
        self._options = options
        self._cursors = {name.lower(): one for name, one in (cursors or {}).items()}
        self._clock = clock

    def tables(self) -> frozenset[str]:
        return frozenset(self._functions())

    def stage(
        self, connection: duckdb.DuckDBPyConnection, names: Collection[str]
    ) -> dict[str, int]:
        functions = self._functions()
        check_offered(names, functions, str(self._path))
        check_offered(self._cursors, functions, str(self._path))
        connection.execute("create schema if not exists source")
        task = {
            "kind": "python",
            "file": str(self._path),
            "tables": [functions[name] for name in names],
            "options": self._options,
        }
        tables = CursorTables(self._cursors, self._place(), self._clock)
        tables.stage(
            connection,
            names,
            lambda since: worker_messages(
                str(self._path), task | {"since": since}, secrets_in(self._options)
            ),
        )
        return {name: count_rows(connection, name) for name in names}

    def _place(self) -> str:
        """Return what tells these records from others: all are read again when the code changes."""
        return f"python {_digest(self._options, self._cursors, self._path.read_bytes())}"

    def table_marks(self, names: Collection[str], now: float) -> dict[str, str | None]:
        """Return what the function `mark` of the file says: one value for all tables, or one for
        each. Only the code knows whether its system has changed."""
        if _MARK not in self._public().values():
            return dict.fromkeys(names)
        task = {"kind": "mark", "file": str(self._path), "options": self._options, "since": {}}
        (said,) = worker_messages(str(self._path), task, secrets_in(self._options))
        value, place = said["mark"], self._place()
        values = dict.fromkeys(names, value)
        if isinstance(value, dict):
            by_table = {name.lower(): one for name, one in value.items()}
            check_offered(
                by_table, self._functions(), f"mark returned a mapping by table, but {self._path}"
            )
            values = {name: by_table.get(name) for name in names}
        return {name: None if one is None else _digest(place, one) for name, one in values.items()}

    def mark(self, now: float) -> str | None:
        marks = self.table_marks(sorted(self._functions()), now)
        return None if None in marks.values() else _digest(marks)

    def close(self) -> None:
        """Do nothing: no resource is held between calls."""

    def _functions(self) -> dict[str, str]:
        """Return the functions that are tables, by lower-case name."""
        return {name: one for name, one in self._public().items() if one != _MARK}

    def _public(self) -> dict[str, str]:
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
            and len(node.args.args) - len(node.args.defaults)
            < (3 if any(one.arg == "since" for one in node.args.args) else 2)
        }


def _digest(*values: Any) -> str:
    encoded = msgspec.json.encode(values, order="sorted")
    return hashlib.blake2b(encoded, digest_size=16).hexdigest()
