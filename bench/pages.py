"""The sync pages' bars: each line is a ratio with both figures behind it.

    python bench/pages.py            quick: 100,000 records
    python bench/pages.py --full     1,000,000 records

A plan of 100,000 operations waits for approval, 1,000 records are rejected, as many are withheld,
10,000 balances differ, and the book is open.
One reader, one page after the other, from the request to the whole answer; pages at most 100 ms,
the plan at most 300 ms (p95), and the first paint in a browser at most 1 s. What keeping the plan
adds to its round comes first.
"""

from __future__ import annotations

import argparse
import http.client
import os
import shutil
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import psutil
from playwright.sync_api import sync_playwright

from headrace.fleet.picture import PICTURE, keep_proof
from headrace.fleet.picture_writing import keep_picture
from headrace.fleet.project import LoadedProject, load_project
from headrace.model.clock import SYSTEM_CLOCK
from headrace.pages.assets import asset_text
from headrace.sync.journal import Adopted, Journal, Reject
from headrace.sync.remote.proof import CurrencyTotal, Difference, DocumentDifference, Reconciled
from headrace.sync.session import Organisation
from headrace.testkit.billing import generate, write_project
from headrace.testkit.hub import hub

OPERATIONS = 100_000
REJECTS = 1_000
WITHHELD = 1_000
DIFFERENCES = 10_000
TIMES = 60
PAGE_MAX_MS, PLAN_MAX_MS, PAINT_MAX_MS = 100.0, 300.0, 1_000.0
SCRIPTS_MAX = 60_000
_PATIENCE_S = 900.0
_SIDES = "models and API"
_PAINTS = "performance.getEntriesByName('first-contentful-paint')"


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--full", action="store_true", help="1,000,000 records")
    records = 1_000_000 if parser.parse_args().full else 100_000
    with (
        tempfile.TemporaryDirectory(prefix="bench-pages-") as folder,
        hub(limits="off") as running,
    ):
        pair = running.add_organisation("bench")
        os.environ.update(
            HEADRACE_URL=running.url, HEADRACE_KEY=pair.key, HEADRACE_SECRET=pair.secret
        )
        database = Path(folder) / "billing.db"
        generate(database, records=records, seed=1)
        _spoil(database)
        project = write_project(Path(folder) / "project", f"sqlite:///{database}")
        _let_wait(project)
        loaded = load_project(project)
        name = loaded.only(None)
        with loaded.open(name, SYSTEM_CLOCK) as organisation:
            _prepare(organisation, records)
            keep_proof(organisation.data, _differing(name))
        with serving(project, loaded, name) as (url, process):
            _measure(url, process, name, _rejected(loaded, name))
    scripts = len(asset_text("refresh.js"))
    print(
        f"scripts of a page / bar: {scripts / SCRIPTS_MAX:.3f} (at most 1): "
        f"{scripts:,} / {SCRIPTS_MAX:,} B"
    )


def _spoil(database: Path) -> None:
    """Give some bills a currency that there is none of."""
    with closing(sqlite3.connect(database)) as connection, connection:
        connection.execute(
            "update bills set currency = 'QQQ' where bill_id in "
            f"(select bill_id from bills order by bill_id limit {WITHHELD})"
        )


def _differing(name: str) -> Reconciled:
    """Return a reconciliation with many differences."""
    documents = [
        DocumentDifference("invoice", f"I{n}", 100_00, 90_00, "open amounts differ", f"INV-{n}")
        for n in range(3)
    ]
    differences = [
        Difference(f"C{n}", "EUR", 300_00, 270_00, documents, name=f"Customer {n}", pairs=[_SIDES])
        for n in range(DIFFERENCES)
    ]
    return Reconciled(
        organisation=name,
        made_at="2026-11-27T10:00:00.000Z",
        customers=DIFFERENCES,
        documents=3 * DIFFERENCES,
        balances=DIFFERENCES,
        totals=[CurrencyTotal("EUR", DIFFERENCES, DIFFERENCES * 300_00, DIFFERENCES * 270_00)],
        differences=differences,
        statements=[],
    )


def _let_wait(project: Path) -> None:
    file = project / "headrace.toml"
    lines = file.read_text("utf-8").splitlines(keepends=True)
    place = next(n for n, line in enumerate(lines) if line.startswith("[organisation."))
    file.write_text(
        "".join([*lines[: place + 1], 'approve = "always"\nevery = "1h"\n', *lines[place + 1 :]]),
        "utf-8",
    )


def _prepare(organisation: Organisation, records: int) -> None:
    """Fill the journal with everything but the operations, and measure what the plan costs."""
    organisation.refresh()
    rows = organisation.book.connection.execute(
        "select entity, external_id, fingerprint, customer from book.fingerprints "
        "join book.placed using (entity, external_id) "
        "qualify row_number() over (order by entity = 'customer' desc, external_id) "
        f"<= (select count(*) - {OPERATIONS} from book.fingerprints "
        "join book.placed using (entity, external_id))"
    ).fetchall()
    organisation.journal.adopt(
        Adopted(entity, external_id, owner, fingerprint, b"-")
        for entity, external_id, fingerprint, owner in rows
    )
    organisation.binding.renew()
    _reject(organisation)
    began = time.perf_counter()
    organisation.rebuild(whole=True)
    plan = organisation.plan()
    planned = time.perf_counter() - began
    began, used = time.perf_counter(), time.process_time()
    keep_picture(organisation, plan, "bench")
    kept, cpu = time.perf_counter() - began, time.process_time() - used
    size = (organisation.data / PICTURE).stat().st_size
    print(
        f"keeping a plan of {plan.requests:,} operations among {records:,} records / planning: "
        f"{kept / planned:.1f}: {kept:.1f} s ({cpu:.1f} s CPU) / {planned:.1f} s; "
        f"{size / 1e6:.0f} MB"
    )


def _reject(organisation: Organisation) -> None:
    rows = organisation.book.connection.execute(
        "select external_id from book.invoices order by external_id desc limit $1", [REJECTS]
    ).fetchall()
    for (external_id,) in rows:
        organisation.journal.reject(
            Reject("invoice", external_id, None, 400, "dueDate: Expected a date.", b"{}")
        )


@contextmanager
def serving(
    project: Path, loaded: LoadedProject, name: str
) -> Iterator[tuple[str, psutil.Process]]:
    """Run `headrace run --pages` until the plan waits."""
    words = ["run", "--pages", "--metrics", "0", "--project", str(project)]
    with subprocess.Popen(
        [sys.executable, "-m", "headrace", *words],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stderr is not None
        try:
            url = process.stderr.readline().rpartition(" ")[2].strip()
            ends = time.monotonic() + _PATIENCE_S
            with closing(Journal(loaded.journal_place(name), SYSTEM_CLOCK)) as journal:
                while not journal.logged_rounds(1):
                    assert time.monotonic() < ends and process.poll() is None
                    time.sleep(0.2)
            time.sleep(1.0)
            yield url, psutil.Process(process.pid)
        finally:
            process.terminate()
            process.wait(60)


def _rejected(loaded: LoadedProject, name: str) -> str:
    """Return the id of an invoice that was rejected."""
    with closing(Journal(loaded.journal_place(name), SYSTEM_CLOCK)) as journal:
        return journal.rejects()[0].external_id


def _measure(url: str, process: psutil.Process, name: str, invoice: str) -> None:
    customer = "customer/1"
    own = f"/organisations/{name}"
    last = OPERATIONS // 25
    pages = {
        "organisations": ("/", PAGE_MAX_MS),
        "organisation": (own, PAGE_MAX_MS),
        "rejects, last page": (f"{own}/records/rejects?page=20", PAGE_MAX_MS),
        "plan": (f"{own}/plan", PLAN_MAX_MS),
        "plan, last page": (f"{own}/plan?page={last}", PLAN_MAX_MS),
        "withheld, last page": (f"{own}/records/staying?page=20", PAGE_MAX_MS),
        "reconciliation": (f"{own}/reconciliation", PAGE_MAX_MS),
        "reconciliation, last page": (f"{own}/reconciliation?page=400", PAGE_MAX_MS),
        "explain a customer": (f"{own}/explain?record={customer}", PAGE_MAX_MS),
        "explain an invoice": (f"{own}/explain?record=invoice/{invoice}", PAGE_MAX_MS),
    }
    for label, (path, bar) in pages.items():
        _report(label, url, path, bar, process)
    _paint(url, f"{own}/plan")


def _report(label: str, url: str, path: str, bar: float, process: psutil.Process) -> None:
    connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=60)
    took, size = [], 0
    used = sum(process.cpu_times()[:2])
    with closing(connection):
        for _ in range(TIMES + 3):
            began = time.perf_counter()
            connection.request("GET", path)
            answer = connection.getresponse()
            size = len(answer.read())
            assert answer.status == 200, (label, answer.status)
            took.append((time.perf_counter() - began) * 1000)
    cpu = (sum(process.cpu_times()[:2]) - used) * 1000 / len(took)
    took = took[3:]
    p95 = sorted(took)[int(len(took) * 0.95) - 1]
    print(
        f"{label}, p95 / bar: {p95 / bar:.2f} (at most 1): {p95:.0f} / {bar:.0f} ms; median "
        f"{statistics.median(took):.0f} ms, CPU {cpu:.0f} ms; {size:,} B",
        flush=True,
    )


def _paint(url: str, path: str) -> None:
    chromium = shutil.which("chromium")
    if chromium is None:
        print("first paint: there is no Chromium here")
        return
    with sync_playwright() as running:
        browser = running.chromium.launch(
            executable_path=chromium, args=["--no-sandbox", "--disable-gpu"]
        )
        paints = []
        for _ in range(5):
            context = browser.new_context()
            page = context.new_page()
            page.goto(url + path)
            while not page.evaluate(f"{_PAINTS}.length"):  # the policy allows no eval to wait by
                page.wait_for_timeout(10)
            paints.append(float(page.evaluate(f"{_PAINTS}[0].startTime")))
            context.close()
        browser.close()
    worst = max(paints)
    print(
        f"first paint of the plan / bar: {worst / PAINT_MAX_MS:.2f} (at most 1): {worst:.0f} / "
        f"{PAINT_MAX_MS:.0f} ms, the slowest of {len(paints)}"
    )


if __name__ == "__main__":
    main()
