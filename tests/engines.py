"""The engines that tests of the hub run on, and an empty database of each."""

from __future__ import annotations

from contextlib import ExitStack

import pytest

from postgres import fresh_database

ENGINES = ("sqlite", "postgresql")


def database_of(request: pytest.FixtureRequest, engine: str, stack: ExitStack) -> str | None:
    """Return the URL of an empty database that exists until `stack` closes; None for SQLite."""
    if engine == "sqlite":
        return None
    return stack.enter_context(fresh_database(request.getfixturevalue("postgres_server")))
