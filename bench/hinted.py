"""From a commit in PostgreSQL to the API, one round of one changed row, and an idle organisation.

    python bench/hinted.py [--full]

Quick takes 100,000 records, `--full` a million as well. PostgreSQL starts here. A sample changes
the subject of one invoice and waits until the hub has taken it; the hub has no limits. CPU and
memory are those of `headrace run`.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import psycopg

from headrace.fleet.project import load_project
from headrace.model.clock import SYSTEM_CLOCK
from headrace.sync.session import Organisation
from headrace.testkit.billing import generate, write_project
from headrace.testkit.hub import RunningHub, hub
from plan import acknowledge_everything

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))
from postgres import fresh_database, running_server

SAMPLES = 25
IDLE_S = 20.0
ROUND_MAX_S = 0.3
MEMORY_MAX_MB = 150
IDLE_MAX_MS = 1.0
_SERVER = {"listen_addresses": "127.0.0.1", "wal_level": "logical", "fsync": "off"}
_KEYS = {
    "bills": "bill_id",
    "clients": "client_no",
    "money_in": "receipt_id",
    "money_out": "payout_id",
    "journal": "entry_id",
}
_OPEN = (
    "select bill_id, client_no from bills where kind = 'INVOICE' and settled_on is null and not "
    "exists (select from applied where target_kind = 'BILL' and target_id = bill_id) "
    "order by bill_id limit 2000"
)

_PAID = ("bills", "bill_id", "bill_id in (select target_id from applied) and bill_id > 20")
_CHILD = ("clients", "client_no", "parent_no is not null")
_ERRORS = (
    ("a paid invoice", "currency", "XXQ", _PAID),
    ("an overpaid invoice", "total", "0.01", _PAID),
    ("a customer", "company", None, _CHILD),
    ("a parent", "parent_no", 999_999_999, _CHILD),
)
"""What is in error, the column and its wrong value, and the table, key and condition of the row."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--full", action="store_true", help="a million records as well")
    sizes = (100_000, 1_000_000) if parser.parse_args().full else (100_000,)
    with running_server(_SERVER, packaged=True) as server:
        for records in sizes:
            with (
                fresh_database(server) as url,
                tempfile.TemporaryDirectory(prefix="bench-hinted-") as folder,
                hub(limits="off") as running,
            ):
                measure(Path(folder), url, running, records)


def measure(folder: Path, url: str, running: RunningHub, records: int) -> None:
    """Print the figures of one size."""
    pair = running.add_organisation("bench")
    os.environ.update(HEADRACE_URL=running.url, HEADRACE_KEY=pair.key, HEADRACE_SECRET=pair.secret)
    generate(url, records=records, seed=1)
    project = write_project(folder / "project", url)
    text = (project / "headrace.toml").read_text(encoding="utf-8")
    with psycopg.connect(url, autocommit=True) as database:
        for table, key in _KEYS.items():
            database.execute(f"alter table {table} add primary key ({key})")
        database.execute("vacuum analyze")
        loaded = load_project(project)
        with loaded.open(loaded.only(None), SYSTEM_CLOCK) as organisation:
            organisation.refresh()
            acknowledge_everything(organisation)
            organisation.binding.renew()
            rounds(organisation, database, records)
            rounds_in_error(organisation, database, records)
        bills = database.execute(_OPEN).fetchall()
        for way, p50, p95 in (("slot", 0.5, 1.0 if records < 10**6 else 1.5), ("counters", 3, 3)):
            settings = f'hints = "{way}"\nevery = "1h"\n'
            (project / "headrace.toml").write_text(_with(text, settings), encoding="utf-8")
            with run(project) as process:
                latencies(process, running, database, bills, f"{records:,} by {way}", p50, p95)
                idle(process, running, f"{records:,} by {way}")


def _with(text: str, settings: str) -> str:
    """The project file with further settings of its organisation."""
    lines = text.splitlines(keepends=True)
    place = next(n for n, line in enumerate(lines) if line.startswith("[organisation."))
    return "".join([*lines[: place + 1], settings, *lines[place + 1 :]])


def rounds(organisation: Organisation, database: psycopg.Connection, records: int) -> None:
    """Print what a round of one changed row costs in an open process, for several kinds of row."""
    organisation.refresh(False)
    invoices = "select bill_id, subject, total, currency from bills where kind = 'INVOICE' order by"
    bill, subject, total, _ = database.execute(f"{invoices} bill_id limit 1").fetchone()
    wrong, subject_of_wrong, _, currency = database.execute(
        f"{invoices} bill_id desc limit 1"
    ).fetchone()
    payment = database.execute("select * from money_in order by receipt_id limit 1").fetchone()
    subjects = "update bills set subject = %s where bill_id = %s"
    totals = "update bills set total = total::numeric + 1 where bill_id = %s"
    marks = ", ".join(["%s"] * len(payment))

    def pay(number: int) -> None:
        values = (10**9 + number, *payment[1:])
        database.execute(f"insert into money_in values ({marks})", values)

    def one(what: str, change: Callable[[int], object]) -> None:
        _round(organisation, what, change, records)

    one("a subject", lambda number: database.execute(subjects, [number, bill]))
    one("an amount", lambda _: database.execute(totals, [bill]))
    one("a new payment", pay)
    database.execute("update bills set currency = 'XXQ' where bill_id = %s", [wrong])
    one("a subject, one record in error", lambda n: database.execute(subjects, [n, bill]))
    database.execute("update bills set currency = %s where bill_id = %s", [currency, wrong])
    database.execute(subjects, [subject, bill])
    database.execute("update bills set total = %s where bill_id = %s", [total, bill])
    database.execute("delete from money_in where receipt_id >= 1000000000")
    database.execute(subjects, ["refused", wrong])  # its customer is not in the hub
    organisation.refresh(False)
    asyncio.run(organisation.apply(organisation.plan(), "run", confirmed=True))
    assert len(organisation.journal.rejects()) == 1
    one("a subject, one record refused", lambda n: database.execute(subjects, [n, bill]))
    organisation.journal.clear_rejects()
    database.execute(subjects, [subject_of_wrong, wrong])
    database.execute(subjects, [subject, bill])
    organisation.refresh(False)
    assert organisation.plan().empty


def rounds_in_error(organisation: Organisation, database: psycopg.Connection, records: int) -> None:
    """Print the same while a record is in error that others depend on."""
    bill, subject = database.execute(
        "select bill_id, subject from bills where kind = 'INVOICE' order by bill_id limit 1"
    ).fetchone()

    def change(text: object) -> None:
        database.execute("update bills set subject = %s where bill_id = %s", [text, bill])

    for what, column, value, (table, key, condition) in _ERRORS:
        id, right = database.execute(
            f"select {key}, {column} from {table} where {condition} order by {key} limit 1"
        ).fetchone()
        setting = f"update {table} set {column} = %s where {key} = %s"
        database.execute(setting, [value, id])
        _round(organisation, f"a subject, {what} in error", change, records)
        database.execute(setting, [right, id])
        change(subject)
        organisation.refresh(False)
        organisation.plan()  # records of which the journal has no payload are sent again
        acknowledge_everything(
            organisation, "semi join plan.operations using (entity, external_id)"
        )
    organisation.refresh(False)
    assert organisation.plan().empty


def _round(
    organisation: Organisation, what: str, change: Callable[[int], object], records: int
) -> None:
    walls, cpus = [], []
    for number in range(7):
        change(number)
        started, used = time.perf_counter(), time.process_time()
        organisation.refresh(False)
        plan = organisation.plan()
        walls.append(time.perf_counter() - started)
        cpus.append(time.process_time() - used)
        assert not plan.empty
    memory = psutil.Process().memory_info().rss / 1e6
    # The first rounds after other work also do what it left.
    wall, cpu = statistics.median(walls), statistics.median(cpus)
    print(
        f"round of one changed row in {records:,}, {what} / bar: {wall / ROUND_MAX_S:.2f} (at most "
        f"1 at a million): {wall:.3f} s, {cpu:.3f} s CPU / {ROUND_MAX_S} s; {memory:.0f} / "
        f"{MEMORY_MAX_MB} MB",
        flush=True,
    )


@contextmanager
def run(project: Path) -> Iterator[psutil.Process]:
    """`headrace run`, from the end of its first round on."""
    command = [sys.executable, "-m", "headrace", "run", "--project", str(project)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        print(f"  {process.stdout.readline().strip()}", flush=True)
        time.sleep(3)  # the hint that follows the connection
        yield psutil.Process(process.pid)
        process.terminate()


def latencies(
    process: psutil.Process,
    running: RunningHub,
    database: psycopg.Connection,
    bills: list[tuple[str, str]],
    what: str,
    p50: float,
    p95: float,
) -> None:
    """Print the seconds from a commit until the hub has the change."""
    chance = random.Random(1)
    found = []
    for number in range(SAMPLES):
        bill, client = bills.pop()
        customer = {"externalId": str(client), "name": "Bench"}
        post(running, "/customers", customer)
        before = len(running.requests())
        subject = f"sample {what} {number}"
        database.execute("update bills set subject = %s where bill_id = %s", [subject, bill])
        committed = time.perf_counter()
        while not any(
            one.external_id == str(bill) and one.status in (200, 201)
            for one in running.requests()[before:]
        ):
            time.sleep(0.002)
            assert time.perf_counter() - committed < 60, running.requests()[before:]
        found.append(time.perf_counter() - committed)
        time.sleep(chance.uniform(0.5, 1.5) + found[-1])
    ordered = sorted(found)
    median, high = ordered[len(ordered) // 2], ordered[int(len(ordered) * 0.95)]
    memory = process.memory_info().rss / 1e6
    print(
        f"commit until the API has it, {what} / bars: p50 {median / p50:.2f}, p95 "
        f"{high / p95:.2f} (at most 1): {median:.2f} / {p50} s, {high:.2f} / {p95} s; "
        f"{memory:.0f} MB",
        flush=True,
    )


def idle(process: psutil.Process, running: RunningHub, what: str) -> None:
    """Print what an organisation costs in which nothing happens."""
    time.sleep(5)
    before, requests = on_cpu(process), len(running.requests())
    time.sleep(IDLE_S)
    used = (on_cpu(process) - before) / IDLE_S * 1000
    print(
        f"idle, {what} / bar: {used / IDLE_MAX_MS:.2f} (at most 1): {used:.2f} / {IDLE_MAX_MS} ms "
        f"CPU a second, {len(running.requests()) - requests} requests",
        flush=True,
    )


def on_cpu(process: psutil.Process) -> float:
    """Seconds that the process was on a core, to the nanosecond: the usual figures count in steps
    of 10 ms, more than an idle process takes in ten seconds."""
    threads = Path(f"/proc/{process.pid}/task").glob("*/schedstat")
    return sum(int(one.read_text().split()[0]) for one in threads) / 1e9


def post(running: RunningHub, path: str, body: dict[str, str]) -> None:
    """Import one record beforehand."""
    request = urllib.request.Request(
        running.url + path,
        json.dumps(body).encode(),
        {
            "X-Api-Key": os.environ["HEADRACE_KEY"],
            "X-Api-Secret": os.environ["HEADRACE_SECRET"],
            "Content-Type": "application/json",
        },
    )
    urllib.request.urlopen(request).close()


if __name__ == "__main__":
    main()
