"""The console's bars: each line is a ratio with both figures behind it.

    python bench/console.py            quick: 100,000 documents
    python bench/console.py --full     1,000,000 documents

One reader, one page after the other, from the request to the whole answer, p95 at most 100 ms, and
the CPU of the hub for one, which other work on the machine hardly changes. The first overview of an
organisation is measured apart: it says that its figures are being computed. First paint is what
Chromium says, with an empty cache, at most 1 s; without Chromium it is left out.
"""

from __future__ import annotations

import argparse
import http.client
import json
import os
import re
import shutil
import statistics
import sys
import tempfile
import time
from pathlib import Path
from urllib.parse import urlencode, urlsplit

sys.path.insert(0, str(Path(__file__).parent))

import psutil
from playwright.sync_api import sync_playwright

import hub as hub_bench
from headrace.console.passwords import hash_password
from headrace.model.clock import SYSTEM_CLOCK
from headrace.store.admin.console_users import set_user
from headrace.store.admin.keys import KeyPair
from headrace.store.engine.place import Place, transactions
from headrace.testkit.hub import HubProcess, hub_process, make_keys

ORGANISATION = "bench"
EMAIL, PASSWORD = "anna@example.com", "correct horse battery"
HOME = f"/console/organisations/{ORGANISATION}"
TIMES = 40
MANY = 10_000
REQUESTS = 800
PAGE_MAX_MS = 100.0
PAINT_MAX_MS = 1_000.0
SCRIPTS_MAX_BYTES = 60_000
_CHROMIUM = os.environ.get("HEADRACE_TEST_BROWSER") or shutil.which("chromium")
PAGES = {
    "organisations": "/console",
    "overview": HOME,
    "customers, newest": f"{HOME}/customers",
    "customers by name": f"{HOME}/customers?sort=name",
    "customers, a search": f"{HOME}/customers?q=omer+777",
    "customers, overdue": f"{HOME}/customers?state=OVERDUE",
    "invoices, newest": f"{HOME}/invoices",
    "invoices by amount": f"{HOME}/invoices?sort=-amount",
    "invoices, overdue by due date": f"{HOME}/invoices?state=OVERDUE",
    "invoices, overdue by amount": f"{HOME}/invoices?state=OVERDUE&sort=-amount",
    "invoices, paid": f"{HOME}/invoices?state=PAID",
    "invoices of some days": f"{HOME}/invoices?from=2025-12-31&to=2026-01-02&sort=date",
    "invoices, a number": f"{HOME}/invoices?q=INV-4",
    "invoices, an id": f"{HOME}/invoices?q=D4711",
    "invoices, in vain": f"{HOME}/invoices?q=no+such+number",
    "payments not applied": f"{HOME}/payments?state=OPEN",
    "a customer with 800 documents": f"{HOME}/customers/external:C77",
    "a customer with 10,000 invoices": f"{HOME}/customers/external:many",
    "an invoice": f"{HOME}/invoices/external:D1",
    "a payment": f"{HOME}/payments/external:D7",
    "settings": f"{HOME}/settings",
    "API keys": f"{HOME}/settings/keys",
    "portal settings": f"{HOME}/settings/portal",
    "requests": f"{HOME}/requests",
    "testing": f"{HOME}/testing",
    "API": f"{HOME}/api",
    "hub": "/console/hub",
}


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--full", action="store_true", help="1,000,000 documents")
    count = 1_000_000 if parser.parse_args().full else 100_000
    with tempfile.TemporaryDirectory(prefix="bench-console-") as folder:
        data = Path(folder) / "data"
        pair = make_keys(data, ORGANISATION)
        hub_bench.fill_plainly(data, count)
        with transactions(Place(folder=data)) as transact:
            transact(set_user, EMAIL, hash_password(PASSWORD), SYSTEM_CLOCK.now())
        with hub_process(data, options=("--console",)) as served:
            _fill_many(served)
            seen = _send_requests(served, pair)
            reader = Reader(served.origin)
            print(f"{count:,} documents")
            _report("the first overview of an organisation", [reader.get(HOME).took], 0.0)
            reader.wait_for_overview()
            for name, path in PAGES.items():
                _measure(served, reader, name, path)
            _measure(served, reader, f"one of {REQUESTS:,} requests", f"{HOME}/requests/{seen}")
            _measure_csv(reader, count)
            _measure_scripts(reader)
            if _CHROMIUM:
                _measure_paint(served.origin, reader.cookie)


class Answer:
    """A page, and the milliseconds that it took."""

    def __init__(self, status: int, body: bytes, took: float) -> None:
        self.status = status
        self.body = body
        self.took = took


class Reader:
    """Somebody who is signed in, over one connection."""

    def __init__(self, origin: str) -> None:
        parts = urlsplit(origin)
        self.origin = origin
        self._connection = http.client.HTTPConnection(str(parts.hostname), parts.port, timeout=60)
        form = urlencode({"email": EMAIL, "password": PASSWORD})
        kind = {"Content-Type": "application/x-www-form-urlencoded"}
        self._connection.request("POST", "/console/sign-in", form, kind)
        answer = self._connection.getresponse()
        answer.read()
        self.cookie = str(answer.headers["Set-Cookie"]).partition("=")[2].partition(";")[0]

    def get(self, path: str) -> Answer:
        begun = time.perf_counter()
        cookie = {"Cookie": f"headrace_console={self.cookie}"}
        self._connection.request("GET", path, headers=cookie)
        answer = self._connection.getresponse()
        body = answer.read()
        took = (time.perf_counter() - begun) * 1000
        if answer.status != http.HTTPStatus.OK:
            raise SystemExit(f"{path} answered {answer.status}: {body[-300:]!r}")
        return Answer(answer.status, body, took)

    def wait_for_overview(self) -> None:
        """Read the overview until it has its figures."""
        begun = time.perf_counter()
        while b"Outstanding" not in self.get(HOME).body:
            time.sleep(0.1)
        print(f"its figures are there after {time.perf_counter() - begun:.1f} s")


def _fill_many(served: HubProcess) -> None:
    lines = [_line("/customers", {"externalId": "many", "name": "Many AG"})]
    for number in range(MANY):
        body = {
            "externalId": f"many-{number}",
            "customId": f"M-{number:05}",
            "issuedAt": "2025-12-01",
            "dueDate": f"2026-{number % 12 + 1:02}-{number % 28 + 1:02}",
            "currency": "EUR",
            "grossAmount": 1000 + number,
            "netAmount": 1000 + number,
            "customer": {"externalId": "many"},
        }
        lines.append(_line("/invoices", body))
    own = f"/organisations/{ORGANISATION}"
    served.control.call("POST", f"{own}/seed", "\n".join(lines).encode())


def _send_requests(served: HubProcess, pair: KeyPair) -> str:
    """Upsert invoices of one customer; returns the id of the first request."""
    parts = urlsplit(served.origin)
    connection = http.client.HTTPConnection(str(parts.hostname), parts.port, timeout=60)
    head = {
        "X-Api-Key": pair.key,
        "X-Api-Secret": pair.secret,
        "Content-Type": "application/json",
    }
    first = ""
    for number in range(REQUESTS):
        body = {
            "externalId": f"sent-{number}",
            "customId": f"S-{number}",
            "issuedAt": "2026-01-01",
            "dueDate": "2026-02-01",
            "currency": "EUR",
            "grossAmount": 1000,
            "netAmount": 1000,
            "customer": {"externalId": "C77"},
        }
        connection.request("POST", "/v1/invoices", json.dumps(body), head)
        answer = connection.getresponse()
        answer.read()
        first = first or str(answer.headers["X-Request-Id"])
    connection.close()
    return first


def _line(path: str, body: object) -> str:
    return json.dumps({"method": "POST", "path": path, "body": body})


def _measure(served: HubProcess, reader: Reader, name: str, path: str) -> None:
    """The first answer counts for nothing."""
    reader.get(path)
    process = psutil.Process(served.pid)
    before = sum(process.cpu_times()[:2])
    took = [reader.get(path).took for _ in range(TIMES)]
    cpu = (sum(process.cpu_times()[:2]) - before) * 1000 / TIMES
    _report(name, took, cpu)


def _report(name: str, took: list[float], cpu: float) -> None:
    p95 = sorted(took)[max(0, int(len(took) * 0.95) - 1)]
    print(
        f"{name}, p95 / bar: {p95 / PAGE_MAX_MS:.2f} (at most 1): {p95:.0f} / {PAGE_MAX_MS:.0f} ms;"
        f" median {statistics.median(took):.0f}, CPU {cpu:.0f}"
    )


def _measure_csv(reader: Reader, count: int) -> None:
    answer = reader.get(f"{HOME}/invoices.csv?customer=external:many")
    print(f"CSV of {MANY:,} invoices: {answer.took / 1000:.2f} s, {len(answer.body):,} B")


def _measure_scripts(reader: Reader) -> None:
    """All scripts that any page loads."""
    names = set()
    for path in PAGES.values():
        names |= set(re.findall(rb'<script src="([^"]+)"', reader.get(path).body))
    size = sum(len(reader.get(name.decode()).body) for name in names)
    print(
        f"scripts of all pages, bytes / bar: {size / SCRIPTS_MAX_BYTES:.2f} (at most 1): "
        f"{size:,} / {SCRIPTS_MAX_BYTES:,}"
    )


def _measure_paint(origin: str, cookie: str) -> None:
    paths = (HOME, f"{HOME}/customers", f"{HOME}/invoices?state=OVERDUE")
    with sync_playwright() as running:
        chromium = running.chromium.launch(executable_path=_CHROMIUM, args=["--no-sandbox"])
        for path in (*paths, f"{HOME}/customers/external:many"):
            painted = []
            for _ in range(5):
                context = chromium.new_context()
                named = {"name": "headrace_console", "value": cookie, "url": f"{origin}/console"}
                context.add_cookies([named])
                page = context.new_page()
                page.goto(origin + path)
                said = "performance.getEntriesByName('first-contentful-paint')[0]?.startTime ?? 0"
                while not (moment := page.evaluate(said)):
                    page.wait_for_timeout(20)
                painted.append(moment)
                context.close()
            worst = max(painted)
            print(
                f"first paint of {path}, worst / bar: {worst / PAINT_MAX_MS:.2f} (at most 1): "
                f"{worst:.0f} / {PAINT_MAX_MS:.0f} ms; median {statistics.median(painted):.0f}"
            )
        chromium.close()


if __name__ == "__main__":
    main()
