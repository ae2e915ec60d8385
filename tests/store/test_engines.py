"""Guarantees of both engines: a refused write alone fails, answers come after the commit."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from engines import ENGINES
from headrace.model.errors import BadRequest, ConfigurationError
from headrace.store.connection import Connection
from headrace.store.engine.interface import Store
from headrace.store.engine.place import Place, open_store, snapshot, transactions
from postgres import fresh_database


@pytest.fixture(params=ENGINES)
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Place]:
    with ExitStack() as stack:
        url = None
        if request.param == "postgresql":
            server = request.getfixturevalue("postgres_server")
            url = stack.enter_context(fresh_database(server))
        yield Place(folder=tmp_path, url=url)


@pytest.fixture
def store(place: Place) -> Iterator[Store]:
    opened = open_store(place)
    yield opened
    opened.close()


def insert(db: Connection, name: str) -> str:
    db.execute("INSERT INTO meta (name, value) VALUES (?, 1)", (name,))
    return name


def count(db: Connection) -> int:
    return int(db.execute("SELECT count(*) FROM meta WHERE name <> 'schema'").fetchone()[0])


def names(place: Place) -> set[str]:
    with snapshot(place) as db:
        rows = db.execute("SELECT name FROM meta").fetchall()
    return {row[0] for row in rows} - {"schema"}


def test_a_refused_write_leaves_the_others_of_its_group_alone(place: Place, store: Store) -> None:
    def refused(db: Connection) -> None:
        insert(db, "refused")
        raise BadRequest("no")

    def impossible(db: Connection) -> None:
        insert(db, "w0")
        insert(db, "w0")

    async def write_all() -> list[Any]:
        writes: list[Any] = [store.write(1, insert, f"w{n}") for n in range(20)]
        writes.insert(10, store.write(1, refused))
        writes.insert(15, store.write(1, impossible))
        return await asyncio.gather(*writes, return_exceptions=True)

    results = asyncio.run(write_all())
    assert "unique" in str(results.pop(15)).lower()
    assert isinstance(results.pop(10), BadRequest)
    assert results == [f"w{n}" for n in range(20)]
    assert names(place) == {f"w{n}" for n in range(20)}


def test_a_result_is_handed_back_after_its_commit(place: Place, store: Store) -> None:
    async def write_and_look() -> set[str]:
        await store.write(1, insert, "one")
        return names(place)

    assert asyncio.run(write_and_look()) == {"one"}


def test_a_reader_does_not_wait_for_a_write_under_way(store: Store) -> None:
    entered, leave = threading.Event(), threading.Event()

    def slow(db: Connection) -> None:
        insert(db, "slow")
        entered.set()
        leave.wait(10)

    async def read_meanwhile() -> list[int]:
        write = store.write(1, slow)
        await asyncio.to_thread(entered.wait, 10)
        found = [await store.read(count), await store.scan(count)]
        leave.set()
        await write
        return [*found, await store.read(count), await store.scan(count)]

    assert asyncio.run(read_meanwhile()) == [0, 0, 1, 1]


def test_writes_of_one_organisation_happen_in_the_order_of_the_calls(store: Store) -> None:
    done: list[int] = []

    async def write_all() -> None:
        await asyncio.gather(*(store.write(7, lambda db, n=n: done.append(n)) for n in range(300)))

    asyncio.run(write_all())
    assert done == list(range(300))


def test_closing_finishes_what_is_queued(place: Place) -> None:
    store = open_store(place)

    async def queue_and_close() -> None:
        writes = [store.write(n % 5, insert, f"w{n}") for n in range(500)]
        await asyncio.to_thread(store.close)
        await asyncio.gather(*writes)

    asyncio.run(queue_and_close())
    assert len(names(place)) == 500


def test_an_exception_of_a_read_reaches_its_caller_only(store: Store) -> None:
    def missing(db: Connection) -> None:
        count(db)
        raise BadRequest("no")

    def broken(db: Connection) -> None:
        db.execute("SELECT a FROM nowhere").fetchall()

    async def read_all() -> list[Any]:
        reads: list[Callable[[Connection], Any]] = [count, missing, count, broken, count]
        found = await asyncio.gather(*map(store.read, reads), return_exceptions=True)
        return [*found, await store.read(count)]

    found = asyncio.run(read_all())
    assert [found[0], found[2], found[4], found[5]] == [0, 0, 0, 0]
    assert isinstance(found[1], BadRequest)
    assert "nowhere" in str(found[3])


def test_a_newer_database_is_refused_with_a_message(place: Place, store: Store) -> None:
    with transactions(place) as transact:
        transact(lambda db: db.execute("UPDATE meta SET value = 9999 WHERE name = 'schema'"))
    for attempt in (lambda: open_store(place), lambda: names(place)):
        with pytest.raises(ConfigurationError) as caught:
            attempt()
        assert "has schema 9999, this version of headrace knows up to" in str(caught.value)
