"""A store on a fresh database, and an organisation in it."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from headrace.store.context import Context
from headrace.store.migrations import migrate
from headrace.store.organisations import find_organisation, make_organisation
from headrace.store.sqlite import connect, transact

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)


@pytest.fixture
def db(tmp_path: Path) -> Iterator[sqlite3.Connection]:
    connection = connect(tmp_path / "hub.db")
    transact(connection, migrate)
    yield connection
    connection.close()


@pytest.fixture
def context(db: sqlite3.Connection) -> Context:
    transact(db, make_organisation, "acme", "EUR", "Europe/Paris", "2026-01-01T00:00:00.000Z")
    organisation = find_organisation(db, "acme")
    assert organisation is not None
    return Context(organisation, NOW)
