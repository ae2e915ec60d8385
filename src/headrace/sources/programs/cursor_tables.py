"""Tables of an API or of a user's code, some of which are read by a cursor.

Records of these are kept in the book. Only what is new is read, until everything is read again.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import duckdb

from headrace.model.clock import Clock, parse_interval
from headrace.model.errors import SourceError
from headrace.model.source_settings import Incremental
from headrace.sources.files.json_files import stage_json
from headrace.sources.files.records import RecordFiles
from headrace.sources.programs.kept_records import KeptRecords
from headrace.sources.programs.rest_cursors import later, start
from headrace.sources.source import scratch_folder

Messages = Callable[[dict[str, Any]], Iterator[dict[str, Any]]]
"""Given where each table starts, by lower-case name, yields `{"table": …, "record": {…}}`."""


class CursorTables:
    """The tables of one place, such as an account at an API."""

    def __init__(self, cursors: Mapping[str, Incremental], place: str, clock: Clock) -> None:
        """`cursors` are by lower-case name; `place` tells the records of one place and declaration
        from those of others."""
        self.cursors = cursors
        self._place = place
        self._clock = clock

    def stage(
        self,
        connection: duckdb.DuckDBPyConnection,
        names: Collection[str],
        messages: Messages,
        whole: bool = False,
    ) -> None:
        """Stage the tables, in the schema `source`; if `whole`, all records are read. Raises what
        `messages` raises."""
        by_cursor = sorted(name for name in names if name in self.cursors)
        kept = KeptRecords(connection, self._place) if by_cursor else None
        with TemporaryDirectory(prefix="headrace-rows-", dir=scratch_folder(connection)) as folder:
            files = RecordFiles(Path(folder))
            try:
                if kept is not None:
                    self._update(kept, by_cursor, messages, files, whole)
                else:
                    self._read(messages, {}, files)
                for name in names:
                    if name not in self.cursors:
                        files.stage(connection, name)
            finally:
                files.close()
            for name in by_cursor:
                assert kept is not None
                file = Path(folder) / f"{name.encode().hex()}.kept.jsonl"
                kept.write(name, file)
                stage_json(connection, name, [file])

    def _update(
        self,
        kept: KeptRecords,
        by_cursor: list[str],
        messages: Messages,
        files: RecordFiles,
        whole: bool,
    ) -> None:
        """Read all tables, those with a cursor into the kept records."""
        now = self._clock.now().timestamp()
        sweep = min(parse_interval(self.cursors[name].sweep).total_seconds() for name in by_cursor)
        last = None if whole else kept.since(by_cursor, now, sweep)
        reached = self._read(messages, last or {}, files)
        with kept.changing():
            if last is None:
                kept.replace(by_cursor)
            for name in by_cursor:
                path = files.written(name)
                if path is not None:
                    kept.put(name, self.cursors[name].key, path)
            kept.note(by_cursor, reached, now if last is None else None)

    def _read(
        self, messages: Messages, last: Mapping[str, Any], files: RecordFiles
    ) -> dict[str, Any]:
        """Write the records of tables into files; returns how far each cursor came.

        Raises SourceError where no record of a table has its cursor, or its key.
        """
        starts = {
            name: start(self.cursors[name], value)
            for name, value in last.items()
            if value is not None
        }
        reached, began = dict(last), self._clock.now()
        met: dict[str, set[str]] = {}
        for message in messages(starts):
            name, record = str(message["table"]).lower(), message["record"]
            files.add(name, [record])
            if name in self.cursors:
                one = self.cursors[name]
                met.setdefault(name, set()).update({one.cursor, one.key} & record.keys())
                reached[name] = later(reached.get(name), record.get(one.cursor), began)
        for name, fields in met.items():
            self._check_fields(name, fields)
        return reached

    def _check_fields(self, name: str, met: set[str]) -> None:
        one = self.cursors[name]
        for use, field in (("cursor", one.cursor), ("key", one.key)):
            if field not in met:
                raise SourceError(
                    f"No record of {name} has a field {field}: check {use} in "
                    f"[source.incremental.{name}]."
                )
