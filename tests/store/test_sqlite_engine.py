"""SQLite only: the file, its durability, and writes of other processes."""

from __future__ import annotations

import asyncio
import sqlite3
from pathlib import Path

import pytest

from headrace.model.errors import ConfigurationError, ServiceUnavailable
from headrace.store.connection import Connection
from headrace.store.engine.sqlite import SqliteStore, connect, transact


def _insert(db: Connection, name: str) -> str:
    db.execute("INSERT INTO meta (name, value) VALUES (?, 1)", (name,))
    return name


def _names(path: Path) -> set[str]:
    db = sqlite3.connect(path)
    try:
        return {row[0] for row in db.execute("SELECT name FROM meta")} - {"schema"}
    finally:
        db.close()


def test_the_change_counter_counts_commits_of_all_processes(tmp_path: Path) -> None:
    path = tmp_path / "hub.db"
    store = SqliteStore(path)
    other = connect(path)

    async def look() -> None:
        before = store.changes()
        await asyncio.sleep(0)
        assert store.changes() == before
        for write in (
            lambda: store.write(1, _insert, "here"),
            lambda: asyncio.to_thread(transact, other, _insert, "elsewhere"),
        ):
            await write()
            changed = store.changes()
            assert changed != before
            before = changed

    asyncio.run(look())
    other.close()
    store.close()


def test_reads_of_one_turn_see_one_snapshot_and_the_next_turn_sees_all(tmp_path: Path) -> None:
    path = tmp_path / "hub.db"
    store = SqliteStore(path)
    other = connect(path)

    def names(db: Connection) -> set[str]:
        return {row[0] for row in db.execute("SELECT name FROM meta WHERE name <> 'schema'")}

    async def look() -> None:
        assert await store.read(names) == set()
        before = store.changes()
        transact(other, _insert, "meanwhile")
        assert await store.read(names) == set()
        assert store.changes() == before
        await asyncio.sleep(0)
        assert await store.read(names) == {"meanwhile"}
        assert await store.write(1, _insert, "after") == "after"
        assert await store.read(names) == {"meanwhile", "after"}

    async def end_in_the_middle_of_a_turn() -> None:
        assert len(await store.read(names)) == 2

    asyncio.run(look())
    loop = asyncio.new_event_loop()
    loop.run_until_complete(end_in_the_middle_of_a_turn())
    loop.close()
    transact(other, _insert, "last")
    assert asyncio.run(store.read(names)) == {"meanwhile", "after", "last"}
    # Nothing is left open that would keep the write-ahead log from being folded in.
    assert other.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0] == 0
    other.close()
    store.close()


def test_an_unwritable_database_is_reported_and_nothing_is_lost(tmp_path: Path) -> None:
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


def test_commits_are_flushed_to_disk(tmp_path: Path) -> None:
    store = SqliteStore(tmp_path / "hub.db")
    assert store._writer.execute("PRAGMA synchronous").fetchone() == (2,)
    assert store._writer.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    store.close()


def test_a_file_that_is_not_a_database_is_refused_with_a_message(tmp_path: Path) -> None:
    path = tmp_path / "hub.db"
    path.write_text("this is a letter, not a database " * 100)
    with pytest.raises(ConfigurationError) as caught:
        SqliteStore(path)
    assert str(caught.value) == (
        f"{path} can't be opened as the hub's database: file is not a database."
    )
