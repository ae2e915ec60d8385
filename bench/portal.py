"""The portal's bars: each line is a ratio with both figures behind it.

    python bench/portal.py            quick: among 60,000 documents
    python bench/portal.py --full     among 1,000,000 documents

One reader, one page after the other, from the request to the whole answer, and the CPU of the hub
for one, which other work on the machine hardly changes. The pages of a family of 20 documents, at
most 100 ms; those of a customer with 10,000 open invoices, at most 300 ms and 300 kB with style
sheets and scripts.
"""

from __future__ import annotations

import argparse
import json
import re
import statistics
import sys
import tempfile
import time
import urllib.request
from pathlib import Path
from urllib.parse import urljoin

sys.path.insert(0, str(Path(__file__).parent))

import psutil

import hub as hub_bench
from headrace.testkit.hub import HubProcess, hub_process, make_keys

ORGANISATION = "bench"
TIMES = 60
MANY = 10_000
PAGE_MAX_MS = 100.0
MANY_MAX_MS = 300.0
MANY_MAX_BYTES = 300_000
PERIOD = "from=2015-01-01&to=2030-12-31"
PAGES = {
    "overview": "",
    "search": "?q=INV",
    "selection of all": "/selection?all=1",
    "history": "/history",
    "statement as CSV": f"/statement?{PERIOD}&format=csv",
    "statement as PDF": f"/statement?{PERIOD}&format=pdf",
}
MANY_PAGES = {
    "overview": "",
    "last page": "?page=200",
    "search": "?q=INV-0999",
    "by number": "?sort=number",
    "statement as CSV": f"/statement?{PERIOD}&format=csv",
    "statement as PDF": f"/statement?{PERIOD}&format=pdf",
}


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--full", action="store_true", help="among 1,000,000 documents")
    count = 1_000_000 if parser.parse_args().full else 60_000
    with tempfile.TemporaryDirectory(prefix="bench-portal-") as folder:
        data = Path(folder) / "data"
        pair = make_keys(data, ORGANISATION)
        hub_bench.fill_plainly(data, count)
        with hub_process(data) as served:
            head = {"X-Api-Key": pair.key, "X-Api-Secret": pair.secret}
            _fill_many(served)
            few = _link(served, head, "C9")
            for name, page in PAGES.items():
                measured = _measured(served.pid, few + page)
                _report(f"{name}, 20 of {count:,} documents", measured, PAGE_MAX_MS)
            many = _link(served, head, "many")
            for name, page in MANY_PAGES.items():
                bar = MANY_MAX_MS if "statement" not in name else None
                measured = _measured(served.pid, many + page, TIMES if bar else 5)
                _report(f"{name}, {MANY:,} open invoices", measured, bar)
            size = _first_view(many)
            ratio = size / MANY_MAX_BYTES
            print(
                f"first view of {MANY:,} invoices, bytes / bar: {ratio:.2f} (at most 1): "
                f"{size:,} / {MANY_MAX_BYTES:,}, styles and scripts included"
            )


def _fill_many(served: HubProcess) -> None:
    own = f"/organisations/{ORGANISATION}"
    account = {"name": "Main", "iban": "DE89370400440532013000"}
    served.control.call("POST", f"{own}/bank_accounts", account)
    lines = [_line("/customers", {"externalId": "many", "name": "Many AG"})]
    for number in range(MANY):
        invoice = {
            "externalId": f"many-{number}",
            "customId": f"INV-{number:05}",
            "issuedAt": "2025-12-01",
            "dueDate": f"2026-{number % 12 + 1:02}-{number % 28 + 1:02}",
            "currency": "EUR",
            "grossAmount": 1000 + number,
            "netAmount": 1000 + number,
            "customer": {"externalId": "many"},
        }
        lines.append(_line("/invoices", invoice))
    served.control.call("POST", f"{own}/seed", "\n".join(lines).encode())


def _line(path: str, body: object) -> str:
    return json.dumps({"method": "POST", "path": path, "body": body})


def _link(served: HubProcess, head: dict[str, str], customer: str) -> str:
    address = f"{served.url}/customers/external:{customer}/portal"
    request = urllib.request.Request(address, b"{}", head | {"Content-Type": "application/json"})
    with urllib.request.urlopen(request) as got:
        return str(json.load(got)["url"])


class Measured:
    """How long a page takes, in milliseconds."""

    def __init__(self, took: list[float], cpu: float, size: int) -> None:
        self.p95 = sorted(took)[int(len(took) * 0.95) - 1]
        self.median = statistics.median(took)
        self.least = min(took)
        self.cpu = cpu
        self.size = size


def _measured(pid: int, address: str, times: int = TIMES) -> Measured:
    """The first answer counts for nothing."""
    took = []
    with urllib.request.urlopen(address) as got:
        size = len(got.read())
    process = psutil.Process(pid)
    before = sum(process.cpu_times()[:2])
    for _ in range(times):
        begun = time.perf_counter()
        with urllib.request.urlopen(address) as got:
            got.read()
        took.append((time.perf_counter() - begun) * 1000)
    cpu = (sum(process.cpu_times()[:2]) - before) * 1000 / times
    return Measured(took, cpu, size)


def _report(name: str, one: Measured, bar: float | None) -> None:
    ratio = f", CPU / bar: {one.cpu / bar:.2f} (at most 1)" if bar else ", CPU"
    figures = f"{one.cpu:.0f} / {bar:.0f} ms" if bar else f"{one.cpu:.0f} ms"
    print(
        f"{name}{ratio}: {figures}; to the whole answer p95 {one.p95:.0f} ms, median "
        f"{one.median:.0f}, least {one.least:.0f}; {one.size:,} B"
    )


def _first_view(address: str) -> int:
    """Return the bytes of a page with everything that it loads."""
    with urllib.request.urlopen(address) as got:
        page = got.read()
    loaded = re.findall(r'<(?:link|script)[^>]*(?:href|src)="(/assets/[^"]+)"', page.decode())
    size = len(page)
    for name in loaded:
        with urllib.request.urlopen(urljoin(address, name)) as got:
            size += len(got.read())
    return size


if __name__ == "__main__":
    main()
