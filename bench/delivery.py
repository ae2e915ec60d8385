"""Delivery: what a request costs the client, and how much of the allowed rate is used.

    python bench/delivery.py [--full]

Quick: 3,000 requests for the cost, 700 in real time for the rate, one backlog; under 90 seconds.
`--full` takes 20,000 requests, and 3,000 in real time at each latency: a quarter of an hour.

The rate used: the request after k whole windows of 600 may arrive k x 60 s after the first one at
the earliest; that time over the time that it took, by the hub's log.
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import os
import sqlite3
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from headrace.client.pace import WINDOW
from headrace.fleet.project import load_project
from headrace.model.clock import SYSTEM_CLOCK
from headrace.sync.delivery.outcome import DeliveryOutcome
from headrace.sync.planning.plan import Plan
from headrace.sync.session import Organisation
from headrace.testkit.billing import changes, generate, write_project
from headrace.testkit.hub import hub_process, make_keys

sys.path.insert(0, str(Path(__file__).parent))

from far_hub import far_hub

RATE = 600
CPU_MAX_MS = 0.7
BACKLOG = 600
BACKLOG_MAX = 1.1
IN_FLIGHT = 5

SHARES = {(0.05, 5): 0.99, (0.3, 5): 0.99, (0.8, 10): 0.98}
"""(seconds of latency, requests at a time) to the share of the rate that must be used."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--full", action="store_true", help="more requests, all latencies")
    full = parser.parse_args().full
    with tempfile.TemporaryDirectory(prefix="bench-delivery-") as name:
        folder = Path(name)
        cost(folder / "cost", 20_000 if full else 3_000)
        cases = list(SHARES) if full else [(0.05, 5)]
        for latency, in_flight in cases:
            rate(folder / f"rate-{latency}", 3_000 if full else 700, latency, in_flight)
        for latency, _ in cases:
            backlog(folder / f"backlog-{latency}", latency)


def cost(folder: Path, records: int) -> None:
    """Client CPU per request, journal commit included, planning not; the hub is another process."""
    project = billing(folder, records, rate=10**6)
    (folder / "hub").mkdir()
    with hub_process(folder / "hub") as running:
        pair = make_keys(folder / "hub", "bench")
        with opened(project, running.url, pair.key, pair.secret) as organisation:
            plan = planned(organisation)
            before, started = time.process_time(), time.perf_counter()
            outcome = deliver(organisation, plan)
            spent, took = time.process_time() - before, time.perf_counter() - started
    each = spent * 1000 / outcome.sent
    print(
        f"client CPU per request / bar: {each / CPU_MAX_MS:.2f} (at most 1): {each:.2f} ms /"
        f" {CPU_MAX_MS} ms, {outcome.sent:,} requests without limits in {took:.1f} s"
    )


def rate(folder: Path, records: int, latency: float, in_flight: int) -> None:
    """How much of the rate a first import uses at a hub with Upflow's limits, in real time."""
    project = billing(folder, records, rate=RATE, in_flight=in_flight)
    (folder / "hub").mkdir()
    with far_hub(folder / "hub", latency) as far:
        with opened(project, far.url, far.key, far.secret) as organisation:
            outcome = deliver(organisation, planned(organisation))
        log = far.log()
    refused = sum(one.status == 429 for one in log)
    windows = (len(log) - 1) // RATE
    took = log[windows * RATE].arrived - log[0].arrived
    share = windows * WINDOW / took
    print(
        f"rate used at {latency * 1000:.0f} ms, {in_flight} at a time: {share:.1%} (at least "
        f"{SHARES[latency, in_flight]:.0%}): {windows * WINDOW:.0f} s / {took:.2f} s to the "
        f"{windows * RATE + 1:,}. of {outcome.sent:,} requests, {refused} answers 429 (must be 0)"
    )


def backlog(folder: Path, latency: float) -> None:
    """Changes that fit into one window, against what the places in flight need for them."""
    project = billing(folder, 6_000, rate=10**6)
    (folder / "hub").mkdir()
    with hub_process(folder / "hub") as process:
        pair = make_keys(folder / "hub", "bench")
        with opened(project, process.url, pair.key, pair.secret) as organisation:
            deliver(organisation, planned(organisation))
    forget_answers(project)
    write_project(project, folder / "billing.db", rate=RATE)
    with far_hub(folder / "hub", latency) as far:
        with opened(project, far.url, pair.key, pair.secret) as organisation:
            organisation.binding.renew()  # as if it had been delivered there before
            outcome = deliver(organisation, change(organisation, folder / "billing.db"))
        log = far.log()
    refused = sum(one.status == 429 for one in log)
    # At the latency alone: the hub's own work counts against the client.
    need = len(log) * latency / IN_FLIGHT
    print(
        f"backlog of {outcome.sent} changes at {latency * 1000:.0f} ms / what {IN_FLIGHT} in "
        f"flight need: {outcome.seconds / need:.2f} (at most {BACKLOG_MAX}): "
        f"{outcome.seconds:.2f} s / {need:.2f} s, {refused} answers 429 (must be 0)"
    )


def change(organisation: Organisation, database: Path) -> Plan:
    """A plan of BACKLOG requests; several changes of one record make one, so it takes a few."""
    plan = planned(organisation)
    for seed in itertools.count(5):
        if plan.requests >= BACKLOG:
            assert plan.requests == BACKLOG, plan.requests
            return plan
        missing = BACKLOG - plan.requests
        # Some changes make two.
        changes(database, seed, missing if missing > 50 else max(1, missing // 2))
        plan = planned(organisation)
    raise AssertionError


def billing(folder: Path, records: int, *, rate: int, in_flight: int = IN_FLIGHT) -> Path:
    """A generated book and the project for it."""
    folder.mkdir()
    generate(folder / "billing.db", records=records, seed=1)
    project = write_project(folder / "project", folder / "billing.db", rate=rate)
    file = project / "headrace.toml"
    text = file.read_text(encoding="utf-8")
    file.write_text(
        text.replace(f"rate = {rate}", f"rate = {rate}, in_flight = {in_flight}"), encoding="utf-8"
    )
    return project


def forget_answers(project: Path) -> None:
    """The next hub is a new process with an empty window, so nothing counts any more."""
    connection = sqlite3.connect(project / ".headrace" / "billing" / "journal.db")
    with connection:
        connection.execute("delete from answers")
        # What was sent counts by when that was.
        connection.execute("update sent set at = at - ?", (2 * WINDOW,))
    connection.close()


@contextmanager
def opened(project: Path, url: str, key: str, secret: str) -> Iterator[Organisation]:
    loaded = load_project(project)
    environment = {"HEADRACE_URL": url, "HEADRACE_KEY": key, "HEADRACE_SECRET": secret}
    with loaded.open(loaded.only(None), SYSTEM_CLOCK, os.environ | environment) as organisation:
        yield organisation


def planned(organisation: Organisation) -> Plan:
    organisation.refresh()
    return organisation.plan()


def deliver(organisation: Organisation, plan: Plan) -> DeliveryOutcome:
    outcome = asyncio.run(organisation.apply(plan, "bench"))
    assert outcome.sent == plan.requests, outcome
    return outcome


if __name__ == "__main__":
    main()
