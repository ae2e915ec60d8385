"""The limits over several processes: workers of one hub, and hubs on one database."""

from __future__ import annotations

import asyncio
import contextlib
import http.client
import os
import random
import signal
import socket
import urllib.request
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import aiohttp
import psutil
import pytest
from hub_api import Api, customer
from typer.testing import CliRunner

from engines import database_of
from headrace.cli.keys import app
from headrace.server.admission.limits import Limits, RateRefusal
from headrace.server.admission.shared_gates import SharedGates, SharedMemory
from headrace.testkit.hub import HubProcess, hub_process, make_keys

# in memory --------------------------------------------------------------------------------------


@pytest.mark.parametrize("limit", [3, 600])
def test_all_workers_together_keep_the_rate_limit(limit: int) -> None:
    """Compares with a literal implementation, for arrivals at random times and workers."""
    rng = random.Random(limit)
    memory = SharedMemory(Limits(limit, None), 3)
    workers = [SharedGates(memory, number) for number in range(3)]
    now, accepted, refused = 1000.0, [], 0
    for _ in range(6_000):
        now += rng.choice([0.0, 0.0004, 0.05, 0.1, 0.3]) * (600 / limit) * rng.random() * 1.5
        in_window = sum(1 for moment in accepted[-limit - 9 :] if moment > now - 60.0)
        gates = rng.choice(workers)
        try:
            gates.enter(7, now)
        except RateRefusal:
            # Moments are rounded to milliseconds, so that a place may come two of them late.
            assert sum(1 for m in accepted[-limit - 9 :] if m > now - 60.002) >= limit
            refused += 1
        else:
            assert in_window < limit
            accepted.append(now)
            gates.leave(7)
    assert len(accepted) > 2 * limit
    assert refused > 100


def test_the_window_holds_more_requests_than_milliseconds() -> None:
    memory = SharedMemory(Limits(10_000_000, None), 1)
    gates = SharedGates(memory, 0)
    now = 5.0
    for _ in range(70_000):
        now += 0.001
        gates.enter(1, now)
        gates.leave(1)
    small = SharedMemory(Limits(2, None), 1)
    gates = SharedGates(small, 0)
    for moment in (10.0, 20.0):
        gates.enter(1, moment)
    with pytest.raises(RateRefusal) as caught:
        gates.enter(1, 69.5)
    assert dict(caught.value.headers)[b"retry-after"] == b"1"
    gates.enter(1, 70.001)


def test_a_dead_workers_requests_are_forgotten() -> None:
    memory = SharedMemory(Limits(600, 2), 2)
    one, other = SharedGates(memory, 0), SharedGates(memory, 1)
    assert one.enter(5, 1.0) == 1
    assert other.enter(5, 1.0) == 2
    with pytest.raises(RateRefusal) as caught:
        other.enter(5, 1.0)
    assert caught.value.in_flight == 3
    memory.renew(0)
    assert other.enter(5, 1.0) == 2
    again = SharedGates(memory, 0)
    with pytest.raises(RateRefusal):
        again.enter(5, 1.0)
    other.leave(5)
    assert again.enter(5, 1.0) == 2
    assert other.enter(6, 1.0) == 1, "another organisation has places of its own"


# over HTTP --------------------------------------------------------------------------------------


class Hubs:
    """The processes that serve one organisation: two workers, or two hubs."""

    def __init__(self, processes: list[HubProcess], headers: dict[str, str]) -> None:
        self.processes = processes
        self.headers = headers
        self.urls = [process.url for process in processes]

    def workers(self) -> list[psutil.Process]:
        """Return the processes that answer."""
        parents = [psutil.Process(process.pid) for process in self.processes]
        children = [child for parent in parents for child in parent.children()]
        return children or parents


KINDS = [
    "sqlite-workers",
    pytest.param("postgresql-workers", marks=pytest.mark.soak),
    "postgresql-hubs",
]


@contextlib.contextmanager
def _started(request: pytest.FixtureRequest, kind: str, folder: Path) -> Iterator[list[HubProcess]]:
    engine, _, what = kind.partition("-")
    with contextlib.ExitStack() as stack:
        database = database_of(request, engine, stack)
        options = ("--workers", "2") if what == "workers" else ()
        yield [
            stack.enter_context(
                hub_process(folder / f"{n}", "upflow", options=options, database=database)
            )
            for n in range(1 if what == "workers" else 2)
        ]


def _hubs(processes: list[HubProcess], organisation: str) -> Hubs:
    pair = make_keys(processes[0].place, organisation)
    return Hubs(processes, {"X-Api-Key": pair.key, "X-Api-Secret": pair.secret})


@pytest.fixture(scope="module", params=KINDS)
def processes(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[list[HubProcess]]:
    with _started(request, request.param, tmp_path_factory.mktemp("hubs")) as processes:
        yield processes


@pytest.fixture
def hubs(request: pytest.FixtureRequest, processes: list[HubProcess]) -> Hubs:
    """An organisation of its own for each test."""
    return _hubs(processes, str(request.function.__name__))


@pytest.fixture(params=KINDS)
def mortal_hubs(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Hubs]:
    """Processes that the test may kill."""
    with _started(request, request.param, tmp_path) as processes:
        yield _hubs(processes, "acme")


async def _statuses(hubs: Hubs, count: int, at_a_time: int) -> Counter[int]:
    """Send GETs over new connections, spread over all hubs."""
    found: Counter[int] = Counter()
    left = iter(range(count))

    async def client(url: str) -> None:
        # A connection each: the kernel spreads them over the workers.
        connector = aiohttp.TCPConnector(force_close=True)
        async with aiohttp.ClientSession(headers=hubs.headers, connector=connector) as session:
            for _ in left:
                async with session.get(f"{url}/customers/external:x") as response:
                    await response.read()
                    found[response.status] += 1

    await asyncio.gather(*(client(hubs.urls[n % len(hubs.urls)]) for n in range(at_a_time)))
    return found


def test_600_requests_pass_and_no_more(hubs: Hubs) -> None:
    """Send at most nine at a time, so that only the rate limit refuses."""
    found = asyncio.run(_statuses(hubs, 640, 9))
    assert found == {404: 600, 429: 40}


class Held:
    """A request without its body, which stays in flight until `finish` sends it."""

    def __init__(self, url: str, headers: dict[str, str]) -> None:
        parts = urlsplit(url)
        self._socket = socket.create_connection((str(parts.hostname), parts.port or 80), timeout=10)
        lines = [f"POST {parts.path}/customers HTTP/1.1", "Host: hub", "Content-Length: 40"]
        lines += [f"{name}: {value}" for name, value in headers.items()]
        self._socket.sendall("\r\n".join(lines).encode() + b"\r\n\r\n")

    def finish(self) -> int:
        """Send the body; returns the status."""
        with contextlib.suppress(OSError):  # a refused request is not read to its end
            self._socket.sendall(b'{"externalId":"C","name":"C"}'.ljust(40))
        # To its end: only then may the next request come.
        answer = http.client.HTTPResponse(self._socket)
        answer.begin()
        answer.read()
        self._socket.close()
        return answer.status

    def peek(self, wait: float) -> int:
        """Return the status if it was received in time, -1 if the hub is gone, else 0."""
        self._socket.settimeout(wait)
        try:
            answer = self._socket.recv(65536)
            return int(answer[9:12]) if answer else -1
        except TimeoutError:
            return 0
        except ConnectionResetError:
            return -1
        finally:
            self._socket.settimeout(10)


def _fill(hubs: Hubs) -> list[Held]:
    """Start ten requests that stay in flight, over all processes."""
    held = [Held(hubs.urls[n % len(hubs.urls)], hubs.headers) for n in range(10)]
    assert [one.peek(0.05) for one in held] == [0] * 10
    return held


def test_ten_requests_are_in_flight_and_the_eleventh_is_refused(hubs: Hubs) -> None:
    held = _fill(hubs)
    for url in hubs.urls * 3:
        assert Held(url, hubs.headers).peek(5) == 429
    assert held.pop().finish() == 201
    for turn in range(20):
        # As soon as one is answered the next may come, wherever it comes to.
        one = Held(hubs.urls[turn % len(hubs.urls)], hubs.headers)
        assert one.peek(0.02) == 0
        held.append(one)
        assert held.pop(0).finish() == 200
    assert [one.finish() for one in held] == [200] * 9


def test_requests_in_flight_at_a_kill_no_longer_count(mortal_hubs: Hubs) -> None:
    hubs = mortal_hubs
    held = _fill(hubs)
    for victim in hubs.workers():
        os.kill(victim.pid, signal.SIGKILL)
        victim.wait(10)  # then its connections are closed, however busy the machine is
        alive = [one for one in held if one.peek(0.3) == 0]
        alive = held[1::2] if len(hubs.processes) > 1 else alive
        if len(alive) < 10:  # on a busy machine one worker may have taken all of them
            break
    assert len(alive) < 10, "none was at a killed process"
    url = hubs.urls[-1]
    for _ in range(20):  # a new worker takes over connections that wait for the killed one
        with urllib.request.urlopen(f"{url.removesuffix('/v1')}/healthz", timeout=20) as answer:
            assert answer.status == 200
    fresh = []
    for _ in range(10 - len(alive)):
        one = Held(url, hubs.headers)
        assert one.peek(0.05) == 0
        fresh.append(one)
    assert Held(url, hubs.headers).peek(5) == 429
    assert {one.finish() for one in [*alive, *fresh]} <= {200, 201}


def test_keys_are_honoured_and_revoked_at_once_everywhere(hubs: Hubs) -> None:
    place = hubs.processes[0].place
    for turn in range(3):
        pair = make_keys(place, f"other-{turn}")
        apis = [
            Api(hubs.urls[n % len(hubs.urls)], pair.key, pair.secret, "other") for n in range(6)
        ]
        for api in apis:
            assert api.get("/customers")["total"] == 0
        options = ["--database", place.url] if place.url else ["--data", str(place.folder)]
        CliRunner().invoke(app, ["revoke", pair.key, *options], catch_exceptions=False)
        for api in apis:
            api.refused("GET", "/customers", status=401)
            api.close()


def test_every_process_sees_the_writes_of_all(hubs: Hubs) -> None:
    apis = [Api(hubs.urls[n % len(hubs.urls)], *hubs.headers.values(), "acme") for n in range(8)]
    for turn in range(10):
        writer, *others = random.Random(turn).sample(apis, 8)
        writer.post("/customers", customer(f"C{turn}"))
        for other in others[:3]:
            assert other.get(f"/customers/external:C{turn}")["name"] == f"Customer C{turn}"
            assert other.get("/customers")["total"] == turn + 1
    for api in apis:
        api.close()
