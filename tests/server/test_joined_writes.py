"""How an answer is written: head and body together, in order, before the connection closes."""

from __future__ import annotations

import asyncio
from typing import Any

from headrace.server.process.joined_writes import JoinedWrites


class Wire:
    """A transport that records its writes."""

    def __init__(self) -> None:
        self.seen: list[bytes | str] = []

    def write(self, data: bytes) -> None:
        self.seen.append(data)

    def close(self) -> None:
        self.seen.append("closed")

    def get_extra_info(self, name: str) -> str:
        return f"the {name}"


def test_writes_of_one_turn_are_joined_and_close_sends_the_rest() -> None:
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


def test_a_large_write_is_sent_at_once() -> None:
    wire: Any = Wire()

    async def stream() -> None:
        joined = JoinedWrites(wire)
        for _ in range(5):
            joined.write(b"x" * 30_000)
        assert [len(data) for data in wire.seen] == [90_000]
        await asyncio.sleep(0)
        assert [len(data) for data in wire.seen] == [90_000, 60_000]

    asyncio.run(stream())
