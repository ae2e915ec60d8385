"""Sources that do not answer hold up nobody else, in `run` and in workers."""

from __future__ import annotations

import asyncio
import os
import threading
import unittest.mock
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest
from desk import HubDesk

from headrace.fleet import threads
from headrace.fleet.loop import Loop
from headrace.fleet.round import Round
from headrace.fleet.watch import WatchedProject
from headrace.fleet.workers import worker
from headrace.fleet.workers.places import Places
from headrace.model.clock import SYSTEM_CLOCK
from headrace.sources.programs.process import end_programs

_ORGANISATION = """
[organisation.{name}]
models = "models"

[organisation.{name}.target]
url = "env:HEADRACE_URL"
key = "env:HEADRACE_KEY"
secret = "env:HEADRACE_SECRET"

[organisation.{name}.source]
"""
_HANGS = 'kind = "singer"\n[organisation.{name}.source.options]\ncommand = ["{folder}/tap"]\n'


@pytest.fixture
def folder(
    tmp_path: Path, new_desk: Callable[[Path], HubDesk], monkeypatch: pytest.MonkeyPatch
) -> Iterator[Path]:
    """A project of two organisations whose taps hang, then one whose files are there."""
    monkeypatch.setattr(threads, "BLOCKED_S", 0.3)
    tap = tmp_path / "tap"
    tap.write_text("#!/bin/sh\nexec sleep 300\n")
    tap.chmod(0o700)
    (tmp_path / "models").mkdir()
    (tmp_path / "models" / "customers.sql").write_text("select id as external_id from customers")
    (tmp_path / "customers.csv").write_text("id\n1\n")
    text = "at_once = 1\n"
    for name in ("a", "b"):
        text += (_ORGANISATION + _HANGS).format(name=name, folder=tmp_path)
    text += _ORGANISATION.format(name="fine") + 'kind = "files"\npath = "."\n'
    (tmp_path / "headrace.toml").write_text(text, "utf-8")
    with unittest.mock.patch.dict(os.environ, new_desk(tmp_path).environment):
        yield tmp_path
    end_programs()


def test_a_loop_serves_the_others(folder: Path) -> None:
    ended: list[str] = []

    def report(round: Round) -> None:
        ended.append(round.organisation)
        end_programs()
        loop.stop()

    loop = Loop(WatchedProject(folder, print), None, SYSTEM_CLOCK, report)
    asyncio.run(asyncio.wait_for(loop.run(), 30))
    assert ended[0] == "fine"


def test_a_worker_serves_the_others(
    folder: Path, postgres_database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(worker, "_ALIVE_S", 0.3)
    with psycopg.connect(postgres_database) as connection:
        info = connection.info
        monkeypatch.setenv(
            "STATE", f"postgresql://{info.user}@{info.host}:{info.port}/{info.dbname}"
        )
    settings = folder / "headrace.toml"
    settings.write_text(f'state = "env:STATE"\n{settings.read_text("utf-8")}', "utf-8")
    ended: list[str] = []

    async def work() -> None:
        def report(round: Round) -> None:
            ended.append(round.organisation)
            end_programs()
            made.stop()

        made = worker.Worker(folder, 1, 5.0, SYSTEM_CLOCK, report, print)
        await asyncio.wait_for(made.run(), 45)

    asyncio.run(work())
    assert ended[0] == "fine"


def test_a_thread_that_computes_is_not_blocked_and_one_that_waits_is_replaced(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(threads, "BLOCKED_S", 0.2)
    monkeypatch.setattr(threads, "_THREADS", 2)
    pool = threads.Threads(SYSTEM_CLOCK)
    over = threading.Event()

    def compute() -> None:
        while not over.is_set():
            sum(range(1000))

    pool.submit(compute)
    pool.submit(over.wait)
    last = pool.submit(lambda: "has a thread")
    over.wait(0.4)
    assert not last.done()
    assert pool.blocked() == 1
    assert last.result(10) == "has a thread"
    over.set()
    pool.shutdown()
    assert pool.blocked() == 0


def test_places_follow_those_that_are_held_up() -> None:
    class Work:
        _job_semaphore = asyncio.Semaphore(1)

    async def follow() -> None:
        places, free = Places(Work()), Work._job_semaphore
        await free.acquire()
        await places.add(2)
        assert not free.locked()
        await free.acquire()
        await places.add(0)  # one is taken
        assert free.locked()
        free.release()
        await places.add(0)
        assert free.locked()
        free.release()
        assert not free.locked()

    asyncio.run(follow())
