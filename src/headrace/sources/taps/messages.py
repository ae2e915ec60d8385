"""Singer's messages: records by stream, their schemas and keys, and the tap's state."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import duckdb

from headrace.model.errors import SourceError
from headrace.sources.files.records import RecordFiles
from headrace.sources.source import quoted, staged

_TYPES = {
    "string": "VARCHAR",
    "integer": "BIGINT",
    "number": "DOUBLE",
    "boolean": "BOOLEAN",
    "object": "JSON",
    "array": "JSON",
}
PLACE = "headrace_place"
"""A column with the order in which records arrived: the last of a key counts."""


class Streams:
    """What a tap has said so far."""

    def __init__(self, folder: Path) -> None:
        self._files = RecordFiles(folder)
        self._counted = folder / "count"
        self._count = int(self._counted.read_text()) if self._counted.exists() else 0
        self.schemas: dict[str, dict[str, str]] = {}
        """DuckDB's types of the columns, by stream."""
        self.keys: dict[str, list[str]] = {}
        self.said: dict[str, Mapping[str, Any]] = {}
        """The last SCHEMA message, by stream."""
        self.state: Any = None

    def read(self, messages: Iterable[Mapping[str, Any]]) -> None:
        """Take messages; kinds that are not known are left out. Raises SourceError."""
        for message in messages:
            kind = message.get("type")
            if kind == "RECORD":
                self._take_record(stream_of(message).lower(), message.get("record"))
            elif kind == "SCHEMA":
                self._take_schema(stream_of(message).lower(), message)
            elif kind == "STATE":
                self.state = message.get("value")

    def _take_record(self, stream: str, record: Any) -> None:
        if not isinstance(record, dict):
            raise SourceError(f"Stream {stream}: a RECORD message has no record.")
        self._count += 1
        self._files.add(stream, [record | {PLACE: self._count}])

    def _take_schema(self, stream: str, message: Mapping[str, Any]) -> None:
        self._files.touch(stream)
        self.said[stream] = message
        schema = message.get("schema")
        properties = schema.get("properties") if isinstance(schema, dict) else None
        known = properties.items() if isinstance(properties, dict) else ()
        # An empty name is none that a column can have.
        self.schemas[stream] = {name: _type(one) for name, one in known if name}
        keys = message.get("key_properties")
        listed = keys if isinstance(keys, list) else [keys] if isinstance(keys, str) else []
        self.keys[stream] = [str(key) for key in listed]

    def stage(self, connection: duckdb.DuckDBPyConnection, stream: str) -> None:
        """Stage a stream: one row per key, the last one, with every column of its schema."""
        self._files.stage(connection, stream)
        table = staged(stream)
        described = connection.execute(f"describe {table}").fetchall()
        found = {str(row[0]): str(row[1]) for row in described}
        schema = self.schemas.get(stream, {})
        missing = {name: kind for name, kind in schema.items() if name not in found}
        keys = [quoted(key) for key in self.keys.get(stream, ())]
        own = [
            f"{quoted(name)}::{schema[name]} as {quoted(name)}"
            if self._is_empty(connection, table, name, schema)
            else quoted(name)
            for name in found
            if name not in (PLACE, "headrace_no_columns")
        ]
        columns = [*own, *(f"null::{kind} as {quoted(name)}" for name, kind in missing.items())]
        # Rows that lack a part of their key are no versions of each other.
        last = (
            f" qualify row_number() over (partition by {', '.join(keys)} order by {PLACE} desc) = 1"
            f" or {' or '.join(f'{key} is null' for key in keys)}"
            if keys and PLACE in found and found.keys() >= set(self.keys[stream])
            else ""
        )
        if columns:
            connection.execute(
                f"create or replace table {table} as select {', '.join(columns)} from {table}{last}"
            )

    def _is_empty(
        self,
        connection: duckdb.DuckDBPyConnection,
        table: str,
        name: str,
        schema: Mapping[str, str],
    ) -> bool:
        """Whether the column's type can only be known by the schema."""
        if name not in schema:
            return False
        row = connection.execute(f"select count({quoted(name)}) from {table}").fetchall()[0]
        return not row[0]

    def close(self) -> None:
        """Close the files, and note how many records there are."""
        self._files.close()
        self._counted.write_text(str(self._count))


def stream_of(message: Mapping[str, Any]) -> str:
    """Return the stream that a message is about. Raises SourceError."""
    stream = message.get("stream")
    if not isinstance(stream, str) or not stream:
        raise SourceError(f"A {message.get('type')} message names no stream.")
    return stream


def _type(schema: object) -> str:
    kinds = schema.get("type", "string") if isinstance(schema, dict) else "string"
    names = kinds if isinstance(kinds, list) else [kinds]
    return next((_TYPES[one] for one in map(str, names) if one in _TYPES), "VARCHAR")
