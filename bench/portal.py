"""The portal's bars: each line is a ratio with both figures behind it.

    python bench/portal.py            quick: among 60,000 documents
    python bench/portal.py --full     among 1,000,000 documents

One reader, one page after the other, from the request to the whole answer; p95 of so many. The
pages of a family of 20 documents, at most 100 ms; those of a customer with 10,000 open invoices, at
most 300 ms and 300 kB with style sheets and scripts.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
import tempfile
import time
import urllib.request
from pathlib import Path
from urllib.parse import urljoin

sys.path.insert(0, str(Path(__file__).parent))

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
                took, size = _measured(few + page)
                _report(f"{name}, 20 of {count:,} documents", took, PAGE_MAX_MS, size)
            many = _link(served, head, "many")
            for name, page in MANY_PAGES.items():
                bar = MANY_MAX_MS if "statement" not in name else None
                took, size = _measured(many + page, TIMES if bar else 5)
                _report(f"{name}, {MANY:,} open invoices", took, bar, size)
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


def _measured(address: str, times: int = TIMES) -> tuple[list[float], int]:
    """Return sorted milliseconds and the size of an answer; the first answer counts for nothing."""
    took = []
    for _ in range(times + 1):
        begun = time.perf_counter()
        with urllib.request.urlopen(address) as got:
            size = len(got.read())
        took.append((time.perf_counter() - begun) * 1000)
    return sorted(took[1:]), size


def _report(name: str, took: list[float], bar: float | None, size: int) -> None:
    p95 = took[int(len(took) * 0.95) - 1]
    ratio = f" / bar: {p95 / bar:.2f} (at most 1)" if bar else ""
    figures = f"{p95:.0f} / {bar:.0f} ms" if bar else f"{p95:.0f} ms"
    middle = took[len(took) // 2]
    print(f"{name}, p95{ratio}: {figures}, median {middle:.0f} ms, least {took[0]:.0f}; {size:,} B")


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
