"""The engine's promises: a refused write alone fails, answers come after the commit."""

from __future__ import annotations

import asyncio
import sqlite3
import threading
from pathlib import Path

import pytest

from headrace.model.errors import BadRequest, ConfigurationError, ServiceUnavailable
from headrace.store.connection import Connection
from headrace.store.sqlite import SqliteStore, connect, transact


def _insert(db: Connection, name: str) -> str:
    db.execute("INSERT INTO meta (name, value) VALUES (?, 1)", (name,))
    return name


def _names(path: Path) -> set[str]:
    db = sqlite3.connect(path)
    try:
        return {row[0] for row in db.execute("SELECT name FROM meta")} - {"schema"}
    finally:
        db.close()


def test_a_refused_write_leaves_the_others_of_its_group_alone(tmp_path: Path) -> None:
    path = tmp_path / "hub.db"
    store = SqliteStore(path)

    def refused(db: Connection) -> None:
        _insert(db, "refused")
        raise BadRequest("no")

    async def write_all() -> list[object]:
        writes = [store.write(1, _insert, f"w{n}") for n in range(20)]
        writes.insert(10, store.write(1, refused))
        return await asyncio.gather(*writes, return_exceptions=True)

    results = asyncio.run(write_all())
    store.close()
    assert isinstance(results.pop(10), BadRequest)
    assert results == [f"w{n}" for n in range(20)]
    assert _names(path) == {f"w{n}" for n in range(20)}


def test_a_result_is_handed_back_after_its_commit(tmp_path: Path) -> None:
    path = tmp_path / "hub.db"
    store = SqliteStore(path)

    async def write_and_look() -> set[str]:
        await store.write(1, _insert, "one")
        return _names(path)

    assert asyncio.run(write_and_look()) == {"one"}
    store.close()


def test_a_reader_does_not_wait_for_a_write_under_way(tmp_path: Path) -> None:
    store = SqliteStore(tmp_path / "hub.db")
    entered, leave = threading.Event(), threading.Event()

    def slow(db: Connection) -> None:
        _insert(db, "slow")
        entered.set()
        leave.wait(10)

    async def read_meanwhile() -> int:
        write = store.write(1, slow)
        await asyncio.to_thread(entered.wait, 10)
        count = await store.read(lambda db: db.execute("SELECT count(*) FROM meta").fetchone()[0])
        scanned = await store.scan(lambda db: db.execute("SELECT count(*) FROM meta").fetchone()[0])
        leave.set()
        await write
        return int(count) + int(scanned)

    assert asyncio.run(read_meanwhile()) == 2
    store.close()


def test_closing_finishes_what_is_queued(tmp_path: Path) -> None:
    path = tmp_path / "hub.db"
    store = SqliteStore(path)

    async def queue_and_close() -> None:
        writes = [store.write(1, _insert, f"w{n}") for n in range(500)]
        await asyncio.to_thread(store.close)
        await asyncio.gather(*writes)

    asyncio.run(queue_and_close())
    assert len(_names(path)) == 500


def test_changes_moves_with_commits_of_this_and_other_processes(tmp_path: Path) -> None:
    path = tmp_path / "hub.db"
    store = SqliteStore(path)
    before = store.changes()
    assert store.changes() == before
    other = connect(path)
    transact(other, _insert, "elsewhere")
    other.close()
    assert store.changes() != before
    store.close()


def test_a_database_that_cannot_be_written_is_said_and_nothing_is_lost(tmp_path: Path) -> None:
    path = tmp_path / "hub.db"
    store = SqliteStore(path)
    store._writer.execute("PRAGMA query_only=ON")

    async def write() -> list[object]:
        return await asyncio.gather(store.write(1, _insert, "one"), return_exceptions=True)

    (result,) = asyncio.run(write())
    assert isinstance(result, ServiceUnavailable | sqlite3.OperationalError)
    store._writer.execute("PRAGMA query_only=OFF")

    async def again() -> object:
        return await store.write(1, _insert, "two")

    assert asyncio.run(again()) == "two"
    store.close()
    assert _names(path) == {"two"}


def test_a_newer_database_is_refused_with_a_sentence(tmp_path: Path) -> None:
    path = tmp_path / "hub.db"
    SqliteStore(path).close()
    db = connect(path)
    db.execute("UPDATE meta SET value = 9999 WHERE name = 'schema'")
    db.close()
    with pytest.raises(ConfigurationError) as caught:
        SqliteStore(path)
    assert "has schema 9999, this version of headrace knows up to" in str(caught.value)


def test_commits_are_flushed_to_disk(tmp_path: Path) -> None:
    store = SqliteStore(tmp_path / "hub.db")
    assert store._writer.execute("PRAGMA synchronous").fetchone() == (2,)
    assert store._writer.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    store.close()


def test_what_is_no_database_is_refused_with_a_sentence(tmp_path: Path) -> None:
    path = tmp_path / "hub.db"
    path.write_text("this is a letter, not a database " * 100)
    with pytest.raises(ConfigurationError) as caught:
        SqliteStore(path)
    assert str(caught.value) == (
        f"{path} can't be opened as the hub's database: file is not a database."
    )
