"""An HTTP API as a source, declared in the project: dlt's `rest_api` in a process of its own.

`options` are the declaration: `client` (address, authentication, pagination) and `resources`.
Objects and lists inside a record are JSON columns.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Collection
from typing import Any

import duckdb

from headrace.model.errors import ConfigurationError, SourceError
from headrace.sources.address import secrets_in
from headrace.sources.python_source import stage_worker
from headrace.sources.source import check_offered, count_rows


class RestSource:
    """The resources of one declaration."""

    def __init__(self, declaration: dict[str, Any]) -> None:
        resources = declaration.get("resources")
        client = declaration.get("client")
        if not isinstance(resources, list) or not isinstance(client, dict):
            raise ConfigurationError(
                'source.options of kind = "rest" needs client = { base_url = … } and resources = '
                "[ … ], as dlt's rest_api has them."
            )
        self._declaration = declaration
        self._address = str(client.get("base_url", ""))
        names = [one if isinstance(one, str) else str(one.get("name", "")) for one in resources]
        self._names = {name.lower(): name for name in names}

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
        task = {
            "kind": "rest",
            "declaration": self._declaration,
            "tables": [self._names[name] for name in names],
        }
        secrets = secrets_in(self._declaration)
        stage_worker(connection, self._address, task, list(names), secrets)
        return {name: count_rows(connection, name) for name in names}

    def mark(self, now: float) -> str | None:
        return None  # an API does not say that nothing has changed

    def close(self) -> None:
        """Do nothing: no resource is held between calls."""
