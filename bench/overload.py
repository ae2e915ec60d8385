"""The hub beyond its capacity, and beside a greedy neighbour.

    python bench/overload.py           10 s of overload
    python bench/overload.py --full    60 s

- overload: three times as many upserts a second as 16 clients get answered, of twenty
  organisations. Accepted ones are answered within 1 s at p99, memory stays flat, and 2 s later a
  request takes what it took before.
- neighbour: a quiet organisation's requests, alone and while another one sends as much as it can
  and leaves large lists unread. Its p99 at most doubles.
"""

from __future__ import annotations

import argparse
import asyncio
import multiprocessing
import socket
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec
import psutil
import uvloop
from msgspec import Struct

from headrace.testkit.hub import HubProcess, hub_process, make_keys

sys.path.insert(0, str(Path(__file__).parent))

import load

ORGANISATIONS = 20
CLIENTS = 16
FACTOR = 3
CONNECTIONS = 800
"""Of the overload. A request that finds all of them busy is counted as unsent."""
ACCEPTED_MAX_MS = 1000
MEMORY_MAX = 1.25
NEIGHBOUR_MAX = 2.0
QUIET_PAUSE_S = 0.02
UNREAD = 4


class Flood(Struct):
    """What came of a flood: milliseconds by status, and requests that could not even be sent."""

    times: dict[int, list[float]]
    unsent: int

    def percentile(self, status: int, share: float) -> float:
        found = sorted(self.times.get(status, [0.0]))
        return found[min(int(len(found) * share), len(found) - 1)]


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--full", action="store_true", help="60 s of overload")
    seconds = 60.0 if parser.parse_args().full else 10.0
    with tempfile.TemporaryDirectory(prefix="bench-overload-") as folder:
        with hub_process(Path(folder) / "overload", "off") as hub:
            bench_overload(hub, seconds)
        with hub_process(Path(folder) / "neighbour", "100000000") as hub:
            bench_neighbour(hub, seconds / 2)


def heads_of(hub: HubProcess, count: int) -> list[dict[str, str]]:
    pairs = [make_keys(hub.place, f"org-{n}") for n in range(count)]
    heads = [{"X-Api-Key": pair.key, "X-Api-Secret": pair.secret} for pair in pairs]
    load.run(hub.origin, [[customer(head, 0)] for head in heads])
    return heads


def customer(head: dict[str, str], number: int, size: int = 100) -> bytes:
    body = {
        "externalId": f"C{number}",
        "name": f"Customer {number}",
        "address": {"city": "x" * size},
    }
    return load.request("POST", "/v1/customers", head, msgspec.json.encode(body))


def bench_overload(hub: HubProcess, seconds: float) -> None:
    heads = heads_of(hub, ORGANISATIONS)

    def normally() -> load.Result:
        return load.run(
            hub.origin,
            [[customer(heads[c], n % 50) for n in range(300)] for c in range(CLIENTS)],
        )

    normally()
    before = normally()
    requests = [customer(head, n) for n in range(50) for head in heads]
    process = psutil.Process(hub.pid)
    flooded(hub.origin, requests, before.rate, 2.0)
    memory = process.memory_info().rss
    flood = flooded(hub.origin, requests, FACTOR * before.rate, seconds)
    grown = process.memory_info().rss / memory
    time.sleep(2.0)
    after = normally()
    accepted = len(flood.times.get(200, []))
    print(
        f"overload: accepted requests p99 {flood.percentile(200, 0.99):,.0f} ms "
        f"(bar: {ACCEPTED_MAX_MS}), p50 {flood.percentile(200, 0.5):,.0f} ms; "
        f"{accepted / seconds:,.0f} a second accepted of {FACTOR * before.rate:,.0f}, "
        f"{len(flood.times.get(503, [])) / seconds:,.0f} refused within "
        f"{flood.percentile(503, 0.99):,.0f} ms at p99, {flood.unsent / seconds:,.0f} found no "
        "connection"
    )
    print(f"memory under overload: {grown:.2f} x (bar: {MEMORY_MAX})")
    ratio = after.percentile(0.5) / before.percentile(0.5)
    print(
        f"2 s after overload: {ratio:.2f} x (bar: 1.5) = p50 {after.percentile(0.5):.1f} / "
        f"{before.percentile(0.5):.1f} ms"
    )
    others = {
        status: len(times) for status, times in flood.times.items() if status not in (200, 503)
    }
    if others:
        sys.exit(f"answers that are neither: {others}")


def bench_neighbour(hub: HubProcess, seconds: float) -> None:
    quiet, greedy = heads_of(hub, 2)
    load.run(hub.origin, [[customer(greedy, n, 5_000_000) for n in range(6)]])
    requests = [customer(quiet, 0), load.request("GET", "/v1/customers/external:C0", quiet)]
    alone = paced(hub.origin, requests, seconds)
    with crowding(hub.origin, greedy):
        beside = paced(hub.origin, requests, seconds)
    ratio = percentile(beside, 0.99) / percentile(alone, 0.99)
    print(
        f"next to a greedy neighbour: p99 {ratio:.1f} x (bar: {NEIGHBOUR_MAX}) = "
        f"{percentile(beside, 0.99):.1f} / {percentile(alone, 0.99):.1f} ms, "
        f"p50 {percentile(beside, 0.5):.1f} / {percentile(alone, 0.5):.1f} ms"
    )


def percentile(times: list[float], share: float) -> float:
    return sorted(times)[int(len(times) * share)]


def paced(origin: str, requests: list[bytes], seconds: float) -> list[float]:
    """Milliseconds of single requests, one after the other with pauses."""
    host, _, port = origin.removeprefix("http://").partition(":")
    times = []
    with socket.create_connection((host, int(port)), timeout=60) as connection:
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            for request in requests:
                begun = time.perf_counter()
                connection.sendall(request)
                answer = b""
                while not whole(answer):
                    answer += connection.recv(1 << 16)
                times.append(1000 * (time.perf_counter() - begun))
                time.sleep(QUIET_PAUSE_S)
    return times


def whole(answer: bytes) -> bool:
    head, end, body = answer.lower().partition(b"\r\n\r\n")
    size = int(head.partition(b"content-length: ")[2].partition(b"\r\n")[0] or 0) if end else 0
    return bool(end) and len(body) >= size


@contextmanager
def crowding(origin: str, head: dict[str, str]) -> Iterator[None]:
    """One organisation sends what it can over 16 connections, and leaves large lists unread."""
    host, _, port = origin.removeprefix("http://").partition(":")
    unread = []
    for _ in range(UNREAD):
        one = socket.create_connection((host, int(port)))
        one.sendall(load.request("GET", "/v1/customers?limit=6", head))
        unread.append(one)
    queues = [[customer(head, 100 + n) for n in range(20)] * 1000 for _ in range(CLIENTS)]
    crowd = multiprocessing.get_context("spawn").Process(
        target=load.run_here, args=(origin, queues), daemon=True
    )
    crowd.start()
    time.sleep(3.0)
    try:
        yield
    finally:
        if not crowd.is_alive():
            sys.exit("the greedy neighbour ended too early")
        crowd.kill()
        crowd.join()
        for one in unread:
            one.close()


def flooded(origin: str, requests: list[bytes], rate: float, seconds: float) -> Flood:
    """Send that many requests a second, whether or not earlier ones are answered."""
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        return pool.apply(flooded_here, (origin, requests, rate, seconds))


def flooded_here(origin: str, requests: list[bytes], rate: float, seconds: float) -> Flood:
    """As `flooded`, in this process."""
    host, _, port = origin.removeprefix("http://").partition(":")
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(_flood(host, int(port), requests, rate, seconds))


async def _flood(host: str, port: int, requests: list[bytes], rate: float, seconds: float) -> Flood:
    loop = asyncio.get_running_loop()
    idle: list[_Connection] = []
    times: dict[int, list[float]] = {}
    for _ in range(CONNECTIONS):
        _, made = await loop.create_connection(lambda: _Connection(idle.append, times), host, port)
        idle.append(made)
    counts: Counter[str] = Counter()
    begun = loop.time()
    sent = 0
    while (now := loop.time() - begun) < seconds:
        while sent < now * rate:
            if idle:
                idle.pop().send(requests[sent % len(requests)])
            else:
                counts["unsent"] += 1
            sent += 1
        await asyncio.sleep(0.001)
    for _ in range(100):
        if len(idle) == CONNECTIONS:
            break
        await asyncio.sleep(0.1)
    return Flood(times, counts["unsent"])


class _Connection(asyncio.Protocol):
    def __init__(
        self, release: Callable[[_Connection], None], times: dict[int, list[float]]
    ) -> None:
        self._release = release
        self._times = times
        self._answer = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport: asyncio.Transport = transport  # type: ignore[assignment]

    def send(self, request: bytes) -> None:
        self._begun = time.perf_counter()
        self._transport.write(request)

    def data_received(self, data: bytes) -> None:
        self._answer += data
        if whole(self._answer):
            status = int(self._answer[9:12])
            spent = 1000 * (time.perf_counter() - self._begun)
            self._times.setdefault(status, []).append(spent)
            self._answer = b""
            self._release(self)


if __name__ == "__main__":
    main()
