"""An HTTP API as a source, declared in the project: dlt's `rest_api` in a process of its own.

`options` are the declaration: `client` (address, authentication, pagination) and `resources`, and
`rate`, the requests a minute. Objects and lists inside a record are JSON columns. Resources with a
cursor are kept in the book, and only what is new is read, until everything is read again.
"""

from __future__ import annotations

import hashlib
import importlib.util
from collections.abc import Collection, Iterator, Mapping
from functools import partial
from typing import Any

import duckdb
import msgspec

from headrace.model.clock import SYSTEM_CLOCK, Clock
from headrace.model.errors import ConfigurationError, SourceError
from headrace.model.source_settings import Incremental
from headrace.sources.address import secrets_in
from headrace.sources.programs.cursor_tables import CursorTables
from headrace.sources.programs.moving_lists import read_until_still
from headrace.sources.programs.rest_cursors import check_parameters, declared
from headrace.sources.programs.worker_messages import worker_messages
from headrace.sources.source import check_offered, count_rows


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
        names = [_name_of(one, number) for number, one in enumerate(resources, 1)]
        self._names = {name.lower(): name for name in names}
        self._keys = {
            name.lower(): _key_of(one) for name, one in zip(names, resources, strict=True)
        } | {name: one.key for name, one in self._cursors.items()}
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
        tables = CursorTables(self._cursors, self._place(), self._clock)

        def read(again: bool) -> None:
            messages = partial(self._messages, list(names))
            tables.stage(connection, names, messages, whole=again)

        keys = {name: self._keys[name] for name in names}
        read_until_still(connection, self._address, keys, read)
        return {name: count_rows(connection, name) for name in names}

    def mark(self, now: float) -> str | None:
        return None  # an API does not say that nothing has changed

    def close(self) -> None:
        """Do nothing: no resource is held between calls."""

    def _place(self) -> str:
        """Return what tells this API and account from others; it does not show any secret."""
        said = msgspec.json.encode([self._declaration, self._cursors], order="sorted")
        return f"rest {hashlib.blake2b(said, digest_size=16).hexdigest()}"

    def _messages(self, names: list[str], starts: dict[str, Any]) -> Iterator[dict[str, Any]]:
        parameters = {
            name: (self._cursors[name].parameter, value) for name, value in starts.items()
        }
        task = {
            "kind": "rest",
            "declaration": declared(self._declaration, parameters),
            "tables": [self._names[name] for name in names],
        }
        return worker_messages(self._address, task, secrets_in(self._declaration))


def _name_of(resource: Any, number: int) -> str:
    name = resource.get("name") if isinstance(resource, dict) else resource
    if not isinstance(name, str) or not name:
        raise ConfigurationError(
            f'source.options.resources of kind = "rest": resource {number} has no name.'
        )
    return name


def _key_of(resource: Any) -> str:
    key = resource.get("primary_key") if isinstance(resource, dict) else None
    return key if isinstance(key, str) else "id"
