"""The proxy's bars: each line is a figure with those behind it.

    python bench/proxied.py            quick: 1,500 requests each way, 50 deviations
    python bench/proxied.py --full     10,000 requests each way, 500 deviations

- latency: what `headrace proxy` adds to a request, a read and an upsert, with comparison and
  recording on, one request at a time and five; at most 5 ms at p99.
- deviations: a hub with one seeded deviation as the real server; all are found, nothing else is.
"""

from __future__ import annotations

import argparse
import http.client
import json
import statistics
import sys
import tempfile
import threading
import time
from pathlib import Path
from urllib.parse import urlsplit

from headrace.testkit.hub import hub_process, make_keys

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "proxy"))

from proxies import proxy_process
from test_deviations import found_of

ADDED_MOST_MS = 5.0


def _times(
    base: str, keys: dict[str, str], name: str, count: int, *, writes: bool, pause: float = 0.0
) -> list[float]:
    """Milliseconds of each request, over one connection."""
    parts = urlsplit(base)
    connection = http.client.HTTPConnection(parts.netloc)
    found = []
    for number in range(count):
        body = None
        path = f"{parts.path}/customers/external:bench"
        if writes:
            path = f"{parts.path}/customers"
            body = json.dumps({"externalId": f"{name}-{number}", "name": "Bench"})
        headers = {**keys, "Content-Type": "application/json"} if body else keys
        started = time.perf_counter()
        connection.request("POST" if writes else "GET", path, body, headers)
        answer = connection.getresponse()
        answer.read()
        found.append((time.perf_counter() - started) * 1000)
        assert answer.status in (200, 201), answer.status
        time.sleep(pause)
    connection.close()
    return found


PAUSE_S = 0.02
"""Between two requests of one of several clients: five of them send 20 times what Upflow admits."""


def _together(base: str, keys: dict[str, str], name: str, count: int, at_once: int) -> list[float]:
    found: list[float] = []

    def work(number: int) -> None:
        found.extend(
            _times(base, keys, f"{name}-{number}", count // at_once, writes=False, pause=PAUSE_S)
        )

    threads = [threading.Thread(target=work, args=(number,)) for number in range(at_once)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return found


def _at(times: list[float], share: float) -> float:
    return sorted(times)[min(len(times) - 1, int(len(times) * share))]


def _line(what: str, direct: list[float], proxied: list[float]) -> bool:
    added = _at(proxied, 0.99) - _at(direct, 0.99)
    print(
        f"{what}: adds {added:.2f} ms at p99 "
        f"({_at(direct, 0.99):.2f} direct, {_at(proxied, 0.99):.2f} through the proxy; median "
        f"{statistics.median(direct):.2f} and {statistics.median(proxied):.2f})"
    )
    return added <= ADDED_MOST_MS


def latency(folder: Path, count: int) -> bool:
    """Whether the proxy adds little enough."""
    options = ("--consent", "--record", str(folder / "kept.jsonl"))
    with hub_process(folder / "hub") as real, proxy_process(real.url, options) as proxy:
        pair = make_keys(folder / "hub", "bench")
        keys = {"X-Api-Key": pair.key, "X-Api-Secret": pair.secret}
        _times(real.url, keys, "warm", 50, writes=True)
        _times(proxy.url, keys, "warm-proxied", 50, writes=True)
        body = json.dumps({"externalId": "bench", "name": "Bench"})
        parts = urlsplit(proxy.url)
        connection = http.client.HTTPConnection(parts.netloc)
        connection.request("POST", f"{parts.path}/customers", body,
                           {**keys, "Content-Type": "application/json"})  # fmt: skip
        connection.getresponse().read()
        good = [
            _line(
                what,
                _times(real.url, keys, f"d-{what}", count, writes=writes),
                _times(proxy.url, keys, f"p-{what}", count, writes=writes),
            )
            for what, writes in (("read", False), ("upsert", True))
        ]
        many = [_together(base, keys, base, count, 5) for base in (real.url, proxy.url)]
        good.append(_line("read, five at a time", *many))
        _, out, err = proxy.stop()
    counted = [line for line in out.splitlines() if " compared, " in line]
    print(*counted, *err.splitlines(), sep="\n")
    return all(good)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--full", action="store_true")
    full = parser.parse_args().full
    with tempfile.TemporaryDirectory() as folder:
        good = latency(Path(folder), 10_000 if full else 1_500)
    seeds = range(500 if full else 50)
    missed, false = found_of(seeds)
    print(f"deviations: {len(seeds) - len(missed)} of {len(seeds)} found, {len(false)} false")
    if not good or missed or false:
        sys.exit(1)


if __name__ == "__main__":
    main()
