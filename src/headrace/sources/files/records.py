"""Records that Python code gives, on their way into DuckDB: one file of JSON lines per table.

A value that JSON lacks becomes the text that shows it exactly: a decimal its digits, a date its ISO
form, bytes `\\x00ff`, NaN its name. Files of many gigabytes pass without filling the memory.
"""

from __future__ import annotations

import datetime
import hashlib
import math
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import IO, Any

import duckdb

from headrace.model.errors import SourceError
from headrace.model.json_text import written_json
from headrace.sources.files.json_files import NO_COLUMNS, stage_json
from headrace.sources.source import quoted, staged

_NAME_MAX = 100
_PLAIN = (str, bool, type(None))


class RecordFiles:
    """One file of JSON lines in a folder for each table, until `close`."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._files: dict[str, IO[bytes]] = {}
        self._columns: dict[str, list[str]] = {}

    def add(self, table: str, records: Iterable[Any]) -> None:
        """Write records. Raises SourceError for one that is no mapping."""
        file = self._file(table)
        for record in records:
            if not isinstance(record, Mapping):
                raise SourceError(
                    f"Table {table}: a record must be a mapping of names to values, "
                    f"not {type(record).__name__}."
                )
            plain = {
                str(key): value if type(value) in _PLAIN else shown(value)
                for key, value in record.items()
            }
            file.write(written_json(plain) + b"\n")

    def written(self, table: str) -> Path | None:
        """Return the file of a table with all its records; None without any."""
        if table not in self._files:
            return None
        self._files[table].flush()
        return self._path(table)

    def touch(self, table: str) -> None:
        """Let the table exist, if only without rows."""
        self._file(table)

    def columns(self, table: str, names: list[str]) -> None:
        """Name the columns, for a table without rows."""
        self._columns[table] = names

    def stage(self, connection: duckdb.DuckDBPyConnection, table: str) -> None:
        """Stage what was written. Raises SourceError."""
        self._file(table).flush()
        try:
            stage_json(connection, table, [self._path(table)])
        except duckdb.Error as error:
            words = str(error).split("\n")[0]
            raise SourceError(f"Table {table}: {words.rstrip('. ')}.") from None
        known = [str(row[0]) for row in connection.execute(f"describe {staged(table)}").fetchall()]
        if self._columns.get(table) and known == [NO_COLUMNS]:
            columns = ", ".join(f"{quoted(name)} varchar" for name in self._columns[table])
            connection.execute(f"create or replace table {staged(table)} ({columns})")

    def close(self) -> None:
        """Close the files."""
        for file in self._files.values():
            file.close()

    def _file(self, table: str) -> IO[bytes]:
        if table not in self._files:
            self._files[table] = self._path(table).open("ab")
        return self._files[table]

    def _path(self, table: str) -> Path:
        # A table's name may have characters that a file's can't, and be longer.
        name = table.encode()
        short = name.hex() if len(name) <= _NAME_MAX else hashlib.blake2b(name).hexdigest()
        return self._folder / f"{short}.jsonl"


def shown(value: Any) -> Any:
    """Return the value as JSON can hold it, without loss."""
    if isinstance(value, int) and not -(2**63) <= value < 2**64:
        return str(value)
    if isinstance(value, bool | int | str | None):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else str(value)
    if isinstance(value, datetime.date | datetime.time):
        return value.isoformat()
    if isinstance(value, bytes | bytearray | memoryview):
        return "\\x" + bytes(value).hex()
    if isinstance(value, Mapping):
        return {str(key): shown(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [shown(inner) for inner in value]
    if hasattr(value, "value") and not callable(value.value):  # an enumeration's
        return shown(value.value)
    return str(value)
