"""headrace against what a user would do instead, on the same book and a hub with Upflow's limits.

    python bench/peers.py [--full]

A script with `requests`, `drt-core`, a pipeline of dlt (as documented, and with five files at a
time) and a Singer target, each as its documentation shows, in `bench/peers/`. They get environments
of their own below bench/.peers, kept for the next time, and the queries in `bench/peers/queries`,
which make the payloads that headrace makes from its models.

Each has a hub of its own, 300 ms away, and all work side by side, for they only wait: a first
import, a second sync after 30 changes, six deletions among them; beside it, a first import of a
smaller book that is killed half way and started again. After each the hub is held against the book.
Quick takes 300 records, some five minutes; `--full` 3,000, three quarters of an hour. Bar: the
first import 2.5 x as fast as the best of them that loses nothing.
"""

from __future__ import annotations

import argparse
import os
import shlex
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from msgspec import Struct

from headrace.testkit.billing import changes, generate, write_project

sys.path.insert(0, str(Path(__file__).parent))

from environments import python_with
from far_hub import FarHub, Request, far_hub
from judge import Verdict, judge

HERE = Path(__file__).parent / "peers"
PLACE = Path(__file__).parent / ".peers"
QUERIES = HERE / "queries"
LATENCY = 0.3
RATE = 600
BAR = 2.5
CHANGES = 24
DELETIONS = 6
KILLED_RECORDS = 300
TUNED = "dlt-parallel"
DELETABLE = {
    "payment": (
        "select receipt_id from money_in where receipt_id not in (select target_id from applied "
        "where target_kind = 'RECEIPT') and receipt_id not in (select source_id from applied "
        "join bills on bill_id = target_id where source_kind = 'RECEIPT' and settled_on is not null"
        ") order by receipt_id",
        (
            "delete from money_in where receipt_id = ?",
            "delete from applied where source_kind = 'RECEIPT' and source_id = ?",
        ),
    ),
    "invoice": (
        "select bill_id from bills where kind = 'INVOICE' and settled_on is null and bill_id not in"
        " (select target_id from applied where target_kind = 'BILL') order by bill_id",
        ("delete from bills where bill_id = ?",),
    ),
}
"""What can go without touching anything else: how to find it, and how to delete it."""


class Site(Struct, frozen=True):
    """Where one of them works: a folder of its own, a copy of the database, and a hub."""

    folder: Path
    database: Path
    hub: FarHub

    @property
    def environment(self) -> dict[str, str]:
        """What all of them are told by."""
        return {
            **os.environ,
            "HOME": str(self.folder),
            "BILLING_DATABASE": str(self.database),
            "UPFLOW_URL": self.hub.url,
            "UPFLOW_KEY": self.hub.key,
            "UPFLOW_SECRET": self.hub.secret,
        }


Command = tuple[list[str], Mapping[str, str]]
Prepare = Callable[[Site], Command]
"""Writes what it needs into the site's folder, and says what a user would run there."""


class Sync(Struct, frozen=True):
    """What one run of a command did."""

    seconds: float
    requests: list[Request]
    code: int

    @property
    def sent(self) -> int:
        """Requests that the hub let in."""
        return len(self.requests) - self.refused

    @property
    def refused(self) -> int:
        """Answers 429."""
        return sum(one.status == 429 for one in self.requests)


class Measured(Struct, frozen=True):
    """A sync and what it left at the hub."""

    sync: Sync
    verdict: Verdict


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--full", action="store_true", help="3,000 records")
    records = 3_000 if parser.parse_args().full else 300
    for name in ("script", "drt", "dlt", "singer"):
        environment(name)
    with tempfile.TemporaryDirectory(prefix="bench-peers-") as place:
        folder = Path(place)
        books = Books(folder, records)
        with ThreadPoolExecutor(2 * len(PEERS)) as pool:
            whole = {
                peer: pool.submit(first_and_second, folder / peer, prepare, books)
                for peer, prepare in PEERS.items()
            }
            killed = {
                peer: pool.submit(kill_and_go_on, folder / f"{peer}-killed", prepare, books)
                for peer, prepare in PEERS.items()
            }
        report(
            books,
            {peer: one.result() for peer, one in whole.items()},
            {peer: one.result() for peer, one in killed.items()},
        )


class Books:
    """The databases: the first, the same after the changes, and the one of the killed imports."""

    def __init__(self, folder: Path, records: int) -> None:
        self.first, self.second = folder / "first.db", folder / "second.db"
        self.small = folder / "small.db"
        self.requests = generate(self.first, records=records, seed=1).requests
        self.small_requests = generate(self.small, records=KILLED_RECORDS, seed=2).requests
        shutil.copy(self.first, self.second)
        dirty = {key for change in changes(self.second, 7, CHANGES) for key in change.dirty}
        self.needed = len(dirty) + delete_some(self.second, dirty)
        """Requests that the changes need."""


def delete_some(database: Path, dirty: set[tuple[str, str]]) -> int:
    """Deletes records that nothing else changed; returns how many."""
    connection = sqlite3.connect(database)
    with connection:
        for entity, (find, deletions) in DELETABLE.items():
            found = [one for (one,) in connection.execute(find) if (entity, str(one)) not in dirty]
            for one in found[: DELETIONS // len(DELETABLE)]:
                for statement in deletions:
                    connection.execute(statement, (one,))
    connection.close()
    return DELETIONS


def first_and_second(folder: Path, prepare: Prepare, books: Books) -> tuple[Measured, Measured]:
    """A first import, and a sync after the changes."""
    (folder / "hub").mkdir(parents=True)
    database = folder / "billing.db"
    shutil.copy(books.first, database)
    with far_hub(folder / "hub", LATENCY) as hub:
        site = Site(folder, database, hub)
        command = prepare(site)
        first = Measured(run(site, command), verdict(site, "first"))
        shutil.copy(books.second, database)
        second = Measured(run(site, command), verdict(site, "second"))
    return first, second


def kill_and_go_on(folder: Path, prepare: Prepare, books: Books) -> Measured:
    """A first import, killed half way, and the same command again; requests of both, its time."""
    (folder / "hub").mkdir(parents=True)
    database = folder / "billing.db"
    shutil.copy(books.small, database)
    with far_hub(folder / "hub", LATENCY) as hub:
        site = Site(folder, database, hub)
        command = prepare(site)
        process = start(site, command)
        while len(hub.log()) < books.small_requests // 2 and process.poll() is None:
            time.sleep(0.1)
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        time.sleep(2 * LATENCY)
        before = hub.log()
        again = run(site, command)
        whole = Sync(again.seconds, before + again.requests, again.code)
        return Measured(whole, verdict(site, "killed"))


def run(site: Site, command: Command) -> Sync:
    """The command, from its start to its end."""
    before, started = len(site.hub.log()), time.perf_counter()
    code = start(site, command).wait()
    seconds = time.perf_counter() - started
    return Sync(seconds, site.hub.log(before), code)


def start(site: Site, command: Command) -> subprocess.Popen[bytes]:
    """In a session of its own, so that it can be killed with all that it started."""
    words, more = command
    with (site.folder / "output.log").open("ab") as log:
        return subprocess.Popen(
            words,
            cwd=site.folder,
            env={**site.environment, **more},
            stdout=log,
            stderr=log,
            start_new_session=True,
        )


def verdict(site: Site, name: str) -> Verdict:
    hub = site.hub
    return judge(site.folder / f"judge-{name}", site.database, hub.url, hub.key, hub.secret)


def headrace(site: Site) -> Command:
    project = write_project(site.folder / "project", site.database, rate=RATE)
    keys = {
        "HEADRACE_URL": site.hub.url,
        "HEADRACE_KEY": site.hub.key,
        "HEADRACE_SECRET": site.hub.secret,
    }
    return [sys.executable, "-m", "headrace", "apply", "--project", str(project)], keys


def script(site: Site) -> Command:
    return [str(environment("script")), str(HERE / "script" / "sync.py"), str(QUERIES)], {}


def drt(site: Site) -> Command:
    shutil.copytree(HERE / "drt", site.folder, dirs_exist_ok=True)
    shutil.copytree(QUERIES, site.folder / "syncs" / "models")
    profiles = site.folder / ".drt" / "profiles.yml"
    profiles.parent.mkdir()
    profiles.write_text(f"billing:\n  type: sqlite\n  database: {site.database}\n")
    return [str(environment("drt").parent / "drt"), "run"], {"DO_NOT_TRACK": "1"}


def dlt(site: Site) -> Command:
    hub = site.hub
    settings = {
        "DESTINATION__UPFLOW__URL": hub.url,
        "DESTINATION__UPFLOW__KEY": hub.key,
        "DESTINATION__UPFLOW__SECRET": hub.secret,
        "RUNTIME__DLTHUB_TELEMETRY": "false",
    }
    return [str(environment("dlt")), str(HERE / "dlt" / "pipeline.py"), str(QUERIES)], settings


def dlt_parallel(site: Site) -> Command:
    """Files of 20 rows, five of them at a time: the least that its loader can share out."""
    words, settings = dlt(site)
    rows = {f"{stage}__DATA_WRITER__FILE_MAX_ITEMS": "20" for stage in ("EXTRACT", "NORMALIZE")}
    return words, {**settings, **rows, "PARALLEL": "5", "DATA_WRITER__FILE_MAX_ITEMS": "20"}


def singer(site: Site) -> Command:
    (site.folder / "tap.json").write_text(
        f'{{"database": "{site.database}", "queries": "{QUERIES}"}}', encoding="utf-8"
    )
    hub = site.hub
    (site.folder / "target.json").write_text(
        f'{{"url": "{hub.url}", "key": "{hub.key}", "secret": "{hub.secret}"}}', encoding="utf-8"
    )
    python = environment("singer")
    tap, target = (
        shlex.join([str(python), str(HERE / "singer" / f"{one}.py"), "--config", f"{one}.json"])
        for one in ("tap", "target")
    )
    return ["bash", "-c", f"set -o pipefail; {tap} | {target}"], {}


def environment(name: str) -> Path:
    return python_with(PLACE / name, "-r", str(HERE / name / "requirements.txt"))


PEERS: dict[str, Prepare] = {
    "headrace": headrace,
    "script": script,
    "drt": drt,
    "dlt": dlt,
    TUNED: dlt_parallel,
    "singer": singer,
}


def report(
    books: Books,
    whole: Mapping[str, tuple[Measured, Measured]],
    killed: Mapping[str, Measured],
) -> None:
    firsts = {peer: first for peer, (first, _) in whole.items()}
    ours = firsts["headrace"].sync.seconds
    print(
        f"first import of {books.requests:,} records at {LATENCY * 1000:.0f} ms; the limit alone "
        f"takes {(books.requests - 1) // RATE * 60} s"
    )
    table(firsts, ours)
    compare("as documented", firsts, [peer for peer in PEERS if peer not in ("headrace", TUNED)])
    compare("of all", firsts, [peer for peer in PEERS if peer != "headrace"])
    seconds = {peer: second for peer, (_, second) in whole.items()}
    print(f"second sync after {CHANGES + DELETIONS} changes, which need {books.needed} requests")
    table(seconds, seconds["headrace"].sync.seconds)
    sent = seconds["headrace"].sync.sent
    print(
        f"second sync, requests / what the changes need: {sent / books.needed:.2f} (at most 1)"
        f"{'' if sent <= books.needed else ' MISSED'}: {sent} / {books.needed}"
    )
    print(
        f"{books.small_requests} records, killed half way: time of the second run, requests of both"
    )
    table(killed, killed["headrace"].sync.seconds)


def compare(which: str, firsts: Mapping[str, Measured], peers: list[str]) -> None:
    """The bar of the first import, against the best of these that lost nothing."""
    ours = firsts["headrace"].sync.seconds
    lossless = [peer for peer in peers if not firsts[peer].verdict.lost]
    if not lossless:
        print(f"first import, {which}: every one of them lost records")
        return
    best = min(lossless, key=lambda peer: firsts[peer].sync.seconds)
    theirs = firsts[best].sync.seconds
    ratio = theirs / ours
    print(
        f"first import, the best {which} that loses nothing ({best}) / headrace: {ratio:.2f} "
        f"(at least {BAR}){'' if ratio >= BAR else ' MISSED'}: {theirs:.1f} s / {ours:.1f} s"
    )


def table(rows: Mapping[str, Measured], ours: float) -> None:
    for peer, measured in rows.items():
        sync = measured.sync
        ended = f", exit code {sync.code}" if sync.code else ""
        print(
            f"  {peer:12} {sync.seconds:7.1f} s {sync.seconds / ours:6.2f} x {sync.sent:6,} "
            f"requests {sync.refused:5,} x 429  {measured.verdict}{ended}"
        )


if __name__ == "__main__":
    main()
