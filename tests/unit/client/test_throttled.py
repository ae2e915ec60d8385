"""A server that asks to wait: reads keep to the same bound as a delivery."""

from __future__ import annotations

import pytest

from headrace.client.answer import Answer
from headrace.client.endpoints import Reader
from headrace.client.pace import Pace
from headrace.client.retry import THROTTLED_MAX
from headrace.model.errors import Unreachable
from virtual_time import VirtualClock


class _Busy:
    """Answers 429 with this header, so many times."""

    def __init__(self, seconds: str, times: int) -> None:
        self.left = times
        self.seconds = seconds

    async def send(self, method: str, path: str, body: bytes | None = None) -> Answer:
        """One answer."""
        self.left -= 1
        if self.left < 0:
            return Answer(200, {"content-type": "application/json"}, b'{"id": "1"}')
        return Answer(429, {"retry-after": self.seconds}, b"")


def _read(seconds: str, times: int) -> tuple[float, int]:
    """(seconds until it is read, requests)."""
    clock = VirtualClock()
    began = clock.monotonic()
    server = _Busy(seconds, times)
    reader = Reader(server, Pace(600, 5, clock), clock, lambda: None)  # type: ignore[arg-type]

    async def read() -> None:
        await reader.get("/customers")

    clock.run(read())
    return clock.monotonic() - began, times + 1 if server.left < 0 else times - server.left


@pytest.mark.parametrize(("seconds", "times"), [("2", 1), ("60", 4)])
def test_a_read_waits_as_long_as_it_is_asked_to(seconds: str, times: int) -> None:
    waited, requests = _read(seconds, times)
    assert waited >= float(seconds) * times
    assert requests == times + 1


@pytest.mark.parametrize(("seconds", "times"), [("3600", 1), ("301", 9), ("110", 9)])
def test_a_read_gives_up_what_asks_for_too_much(seconds: str, times: int) -> None:
    clock = VirtualClock()
    began = clock.monotonic()
    server = _Busy(seconds, times)
    reader = Reader(server, Pace(600, 5, clock), clock, lambda: None)  # type: ignore[arg-type]

    async def read() -> None:
        with pytest.raises(Unreachable, match=f"status 429: it asks to wait {seconds} s more"):
            await reader.get("/customers")

    clock.run(read())
    assert clock.monotonic() - began <= THROTTLED_MAX
