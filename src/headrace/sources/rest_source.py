"""An HTTP API as a source, declared in the project: dlt's `rest_api` in a process of its own.

`options` are the declaration: `client` (address, authentication, pagination) and `resources`, and
`rate`, the requests a minute. Objects and lists inside a record are JSON columns. Resources with a
cursor are kept in the book, and only what is new is read, until everything is read again.
"""

from __future__ import annotations

import hashlib
import importlib.util
from collections.abc import Collection, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import duckdb
import msgspec

from headrace.model.clock import SYSTEM_CLOCK, Clock, parse_interval
from headrace.model.errors import ConfigurationError, SourceError
from headrace.model.source_settings import Incremental
from headrace.sources.address import secrets_in
from headrace.sources.json_files import stage_json
from headrace.sources.kept_records import KeptRecords
from headrace.sources.records import RecordFiles
from headrace.sources.rest_cursors import check_parameters, declared, later, start
from headrace.sources.source import check_offered, count_rows, scratch_folder
from headrace.sources.worker_messages import worker_messages


class RestSource:
    """The resources of one declaration."""

    def __init__(
        self,
        declaration: dict[str, Any],
        cursors: Mapping[str, Incremental] | None = None,
        clock: Clock = SYSTEM_CLOCK,
    ) -> None:
        resources = declaration.get("resources")
        client = declaration.get("client")
        if not isinstance(resources, list) or not isinstance(client, dict):
            raise ConfigurationError(
                'source.options of kind = "rest" needs client = { base_url = … } and resources = '
                "[ … ], as dlt's rest_api has them."
            )
        self._declaration = declaration
        self._cursors = {name.lower(): one for name, one in (cursors or {}).items()}
        check_parameters(self._cursors)
        self._clock = clock
        self._address = str(client.get("base_url", ""))
        names = [one if isinstance(one, str) else str(one.get("name", "")) for one in resources]
        self._names = {name.lower(): name for name in names}
        check_offered(self._cursors, self._names, self._address)

    def tables(self) -> frozenset[str]:
        return frozenset(self._names)

    def stage(
        self, connection: duckdb.DuckDBPyConnection, names: Collection[str]
    ) -> dict[str, int]:
        check_offered(names, self._names, self._address)
        connection.execute("create schema if not exists source")
        if not names:
            return {}
        if importlib.util.find_spec("dlt") is None:
            raise SourceError("REST sources need their library: pip install 'headrace[rest]'.")
        by_cursor = sorted(name for name in names if name in self._cursors)
        kept = KeptRecords(connection, self._place()) if by_cursor else None
        with TemporaryDirectory(prefix="headrace-api-", dir=scratch_folder(connection)) as folder:
            files = RecordFiles(Path(folder))
            try:
                if kept is not None:
                    self._update(kept, by_cursor, list(names), files, Path(folder))
                else:
                    self._read(list(names), {}, files)
                for name in names:
                    if name not in self._cursors:
                        files.stage(connection, name)
            finally:
                files.close()
            for name in by_cursor:
                assert kept is not None
                file = Path(folder) / f"{name.encode().hex()}.kept.jsonl"
                kept.write(name, file)
                stage_json(connection, name, [file])
        return {name: count_rows(connection, name) for name in names}

    def mark(self, now: float) -> str | None:
        return None  # an API does not say that nothing has changed

    def close(self) -> None:
        """Do nothing: no resource is held between calls."""

    def _place(self) -> str:
        """Return what tells this API and account from others; it does not show any secret."""
        said = msgspec.json.encode([self._declaration, self._cursors], order="sorted")
        return f"rest {hashlib.blake2b(said, digest_size=16).hexdigest()}"

    def _update(
        self,
        kept: KeptRecords,
        by_cursor: list[str],
        names: list[str],
        files: RecordFiles,
        folder: Path,
    ) -> None:
        """Read all tables, those with a cursor into the kept records."""
        now = self._clock.now().timestamp()
        sweep = min(parse_interval(self._cursors[name].sweep).total_seconds() for name in by_cursor)
        last = kept.since(by_cursor, now, sweep)
        reached = self._read(names, last or {}, files)
        with kept.changing():
            if last is None:
                kept.replace(by_cursor)
            for name in by_cursor:
                path = files.written(name)
                if path is not None:
                    kept.put(name, self._cursors[name].key, path)
            kept.note(by_cursor, reached, now if last is None else None)

    def _read(
        self, names: list[str], last: Mapping[str, Any], files: RecordFiles
    ) -> dict[str, Any]:
        """Write the records of tables into files; returns how far each cursor came."""
        starts = {
            name: (self._cursors[name].parameter, start(self._cursors[name], value))
            for name, value in last.items()
            if value is not None
        }
        task = {
            "kind": "rest",
            "declaration": declared(self._declaration, starts),
            "tables": [self._names[name] for name in names],
        }
        reached = dict(last)
        for message in worker_messages(self._address, task, secrets_in(self._declaration)):
            name = str(message["table"]).lower()
            files.add(name, [message["record"]])
            if name in self._cursors:
                value = message["record"].get(self._cursors[name].cursor)
                reached[name] = later(reached.get(name), value)
        return reached
