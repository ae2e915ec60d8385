"""File events: SQLite in both journal modes, folders, and replaced files."""

from __future__ import annotations

import asyncio
import itertools
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from watching import Hints, subject, watching

from headrace.hints import files
from headrace.hints.file_events import FileEvents
from headrace.hints.files import FilesWay
from headrace.hints.following import Following
from headrace.hints.way import Subject
from headrace.model.clock import SYSTEM_CLOCK


def follow(one: Subject, *changes: Callable[[], None], quiet: Callable[[], None]) -> None:
    """Each change is heard, and what is `quiet` is not."""

    async def run() -> None:
        events = FileEvents()
        running = asyncio.create_task(events.run())
        way = FilesWay(one, SYSTEM_CLOCK, events)
        assert await way.objection() == ""
        async with watching(way) as hints:
            for change in changes:
                before = hints.count
                change()
                await hints.more_than(before)
            before = hints.count
            quiet()
            changes[0]()
            await hints.more_than(before)
            assert hints.count == before + 1
        running.cancel()

    asyncio.run(run())


@pytest.mark.parametrize("mode", ["delete", "wal"])
def test_each_commit_to_a_sqlite_file_is_heard_and_reading_is_not(
    tmp_path: Path, mode: str
) -> None:
    path = tmp_path / "billing.db"
    with closing(sqlite3.connect(path, isolation_level=None, check_same_thread=False)) as database:
        database.execute(f"pragma journal_mode = {mode}")
        database.execute("create table clients (id integer primary key, name text)")

        def write() -> None:
            database.execute("insert into clients (name) values ('x')")

        def read() -> None:
            with closing(sqlite3.connect(path)) as other:
                other.execute("select count(*) from clients").fetchall()

        one = subject(tmp_path, kind="sql", url="sqlite:///billing.db")
        follow(one, write, write, quiet=read)


def test_changed_new_and_replaced_files_of_a_folder_are_heard(tmp_path: Path) -> None:
    folder = tmp_path / "exports"
    folder.mkdir()
    file = folder / "clients.csv"
    file.write_text("id,name\n1,a\n")
    number = iter(range(2, 100))

    def more() -> None:
        with file.open("a") as opened:
            opened.write(f"{next(number)},b\n")

    def new() -> None:
        (folder / "more.csv").write_text("id\n1\n")

    def replaced() -> None:
        copy = tmp_path / "copy.csv"
        copy.write_text("id,name\n1,z\n")
        copy.replace(file)

    one = subject(tmp_path, kind="files", path="exports")
    follow(one, more, new, replaced, quiet=lambda: file.read_text() and None)


def test_many_organisations_share_one_watcher_and_may_come_later(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(files, "_LOOK_S", 1_000.0)

    async def run() -> None:
        events = FileEvents()
        running = asyncio.create_task(events.run())
        tasks, heard = [], []
        for number in range(3):
            folder = tmp_path / str(number)
            (folder / "exports").mkdir(parents=True)
            one = subject(folder, kind="files", path="exports")
            hints = Hints()
            heard.append(hints)
            following = Following(one, "auto", SYSTEM_CLOCK, events)
            tasks.append(asyncio.create_task(following.run(hints)))
            await hints.more_than(0)
        for number, hints in enumerate(heard):
            before = hints.count
            for size in itertools.count():  # until the watcher has begun
                (tmp_path / str(number) / "exports" / "x.csv").write_text("id\n" * size)
                await asyncio.sleep(0.02)
                if hints.count > before:
                    break
                assert size < 1_000, f"organisation {number} heard nothing"
        for task in (*tasks, running):
            task.cancel()

    asyncio.run(run())
