"""How an answer leaves: its head and body as one, in order, and before the connection closes."""

from __future__ import annotations

import asyncio
from typing import Any

from headrace.server.process.joined_writes import JoinedWrites


class Wire:
    """A transport that remembers."""

    def __init__(self) -> None:
        self.seen: list[bytes | str] = []

    def write(self, data: bytes) -> None:
        self.seen.append(data)

    def close(self) -> None:
        self.seen.append("closed")

    def get_extra_info(self, name: str) -> str:
        return f"the {name}"


def test_writes_of_a_turn_are_one_and_close_leaves_none_behind() -> None:
    wire: Any = Wire()

    async def answer() -> None:
        joined = JoinedWrites(wire)
        joined.write(b"head ")
        joined.write(b"body")
        assert wire.seen == []
        await asyncio.sleep(0)
        assert wire.seen == [b"head body"]
        joined.write(b"more")
        joined.close()
        await asyncio.sleep(0)
        assert wire.seen == [b"head body", b"more", "closed"]
        assert joined.get_extra_info("socket") == "the socket"

    asyncio.run(answer())


def test_what_is_large_does_not_wait() -> None:
    wire: Any = Wire()

    async def stream() -> None:
        joined = JoinedWrites(wire)
        for _ in range(5):
            joined.write(b"x" * 30_000)
        assert [len(data) for data in wire.seen] == [90_000]
        await asyncio.sleep(0)
        assert [len(data) for data in wire.seen] == [90_000, 60_000]

    asyncio.run(stream())
