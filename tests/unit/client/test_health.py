"""The probes of the API: what they send, and what they make of its answers."""

from __future__ import annotations

import asyncio

import pytest

from headrace.client.answer import Answer
from headrace.client.breaker import Breaker
from headrace.client.health import Health
from headrace.client.pace import Pace
from headrace.model.errors import ApiError, NotTheApi, Unauthorised, Unreachable
from virtual_time import VirtualClock

JSON = {"content-type": "application/json"}
LIST = Answer(200, JSON, b'{"customers": [], "total": 0}')


class Asked:
    """An API that gives one reply to everything, with the parts that a probe needs."""

    def __init__(self, reply: Answer | ApiError) -> None:
        self.clock = VirtualClock()
        self.pace = Pace(600, 5, self.clock)
        self.breaker = Breaker(self.clock, 2, 60.0)
        self.requests: list[tuple[str, str]] = []
        self.in_flight: list[int] = []
        self.answered = 0
        self.reply = reply
        self.health = Health(self, self.pace, self.breaker, self._answered)  # type: ignore[arg-type]

    def _answered(self) -> None:
        self.answered += 1

    async def send(self, method: str, path: str, body: bytes | None = None) -> Answer:
        self.requests.append((method, path))
        self.in_flight.append(self.pace.in_flight)
        await self.clock.sleep(1)
        if isinstance(self.reply, ApiError):
            raise self.reply
        return self.reply

    def look(self) -> ApiError | None:
        return self.clock.run(self.health.probe())

    def may_write(self) -> ApiError | None:
        return self.clock.run(self.health.may_write())


def test_a_probe_is_a_short_list_at_the_pace_of_the_delivery() -> None:
    asked = Asked(LIST)
    assert asked.look() is None
    assert asked.requests == [("GET", "/customers?limit=1")]
    assert asked.in_flight == [1]
    assert (asked.pace.in_flight, asked.pace.used(), asked.answered) == (0, 1, 1)


def test_an_answered_probe_finds_the_api_alive() -> None:
    for reply in (LIST, Answer(429, JSON, b"{}")):
        asked = Asked(reply)
        asked.breaker.failed(1)
        asked.breaker.probe_failed()
        assert asked.look() is None
        assert not asked.breaker.is_down


def test_a_probe_without_an_answer_finds_it_down() -> None:
    asked = Asked(Unreachable("the connection broke"))
    assert str(asked.look()) == "the connection broke"
    assert asked.breaker.is_down
    assert (asked.pace.in_flight, asked.pace.used(), asked.answered) == (0, 1, 1)


@pytest.mark.parametrize(
    ("reply", "kind"),
    [
        (Answer(503, JSON, b'{"message": "no"}'), Unreachable),
        (Answer(401, JSON, b'{"message": "no"}'), Unauthorised),
        (Answer(200, JSON, b"[]"), NotTheApi),
    ],
)
def test_a_probe_that_is_refused_finds_it_down_and_says_why(
    reply: Answer, kind: type[ApiError]
) -> None:
    asked = Asked(reply)
    assert isinstance(asked.look(), kind)
    assert asked.breaker.is_down


def test_probes_at_the_same_time_are_one_request() -> None:
    asked = Asked(LIST)

    async def both() -> None:
        assert await asyncio.gather(asked.health.probe(), asked.health.probe()) == [None, None]
        assert await asked.health.probe() is None

    asked.clock.run(both())
    assert asked.requests == [("GET", "/customers?limit=1")] * 2


def test_whoever_stops_waiting_leaves_the_probe_to_the_others() -> None:
    asked = Asked(LIST)

    async def run() -> None:
        first = asyncio.ensure_future(asked.health.probe())
        second = asyncio.ensure_future(asked.health.probe())
        await asked.clock.sleep(0.5)
        first.cancel()
        assert await second is None

    asked.clock.run(run())
    assert len(asked.requests) == 1


def test_whether_the_key_may_write_is_asked_with_a_deletion_of_nobody() -> None:
    asked = Asked(Answer(404, JSON, b'{"message": "not found"}'))
    assert asked.may_write() is None
    ((method, path),) = asked.requests
    assert method == "DELETE"
    assert path.startswith("/customers/external:headrace-nobody-")


@pytest.mark.parametrize("status", [401, 403])
def test_a_key_that_may_only_read_is_told(status: int) -> None:
    error = Asked(Answer(status, JSON, b'{"message": "read only"}')).may_write()
    assert isinstance(error, Unauthorised)
    assert str(error) == f"status {status}: read only; it may read, but not write"


@pytest.mark.parametrize(
    "reply", [Unreachable("the connection broke"), Answer(503, JSON, b"{}"), LIST]
)
def test_anything_else_says_nothing_about_the_key(reply: Answer | ApiError) -> None:
    assert Asked(reply).may_write() is None
