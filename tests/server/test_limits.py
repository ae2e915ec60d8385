"""The limits: an exact window per organisation, in which refused requests do not count."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Iterator

import aiohttp
import pytest
from hub_api import Api, customer

from headrace.model.errors import ConfigurationError
from headrace.server.admission import load
from headrace.server.admission.limits import OFF, UPFLOW, Gate, Limits, RateRefusal, parse_limits
from headrace.testkit.hub import RunningHub, hub


@pytest.fixture(scope="module")
def limited() -> Iterator[RunningHub]:
    with hub(limits="upflow") as running:
        yield running


def test_limits_are_parsed() -> None:
    assert parse_limits("upflow") == UPFLOW == Limits(600, 10)
    assert parse_limits("off") == OFF
    assert parse_limits("6000") == Limits(6000, 10)
    for text in ("", "0", "-1", "1.5", "no", "²"):
        with pytest.raises(ConfigurationError):
            parse_limits(text)


def test_no_window_of_60_seconds_holds_more_than_600() -> None:
    """Compares with a literal implementation of the rule, for arrivals at random times."""
    rng = random.Random(7)
    gate = Gate(Limits(600, None))
    now, accepted, refused = 1000.0, [], 0
    for _ in range(8_000):
        now += rng.choice([0.0, 0.001, 0.05, 0.1, 0.3])
        in_window = sum(1 for moment in accepted[-700:] if moment > now - 60.0)
        try:
            gate.enter(now)
        except RateRefusal:
            refused += 1
            assert in_window == 600
        else:
            accepted.append(now)
            assert in_window < 600
            gate.leave()
    assert refused > 100
    assert len(accepted) > 3_000


def test_the_slot_is_free_after_exactly_60_seconds() -> None:
    gate = Gate(Limits(2, None))
    gate.enter(10.0)
    gate.enter(20.0)
    with pytest.raises(RateRefusal) as caught:
        gate.enter(69.5)
    assert dict(caught.value.headers) == {
        b"retry-after": b"1",
        b"x-ratelimit-limit": b"2",
        b"x-ratelimit-remaining": b"0",
        b"x-ratelimit-reset": b"1",
    }
    gate.enter(70.0)
    with pytest.raises(RateRefusal) as caught:
        gate.enter(70.0)
    assert dict(caught.value.headers)[b"retry-after"] == b"10"


def test_a_finished_request_makes_room_for_the_next() -> None:
    gate = Gate(Limits(None, 2))
    gate.enter(0.0)
    gate.enter(0.0)
    with pytest.raises(RateRefusal):
        gate.enter(0.0)
    gate.leave()
    gate.enter(0.0)


def test_600_requests_pass_and_the_601st_gets_a_retry_after(limited: RunningHub) -> None:
    pair = limited.add_organisation("rate")
    api = Api(limited.url, pair.key, pair.secret, "rate")
    start = time.monotonic()
    for _ in range(599):
        assert api.call("GET", "/customers/external:x").status == 404, "an error counts as well"
    assert api.call("POST", "/customers", customer("C")).status == 201
    assert time.monotonic() - start < 55, "too slow a machine for this test to say anything"
    for _ in range(3):
        answer = api.call("POST", "/customers", customer("D"))
        assert answer.status == 429
        wait = int(answer.headers["retry-after"])
        assert 1 <= wait <= 60
        assert answer.headers["x-ratelimit-limit"] == "600"
        assert answer.headers["x-ratelimit-remaining"] == "0"
        assert answer.headers["x-ratelimit-reset"] == str(wait)
        plural = "" if wait == 1 else "s"
        assert answer.body == {
            "statusCode": 429,
            "error": "Too Many Requests",
            "message": f"More than 600 requests in 60 seconds: wait {wait} second{plural}, then "
            "send it again.",
            "details": [],
        }
    other = limited.add_organisation("unhurried")
    free = Api(limited.url, other.key, other.secret, "unhurried")
    assert free.call("GET", "/customers").status == 200, "each organisation has its own limits"
    refused = [entry for entry in limited.requests() if entry.status == 429]
    assert [entry.organisation for entry in refused] == ["rate"] * 3
    for client in (api, free):
        client.close()


def test_an_eleventh_request_at_a_time_is_refused() -> None:
    async def burst(url: str, headers: dict[str, str]) -> list[int]:
        async with aiohttp.ClientSession(
            headers=headers, connector=aiohttp.TCPConnector(limit=0)
        ) as session:

            async def one() -> int:
                async with session.get(f"{url}/customers") as response:
                    await response.read()
                    return response.status

            return await asyncio.gather(*(one() for _ in range(14)))

    with hub(limits="upflow", latency=0.5) as running:
        statuses = asyncio.run(burst(running.url, running.headers))
        assert sorted(statuses) == [200] * 10 + [429] * 4
        accepted = [entry for entry in running.requests() if entry.status == 200]
        assert max(entry.in_flight for entry in accepted) == 10
        assert sorted(asyncio.run(burst(running.url, running.headers)))[:10] == [200] * 10


def test_an_overloaded_hub_says_when_to_come_again(monkeypatch: pytest.MonkeyPatch) -> None:
    with hub(limits="off") as running:
        api = Api(running.url, running.key, running.secret, "test")
        assert api.call("GET", "/customers").status == 200
        with monkeypatch.context() as overload:
            overload.setattr(load.Load, "enter", lambda self, organisation: False)
            answer = api.call("POST", "/customers", {"externalId": "C", "name": "C"})
            assert (answer.status, answer.headers["retry-after"]) == (503, "1")
            assert answer.body["message"] == (
                "The hub is overloaded: send the request again later."
            )
        assert api.get("/customers")["total"] == 0, "nothing of it was carried out"
        api.close()
