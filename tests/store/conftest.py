"""A database of the hub on each engine, within a transaction that is rolled back, and an
organisation in it."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from datetime import UTC, datetime
from typing import Any

import pytest

from engines import ENGINES
from headrace.store.context import Context
from headrace.store.engine.postgres import transact as transact_on_postgres
from headrace.store.engine.postgres_connection import DatabaseError, PostgresConnection
from headrace.store.engine.postgres_dialect import schema_for_postgres
from headrace.store.engine.sqlite import connect, transact
from headrace.store.migrations import migrate
from headrace.store.records.organisations import find_organisation, make_organisation
from postgres import fresh_database

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)


@pytest.fixture(scope="session", params=ENGINES)
def migrated(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Any]:
    """A connection to a database with the schema and no data."""
    with ExitStack() as stack:
        if request.param == "sqlite":
            connection: Any = connect(tmp_path_factory.mktemp("store") / "hub.db")
            transact(connection, migrate)
        else:
            server = request.getfixturevalue("postgres_server")
            url = stack.enter_context(fresh_database(server))
            transact_on_postgres(url, migrate, schema_for_postgres)
            connection = PostgresConnection(url)
        yield connection
        connection.close()


@pytest.fixture
def db(migrated: Any) -> Iterator[Any]:
    """The connection, in a transaction that is rolled back after the test."""
    migrated.execute("BEGIN")
    yield migrated
    if isinstance(migrated, PostgresConnection):
        with suppress(DatabaseError):  # of a statement that the test left behind
            migrated.settle()
    migrated.execute("ROLLBACK")


@pytest.fixture(scope="session")
def sqlite_db(tmp_path_factory: pytest.TempPathFactory) -> Iterator[sqlite3.Connection]:
    """An empty database of SQLite alone."""
    connection = connect(tmp_path_factory.mktemp("store") / "hub.db")
    transact(connection, migrate)
    yield connection
    connection.close()


@pytest.fixture
def context(db: Any) -> Context:
    make_organisation(db, "acme", "EUR", "Europe/Paris", "2026-01-01T00:00:00.000Z")
    organisation = find_organisation(db, "acme")
    assert organisation is not None
    return Context(organisation, NOW)
