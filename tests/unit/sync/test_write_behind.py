"""Queued writes of a journal: committed before a request leaves, without blocking others."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import pytest

from headrace.sync.journal.write_behind import WriteBehind


class _Server:
    """A database that commits only when it may."""

    is_server = True

    def __init__(self) -> None:
        self.may_commit = threading.Event()
        self.committed: list[list[str]] = []
        self.broken = False
        self._open: list[str] = []

    @contextmanager
    def transaction(self) -> Iterator[None]:
        self._open = []
        yield
        assert self.may_commit.wait(10)
        if self.broken:
            raise OSError("gone")
        self.committed.append(list(self._open))

    def run(self, name: str, values: Sequence[Any] = ()) -> list[list[str]]:
        """Return what was committed when the statement ran."""
        seen = list(self.committed)
        self._open.append(name)
        return seen


@pytest.fixture
def server() -> _Server:
    return _Server()


@pytest.fixture
def writes(server: _Server) -> Any:
    return WriteBehind(server)  # type: ignore[arg-type]


def test_the_loop_goes_on_while_a_server_commits_and_one_commit_covers_many(
    server: _Server, writes: Any
) -> None:
    async def send(name: str) -> None:
        writes.later(name)
        await writes.flushed()
        assert any(name in batch for batch in server.committed)

    async def run() -> None:
        first = asyncio.create_task(send("a"))
        while not writes._flushing:
            await asyncio.sleep(0.001)
        others = [asyncio.create_task(send(name)) for name in "bcd"]
        await asyncio.sleep(0.01)
        assert server.committed == [] and not first.done()
        server.may_commit.set()
        await asyncio.gather(first, *others)

    asyncio.run(run())
    assert server.committed == [["a"], ["b", "c", "d"]]


def test_who_queued_nothing_waits_for_a_commit_under_way(server: _Server, writes: Any) -> None:
    async def run() -> None:
        writes.later("a")
        first = asyncio.create_task(writes.flushed())
        while writes._waiting or not writes._flushing:
            await asyncio.sleep(0.001)
        second = asyncio.create_task(writes.flushed())
        await asyncio.sleep(0.01)
        assert not second.done()
        server.may_commit.set()
        await asyncio.gather(first, second)

    asyncio.run(run())
    assert server.committed == [["a"]]


def test_a_failed_commit_fails_for_every_request_behind_it(server: _Server, writes: Any) -> None:
    server.broken = True
    server.may_commit.set()

    async def run() -> list[Any]:
        writes.later("a")
        writes.later("b")
        return await asyncio.gather(writes.flushed(), writes.flushed(), return_exceptions=True)

    assert [type(found) for found in asyncio.run(run())] == [OSError, OSError]
    with pytest.raises(OSError, match="gone"):
        asyncio.run(writes.flushed())


def test_a_read_sees_what_was_queued_and_waits_for_the_commit(server: _Server, writes: Any) -> None:
    writes.later("a")
    server.may_commit.set()
    assert writes.run("read") == [["a"]]
