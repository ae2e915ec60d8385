"""Workers: organisations that one core keeps at their full rate, more workers, and polling.

    python bench/workers.py [--full]

PostgreSQL starts here, without fsync, and so does a hub of its own. `--full` takes 100
organisations at their full rate and polls 1,000; quick takes 20 of each. Each organisation is in
the register and has a SQLite file.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import psutil
import psycopg

from headrace.testkit.billing import generate, write_project
from headrace.testkit.hub import HubProcess, hub_process, make_keys

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))
from postgres import fresh_database, running_server

RATE = 600
"""Requests a minute of one organisation at Upflow."""
FULL_RATE_MIN = 0.95
SPEEDUP_MIN = 3.5
POLLED_CORES_MAX = 1.0
WINDOW_S = 60.0
"""The window in which the API counts requests; a client may send them all at its beginning."""
LATENCY_S = 0.1
_POLL_S = 300.0
_TABLE = (
    '[organisation.{name}]\ntemplate = "bench"\n'
    'target = {{ key = "file:{name}.key", secret = "file:{name}.secret" }}\n'
)
_PROJECT = """
state = "{state}"

[defaults]
every = "{every}"
target = {{ url = "{url}", rate = {rate}, in_flight = {in_flight} }}
hints = "off"

[template.bench]
source = {{ kind = "sql", url = "sqlite:///{{name}}.db" }}
"""


class Fleet:
    """A project whose organisations are in a register, and a hub for it."""

    def __init__(self, folder: Path, state: str, hub: HubProcess) -> None:
        self.folder = folder
        self.state = state
        self.hub = hub

    def make(self, count: int, records: int, **settings: object) -> None:
        """Add so many organisations with the same records."""
        database = self.folder.with_suffix(".db")
        generate(database, records=records, seed=1)
        write_project(self.folder, f"sqlite:///{database}")
        project = _PROJECT.format(state=self.state, url=self.hub.url, **settings)
        (self.folder / "headrace.toml").write_text(project)
        tables = []
        for number in range(count):
            name = f"{self.folder.name}-{number}"
            shutil.copy(database, self.folder / f"{name}.db")
            pair = make_keys(self.hub.data, name)
            (self.folder / f"{name}.key").write_text(pair.key)
            (self.folder / f"{name}.secret").write_text(pair.secret)
            tables.append(_TABLE.format(name=name))
        many = self.folder / "many.toml"
        many.write_text("".join(tables))
        self.run("fleet", "add", "--from", str(many))

    def slow_down(self, count: int, seconds: float) -> None:
        """Let the hub answer each request of the organisations so much later."""
        fault = {"kind": "latency", "seconds": seconds, "rate": 1.0}
        for number in range(count):
            script = {"organisation": f"{self.folder.name}-{number}", "faults": [fault]}
            self.hub.control.call("POST", "/faults", script)

    def run(self, *words: str) -> None:
        command = [sys.executable, "-m", "headrace", *words, "-p", str(self.folder)]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)

    @contextmanager
    def workers(self, count: int, at_once: int, core: int | None = None) -> Iterator[list[int]]:
        """So many workers, on one core if it is given; yields their process ids."""
        words = ["worker", "--at-once", str(at_once), "-p", str(self.folder)]
        command = [sys.executable, "-m", "headrace", *words]
        with ExitStack() as stack:
            started = []
            for _ in range(count):
                process = stack.enter_context(
                    subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
                )
                stack.callback(process.terminate)
                if core is not None:
                    os.sched_setaffinity(process.pid, {core})
                started.append(process.pid)
            yield started

    def query(self, sql: str) -> int:
        with psycopg.connect(self.state, autocommit=True) as connection:
            connection.execute("set search_path = headrace_fleet")
            return int(connection.execute(sql).fetchall()[0][0])

    def database_work(self) -> tuple[int, int]:
        """Transactions and changed rows of the workers' database so far."""
        time.sleep(1.1)  # the server's figures are up to a second old
        return self.query(
            "select xact_commit from pg_stat_database where datname = current_database()"
        ), self.query(
            "select tup_inserted + tup_updated + tup_deleted from pg_stat_database "
            "where datname = current_database()"
        )

    def wait(self, sql: str, count: int) -> None:
        """Wait until a query counts so many."""
        while self.query(sql) < count:
            time.sleep(0.2)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--full", action="store_true", help="100 at full rate, 1,000 polled")
    parser.add_argument("--only", choices=("rate", "speedup", "polled"))
    options = parser.parse_args()
    parts = {
        "rate": lambda fleet: full_rate(fleet, 100 if options.full else 20),
        "speedup": speedup,
        "polled": lambda fleet: polled(fleet, 1000 if options.full else 20),
    }
    for name, part in parts.items():
        if options.only in (None, name):
            with fresh() as fleet:
                part(fleet)


@contextmanager
def fresh() -> Iterator[Fleet]:
    """An empty fleet with a hub."""
    with (
        running_server(
            {"listen_addresses": "127.0.0.1", "fsync": "off", "max_connections": "400"}
        ) as server,
        fresh_database(server) as state,
        tempfile.TemporaryDirectory(prefix="bench-workers-") as name,
    ):
        folder = Path(name)
        (folder / "hub").mkdir()
        with hub_process(folder / "hub", "off", folder / "requests.jsonl") as hub:
            yield Fleet(folder / "project", state, hub)


def sent(fleet: Fleet) -> Counter[str]:
    """Requests that the hub has had of each organisation."""
    log = fleet.folder.parent / "requests.jsonl"
    lines = log.read_text().splitlines()[:-1] if log.exists() else []
    return Counter(line.partition('"organisation":"')[2].partition('"')[0] for line in lines)


def full_rate(fleet: Fleet, count: int) -> None:
    """Print the rate that one core keeps for all organisations together."""
    os.sched_setaffinity(fleet.hub.pid, {1})
    # One window is sent at once, the next one is measured, the third is for those that were first;
    # less than half of the records are requests.
    fleet.make(count, 10 * RATE, every="1h", rate=RATE, in_flight=8)
    with fleet.workers(1, count, core=0) as (pid,):
        process = psutil.Process(pid)
        running = "select count(*) from procrastinate_jobs where status = 'doing'"
        fleet.wait(running, count)
        while sum(number >= RATE for number in sent(fleet).values()) < count:
            time.sleep(1)
        written = fleet.database_work()
        begun, used, started = sent(fleet).total(), sum(process.cpu_times()[:2]), time.monotonic()
        time.sleep(WINDOW_S)
        seconds = time.monotonic() - started
        rate = (sent(fleet).total() - begun) / seconds * WINDOW_S / count
        cores = (sum(process.cpu_times()[:2]) - used) / seconds
        memory = process.memory_info().rss / 2**20
        commits, rows = _since(written, fleet, (sent(fleet).total() - begun) or 1)
    print(
        f"{count} organisations on one core, requests of each / its rate: {rate / RATE:.2f} (at "
        f"least {FULL_RATE_MIN} at 100): {rate:.0f} / {RATE} a minute; {cores:.2f} cores, "
        f"{memory:,.0f} MB; {commits:.2f} commits and {rows:.1f} rows a request",
        flush=True,
    )


def _since(before: tuple[int, int], fleet: Fleet, units: int) -> tuple[float, float]:
    """Commits and rows of each unit of work since then."""
    commits, rows = fleet.database_work()
    return (commits - before[0]) / units, (rows - before[1]) / units


def speedup(fleet: Fleet) -> None:
    """Print how much sooner four workers are done than one, while the work waits on the API."""
    seconds = []
    for number, workers in enumerate((1, 4)):
        fleet.folder = fleet.folder.parent / f"project{number}"
        with psycopg.connect(fleet.state, autocommit=True) as connection:
            connection.execute("drop schema if exists headrace_fleet cascade")
        fleet.make(16, 150, every="1h", rate=100_000, in_flight=1)
        fleet.slow_down(16, LATENCY_S)
        started = time.monotonic()
        with fleet.workers(workers, 2):
            fleet.wait("select count(*) from organisation where pending = 0", 16)
            seconds.append(time.monotonic() - started)
    one, four = seconds
    print(
        f"four workers / one, organisations a second: {one / four:.1f} (at least {SPEEDUP_MIN}): "
        f"{16 / four:.2f} / {16 / one:.2f}",
        flush=True,
    )


def polled(fleet: Fleet, count: int) -> None:
    """Print the cores that four workers take for organisations in which nothing happens."""
    every = _POLL_S * count / 1000
    fleet.make(count, 20, every=f"{every:g}s", rate=100_000, in_flight=4)
    with fleet.workers(4, 4) as pids:
        fleet.wait("select count(*) from organisation where pending = 0", count)
        time.sleep(every + 10)  # rounds at rest from here on
        processes = [psutil.Process(pid) for pid in pids]
        written = fleet.database_work()
        rounds = fleet.query("select coalesce(max(id), 0) from round")
        used, started = sum(sum(p.cpu_times()[:2]) for p in processes), time.monotonic()
        time.sleep(max(30.0, min(every, 120.0)))
        seconds = time.monotonic() - started
        cores = (sum(sum(p.cpu_times()[:2]) for p in processes) - used) / seconds
        done = (fleet.query("select coalesce(max(id), 0) from round") - rounds) / seconds
        memory = sum(p.memory_info().rss for p in processes) / 2**20
        commits, rows = _since(written, fleet, max(1, round(done * seconds)))
    print(
        f"{count} organisations polled every {every:g} s by four workers, cores / bar: "
        f"{cores / POLLED_CORES_MAX:.2f} (at most 1): {cores:.2f} cores, {done:.1f} rounds a "
        f"second, {memory:,.0f} MB; {commits:.1f} commits and {rows:.1f} rows a round",
        flush=True,
    )


if __name__ == "__main__":
    main()
