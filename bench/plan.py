"""Planning against the bare engine: hash every staged column, anti-join with the last hashes.

    python bench/plan.py [--full]

Quick takes 100,000 records, `--full` a million, for which the bars are, and five million. Each
figure is the median of three.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import duckdb

from headrace.fleet.project import load_project
from headrace.model.clock import SYSTEM_CLOCK
from headrace.sync.journal import Adopted
from headrace.sync.session import Organisation
from headrace.testkit.billing import changes, generate, write_project

KEYS = {
    "clients": "client_no",
    "people": "person_id, client_no",
    "bills": "bill_id",
    "money_in": "receipt_id",
    "money_out": "payout_id",
    "applied": "source_kind, source_id, target_kind, target_id",
    "journal": "entry_id",
}
CHANGED = 1_000
PLAN_MAX = 3.0
LARGER = 5
LARGER_MAX = 6.0
MEMORY_MAX_MB = 1_200
_WATCH = """
import resource, subprocess, sys
subprocess.run(sys.argv[1:], check=True, stdout=subprocess.DEVNULL)
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
"""
"""Runs a command and prints its peak in kB. A process of its own: the system counts what the parent
of a new process holds as the child's, and this one holds the whole book."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--full", action="store_true", help="a million records, and five")
    full = parser.parse_args().full
    os.environ.update(HEADRACE_URL="http://127.0.0.1:1/v1", HEADRACE_KEY="-", HEADRACE_SECRET="-")
    with tempfile.TemporaryDirectory(prefix="bench-plan-") as folder:
        if not full:
            run(Path(folder) / "quick", 100_000)
            return
        small = run(Path(folder) / "small", 1_000_000)
        large = run(Path(folder) / "large", 1_000_000 * LARGER)
    print(
        f"plan of {LARGER} million records / of one: {large / small:.2f} (at most {LARGER_MAX}): "
        f"{large:.2f} s / {small:.2f} s"
    )


def run(folder: Path, records: int) -> float:
    """Seconds of a plan with changes, after printing what it is held against."""
    folder.mkdir()
    database, project = folder / "billing.db", folder / "project"
    generate(database, records=records, seed=1)
    write_project(project, f"sqlite:///{database}")
    loaded = load_project(project)
    with loaded.open(loaded.only(None), SYSTEM_CLOCK) as organisation:
        organisation.refresh()
        acknowledge_everything(organisation)
        bare_remember(organisation.book.connection)
        unchanged = median(lambda: plan(organisation))
        assert organisation.plan().empty
        changes(database, 2, CHANGED)
        organisation.refresh()
        bare = median(lambda: bare_compare(organisation.book.connection))
        # Its memory is not the plan's.
        organisation.book.connection.execute("drop schema bare cascade")
        changed = median(lambda: plan(organisation))
        requests = organisation.plan().requests
    print(
        f"plan of {records:,} records, {CHANGED:,} changed ({requests:,} requests) / bare engine: "
        f"{changed / bare:.2f} (at most {PLAN_MAX} at a million): {changed:.2f} s / {bare:.2f} s"
    )
    print(
        f"plan with none changed / with {CHANGED:,} changed: {unchanged / changed:.2f} (at most 1):"
        f" {unchanged:.2f} s / {changed:.2f} s, 0 requests"
    )
    peak = peak_memory(project)
    print(
        f"peak memory of `headrace plan` / bar: {peak / MEMORY_MAX_MB:.2f} (at most 1): "
        f"{peak:.0f} MB / {MEMORY_MAX_MB:,} MB, staging included"
    )
    return changed


def plan(organisation: Organisation) -> None:
    """What `headrace plan` does between staging and printing."""
    organisation.rebuild(whole=True)
    organisation.plan()


def acknowledge_everything(organisation: Organisation, among: str = "") -> None:
    """Fills the journal as a complete import would, with hashes that no payload has; `among` is a
    join that leaves only some of the records."""
    rows = organisation.book.connection.execute(
        "select entity, external_id, fingerprint, customer from book.fingerprints "
        f"join book.placed using (entity, external_id) {among}"
    ).fetchall()
    organisation.journal.adopt(
        Adopted(entity, external_id, owner, fingerprint, b"-")
        for entity, external_id, fingerprint, owner in rows
    )


def bare_remember(connection: duckdb.DuckDBPyConnection) -> None:
    connection.execute("create schema bare")
    for table, key in KEYS.items():
        connection.execute(
            f"create table bare.{table} as select {key}, {row_hash(connection, table)} as h "
            f"from staging.source.{table}"
        )


def bare_compare(connection: duckdb.DuckDBPyConnection) -> None:
    for table, key in KEYS.items():
        hashed = f"select {key}, {row_hash(connection, table)} as h from staging.source.{table}"
        for one, other in ((f"({hashed})", f"bare.{table}"), (f"bare.{table}", f"({hashed})")):
            connection.execute(f"from {one} as one anti join {other} as other using ({key}, h)")
            connection.fetchall()


def row_hash(connection: duckdb.DuckDBPyConnection, table: str) -> str:
    columns = connection.execute(f"describe staging.source.{table}").fetchall()
    return f"hash({', '.join(column[0] for column in columns)})"


def median(work: Callable[[], None]) -> float:
    """Seconds, the median of three runs."""
    times = []
    for _ in range(3):
        started = time.perf_counter()
        work()
        times.append(time.perf_counter() - started)
    return statistics.median(times)


def peak_memory(project: Path) -> float:
    """MB at most while `headrace plan` runs, source to JSON."""
    command = [sys.executable, "-m", "headrace", "plan", "--json", "-p", str(project)]
    told = subprocess.run(
        [sys.executable, "-c", _WATCH, *command], check=True, capture_output=True, text=True
    )
    return int(told.stdout) / 1024


if __name__ == "__main__":
    main()
