"""A peer at work: a first import, a second sync, and an import that is killed half way."""

from __future__ import annotations

import os
import shutil
import signal
import sqlite3
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from msgspec import Struct

from far_hub import Request, far_hub
from headrace.testkit.billing import changes, generate
from judge import Verdict, judge
from peer_commands import Command, Peer, Site

LATENCY = 0.3
CHANGES = 24
DELETIONS = 6
KILLED_RECORDS = 300
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


class Sync(Struct, frozen=True):
    """What one run of a command did, and left at the hub."""

    seconds: float
    requests: list[Request]
    code: int
    verdict: Verdict

    @property
    def sent(self) -> int:
        """Requests that the hub let in."""
        return len(self.requests) - self.refused

    @property
    def refused(self) -> int:
        """Answers 429."""
        return sum(one.status == 429 for one in self.requests)

    @property
    def overlaps(self) -> int:
        """Requests that came while another of the same customer was under way."""
        until: dict[str, float] = {}
        found = 0
        for one in self.requests:
            if one.customer is not None:
                found += one.arrived < until.get(one.customer, 0.0)
                until[one.customer] = max(until.get(one.customer, 0.0), one.answered + LATENCY)
        return found


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
    connection, gone = sqlite3.connect(database), 0
    with connection:
        for entity, (find, deletions) in DELETABLE.items():
            found = [one for (one,) in connection.execute(find) if (entity, str(one)) not in dirty]
            for one in found[: DELETIONS // len(DELETABLE)]:
                gone += 1
                for statement in deletions:
                    connection.execute(statement, (one,))
    connection.close()
    assert gone == DELETIONS, gone
    return gone


def first_and_second(folder: Path, peer: Peer, books: Books) -> tuple[Sync, Sync]:
    """A first import, and a sync after the changes."""
    with working(folder, peer, books.first) as (site, command):
        first = run(site, command, "first")
        shutil.copy(books.second, site.database)
        return first, run(site, command, "second")


def kill_and_go_on(folder: Path, peer: Peer, books: Books) -> Sync:
    """A first import, killed half way, and the same command again; requests of both, its time."""
    with working(folder, peer, books.small) as (site, command):
        process = start(site, command)
        while len(site.hub.log()) < books.small_requests // 2 and process.poll() is None:
            time.sleep(0.1)
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        time.sleep(2 * LATENCY)
        return run(site, command, "killed", since=0)


@contextmanager
def working(folder: Path, peer: Peer, book: Path) -> Iterator[tuple[Site, Command]]:
    """A fresh hub with the peer before it, in a folder that is made."""
    (folder / "hub").mkdir(parents=True)
    database = folder / "billing.db"
    shutil.copy(book, database)
    with far_hub(folder / "hub", LATENCY) as hub:
        site = Site(folder, database, hub)
        yield site, peer.prepare(site)


def run(site: Site, command: Command, name: str, since: int | None = None) -> Sync:
    """The command, from its start to its end; requests from the `since`th on, or its own."""
    hub = site.hub
    before, started = len(hub.log()) if since is None else since, time.perf_counter()
    code = start(site, command).wait()
    seconds, requests = time.perf_counter() - started, hub.log(before)
    verdict = judge(site.folder / f"judge-{name}", site.database, hub.url, hub.key, hub.secret)
    return Sync(seconds, requests, code, verdict)


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
