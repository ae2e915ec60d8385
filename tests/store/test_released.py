"""Databases of each released version open, and get the schema of a new one."""

from __future__ import annotations

import itertools
import json
import re
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any

import psycopg
import pytest
from released import FIXTURES, answers
from schema import (
    named_indexes_of_postgres,
    named_indexes_of_sqlite,
    postgres_columns,
    postgres_schema,
    sqlite_columns,
    sqlite_schema,
)

from engines import ENGINES
from headrace.server.description.schemas import REQUESTS
from headrace.store.engine.place import Place, open_store
from headrace.store.migrations import available
from inside import Inside
from postgres import fresh_database

VERSIONS = sorted(folder.name for folder in FIXTURES.glob("*.*.*"))


def _empty(request: pytest.FixtureRequest, engine: str, folder: Path, stack: ExitStack) -> Place:
    if engine == "sqlite":
        return Place(folder=folder)
    server = request.getfixturevalue("postgres_server")
    return Place(folder=folder, url=stack.enter_context(fresh_database(server)))


def _restore(version: str, place: Place) -> None:
    if place.url is None:
        assert place.folder is not None
        shutil.copy(FIXTURES / version / "hub.db", place.folder / "hub.db")
    else:
        with psycopg.connect(place.url, autocommit=True) as db:
            db.execute((FIXTURES / version / "hub.sql").read_text().encode())


@pytest.fixture(params=ENGINES)
def engine(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(params=VERSIONS)
def released(
    request: pytest.FixtureRequest, engine: str, tmp_path: Path
) -> Iterator[tuple[Place, dict[str, Any]]]:
    """The location of a database as that version left it, and its hub's answers."""
    with ExitStack() as stack:
        place = _empty(request, engine, tmp_path, stack)
        _restore(request.param, place)
        yield place, json.loads((FIXTURES / request.param / f"{engine}.json").read_text())


def _schema(place: Place) -> Any:
    if place.url is not None:
        with psycopg.connect(place.url) as remote:
            return postgres_schema(remote)
    assert place.folder is not None
    with closing(sqlite3.connect(place.folder / "hub.db")) as db:
        return sqlite_schema(db)


def test_a_released_database_opens_and_has_the_same_answers(
    released: tuple[Place, dict[str, Any]],
) -> None:
    """The key pair stays valid, and the database can be written."""
    place, kept = released
    with closing(Inside(place)) as hub:
        hub.headers = kept["headers"]
        now = answers(hub)
        for path, before in kept["answers"].items():
            assert _without_new(now[path], before) == before, path
        assert hub.findings() == []
        body = {**REQUESTS["Invoice"], "externalId": "after"}
        assert hub.call("POST", "/invoices", body)[0] == 201
        assert hub.call("DELETE", "/payments/external:1234")[0] == 400, "a refund refers to it"
        assert hub.call("DELETE", "/refunds/external:5678") == (204, None)
        assert hub.findings() == []


def _without_new(now: Any, before: Any) -> Any:
    """A later version may answer more fields, but never fewer or different ones."""
    if isinstance(before, dict) and isinstance(now, dict):
        return {key: _without_new(now[key], before[key]) for key in before if key in now}
    if isinstance(before, list) and isinstance(now, list) and len(now) == len(before):
        return [_without_new(*pair) for pair in zip(now, before, strict=True)]
    return now


def test_a_migrated_database_has_the_schema_of_a_new_one(
    released: tuple[Place, dict[str, Any]],
    request: pytest.FixtureRequest,
    engine: str,
    tmp_path: Path,
) -> None:
    """A hub has served on both, so PostgreSQL's has the tables of the limits."""
    place, _ = released
    with ExitStack() as stack:
        (tmp_path / "new").mkdir()
        new = _empty(request, engine, tmp_path / "new", stack)
        for one in (place, new):
            Inside(one).close()
        assert _schema(place) == _schema(new)


def test_a_difference_between_schemas_is_found(
    released: tuple[Place, dict[str, Any]], engine: str
) -> None:
    place, _ = released
    open_store(place).close()
    before = _schema(place)
    seen = []
    for change in (
        "ALTER TABLE note ADD COLUMN colour TEXT",
        "DROP INDEX note_customer",
        "CREATE UNIQUE INDEX note_customer ON note (customer, seq)",
        "DROP TABLE portal_file",
    ):
        if place.url is not None:
            with psycopg.connect(place.url) as remote:
                remote.execute(change)
        else:
            assert place.folder is not None
            with closing(sqlite3.connect(place.folder / "hub.db")) as db:
                db.execute(change)
        seen.append(_schema(place))
    assert before not in seen
    assert all(one != other for one, other in itertools.pairwise(seen))


def test_both_engines_have_one_schema(request: pytest.FixtureRequest, tmp_path: Path) -> None:
    """The same tables, columns, types, needed values and indexes."""
    with ExitStack() as stack:
        for engine in ENGINES:
            place = _empty(request, engine, tmp_path, stack)
            open_store(place).close()
        assert place.url is not None
        db = stack.enter_context(closing(sqlite3.connect(tmp_path / "hub.db")))
        remote = stack.enter_context(psycopg.connect(place.url))
        assert postgres_columns(remote) == sqlite_columns(db)
        assert named_indexes_of_postgres(remote) == named_indexes_of_sqlite(db)


def test_migrations_are_numbered_without_a_gap_and_explained() -> None:
    assert [number for number, _ in available()] == list(range(1, len(available()) + 1))
    folder = Path(open_store.__code__.co_filename).parent / "migrations"
    for path in folder.glob("[0-9]*"):
        assert (path / "notes.md").read_text().strip(), path.name


def test_every_released_version_has_its_database() -> None:
    changes = (Path(__file__).parents[2] / "CHANGELOG.md").read_text()
    released = re.findall(r"^## \[(\d+\.\d+\.\d+)\] - \d", changes, re.MULTILINE)
    assert set(released) <= set(VERSIONS)
    assert VERSIONS
