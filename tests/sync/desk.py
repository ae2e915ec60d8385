"""A bookkeeper's desk: one project folder, one organisation of a hub, and what it was sent."""

from __future__ import annotations

import asyncio
import contextlib
import io
import itertools
import json
import os
import shutil
import sqlite3
import subprocess
import sys
import unittest.mock
import urllib.request
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

from rich.console import Console

from forked import Before
from headrace.cli.main import run
from headrace.cli.show.console import console
from headrace.fleet.project import load_project
from headrace.model.clock import SYSTEM_CLOCK
from headrace.model.entity import BY_NAME
from headrace.server.observing.request_log import LogRecord
from headrace.store.context import Context
from headrace.store.engine.place import transactions
from headrace.store.records.organisations import find_organisation
from headrace.sync.delivery.outcome import DeliveryOutcome
from headrace.sync.planning.plan import Plan
from headrace.sync.remote.proof import Reconciled
from headrace.sync.session import Organisation
from headrace.testkit.hub import RunningHub

T = TypeVar("T")
Key = tuple[str, str]
EXAMPLES = Path(__file__).parents[2] / "examples"


class Desk:
    """Works in process like the commands do; `command` starts the real ones."""

    def __init__(self, folder: Path, url: str, key: str, secret: str) -> None:
        self.folder = folder
        self.environment = {
            **os.environ,
            "HEADRACE_URL": url,
            "HEADRACE_KEY": key,
            "HEADRACE_SECRET": secret,
        }

    @contextmanager
    def open(self) -> Iterator[Organisation]:
        loaded = load_project(self.folder)
        with loaded.open(loaded.only(None), SYSTEM_CLOCK, self.environment) as organisation:
            yield organisation

    def plan(self, changes: int | None = 0) -> Plan:
        """The plan, with so many of its changes; None for all."""
        with self.open() as organisation:
            asyncio.run(organisation.prepare())
            plan = organisation.plan()
            return plan if changes == 0 else organisation.with_changes(plan, changes)

    def apply(self, *, force: bool = True, patience: float = 60.0) -> tuple[Plan, DeliveryOutcome]:
        with self.open() as organisation:
            asyncio.run(organisation.prepare())
            plan = organisation.plan()
            if not force:
                plan.raise_if_unsafe()
            return plan, asyncio.run(organisation.apply(plan, "apply", None, patience))

    def apply_and_look(self) -> tuple[Plan, DeliveryOutcome, Plan]:
        """An apply, and the plan of what it left, by the same source."""
        with self.open() as organisation:
            asyncio.run(organisation.prepare())
            plan = organisation.plan()
            outcome = asyncio.run(organisation.apply(plan, "apply"))
            organisation.compare()
            return plan, outcome, organisation.plan()

    def apply_and_prove(
        self, seen: Callable[[Plan], None] | None = None
    ) -> tuple[DeliveryOutcome, Plan, Reconciled]:
        """An apply, then what is left to do and whether both sides agree, by the same source.

        `seen` is called with the plan and all its changes before it is applied.
        """
        with self.open() as organisation:
            asyncio.run(organisation.prepare())
            plan = organisation.plan()
            if seen is not None:
                seen(organisation.with_changes(plan, None))
            outcome = asyncio.run(organisation.apply(plan, "apply"))
            organisation.compare()
            return outcome, organisation.plan(), asyncio.run(organisation.remote.reconcile())

    def reconcile(self) -> Reconciled:
        with self.open() as organisation:
            asyncio.run(organisation.prepare())
            organisation.plan()
            return asyncio.run(organisation.remote.reconcile())

    def get(self, path: str) -> Any:
        """What the API answers to a GET below /v1."""
        return self.request("GET", path)

    def post(self, path: str, body: Any) -> Any:
        """What it answers to a POST."""
        return self.request("POST", path, body)

    def request(self, method: str, path: str, body: Any = None) -> Any:
        """What it answers to any request, None without a body."""
        request = urllib.request.Request(
            self.environment["HEADRACE_URL"] + path,
            None if body is None else json.dumps(body).encode(),
            {
                "X-Api-Key": self.environment["HEADRACE_KEY"],
                "X-Api-Secret": self.environment["HEADRACE_SECRET"],
                "Content-Type": "application/json",
            },
            method=method,
        )
        with urllib.request.urlopen(request) as answer:
            content = answer.read()
        return json.loads(content) if content else None

    def command(self, *words: str) -> subprocess.CompletedProcess[str]:
        """A `headrace` command on the project, as `line` runs it."""
        return self.line(*words, "--project", str(self.folder))

    def line(self, *words: str) -> subprocess.CompletedProcess[str]:
        """Any `headrace` command with its exit code and all that it said, in this process: starting
        one takes most of a second."""
        arguments = list(words)
        out, err = io.StringIO(), io.StringIO()
        with (
            unittest.mock.patch.dict(os.environ, self.environment),
            unittest.mock.patch("sys.stdin", io.StringIO()),
            contextlib.redirect_stdout(out),
            contextlib.redirect_stderr(err),
        ):
            code = run(arguments)
        return subprocess.CompletedProcess(arguments, code, out.getvalue(), err.getvalue())

    def start(self, *words: str, before: Before | None = None) -> Command:
        """A command as a process of its own, in which something may happen before."""
        return Command([*words, "--project", str(self.folder)], self.environment, before)


class Command:
    """A `headrace` command as a process of its own."""

    def __init__(
        self, words: list[str], environment: Mapping[str, str], before: Before | None = None
    ) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "headrace", *words],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=dict(environment),
            preexec_fn=before,
        )

    def communicated(self, timeout: float = 90.0) -> subprocess.CompletedProcess[str]:
        """Its exit code and all that it said; never a traceback."""
        try:
            out, err = self.process.communicate(timeout=timeout)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.communicate()
            raise
        assert "Traceback" not in out + err, out + err
        return subprocess.CompletedProcess(self.process.args, self.process.returncode, out, err)


class HubDesk(Desk):
    """A desk at an organisation of its own in a hub of this process."""

    def __init__(self, folder: Path, hub: RunningHub, name: str, currency: str = "EUR") -> None:
        pair = hub.add_organisation(name, currency)
        super().__init__(folder, hub.url, pair.key, pair.secret)
        self.hub = hub
        self.name = name

    def log(self) -> list[LogRecord]:
        """All requests of this organisation, in the order of their arrival."""
        own = [record for record in self.hub.requests() if record.organisation == self.name]
        return sorted(own, key=lambda record: record.arrived)

    def administer(self, make: Callable[..., Any], *arguments: Any, **named: Any) -> Any:
        """What people do in Upflow's pages: a store function for this organisation."""

        def made(db: Any) -> Any:
            organisation = find_organisation(db, self.name)
            assert organisation is not None
            return make(db, Context(organisation, SYSTEM_CLOCK.now()), *arguments, **named)

        with transactions(self.hub.place) as transact:
            return transact(made)

    def typed(self, customer: dict[str, Any]) -> dict[str, Any]:
        """A customer that people made, without an external id."""
        path = f"/organisations/{self.name}/customers"
        made: dict[str, Any] = self.hub.control.call("POST", path, customer)
        return made

    def writes(self, since: int = 0) -> list[LogRecord]:
        """The same without what only reads, from the `since`th on."""
        return [record for record in self.log() if record.method != "GET"][since:]


def sent(records: Iterable[LogRecord]) -> Counter[Key]:
    """How often each record was sent or deleted."""
    return Counter((str(record.entity), str(record.external_id)) for record in records)


def overlapping(records: Iterable[LogRecord]) -> list[tuple[LogRecord, LogRecord]]:
    """Pairs of requests of one customer that were under way at the same time."""
    by_customer: dict[str, list[LogRecord]] = defaultdict(list)
    for record in sorted(records, key=lambda record: record.arrived):
        assert record.customer is not None, record
        by_customer[record.customer].append(record)
    return [
        (one, other)
        for line in by_customer.values()
        for one, other in itertools.pairwise(line)
        if other.arrived < one.answered
    ]


def most_at_a_time(records: Iterable[LogRecord]) -> int:
    """The most requests that were under way at any moment."""
    moments = sorted(
        moment for record in records for moment in ((record.arrived, 1), (record.answered, -1))
    )
    most = now = 0
    for _, step in moments:
        now += step
        most = max(most, now)
    return most


def most_in_a_window(arrivals: Iterable[float], window: float) -> int:
    """The most arrivals in any half-open window of that length."""
    times = sorted(arrivals)
    most = first = 0
    for last, moment in enumerate(times):
        while times[first] <= moment - window:
            first += 1
        most = max(most, last - first + 1)
    return most


def copy_example(name: str, folder: Path) -> Path:
    """A copy of the example `name`, in a folder whose name has a space."""
    project = folder / "with a space" / name
    shutil.copytree(EXAMPLES / name, project)
    return project


def shown(show: Callable[[Console, T], None], value: T) -> str:
    """What a command says by `show` of a plan or a proof that was made anyway: the command would
    make it again."""
    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        show(console, value)
    return out.getvalue()


def prove_in_step(desk: HubDesk, records: int | None = None) -> None:
    """The plan is empty, a second apply sends nothing, reconcile balances."""
    with desk.open() as organisation:
        asyncio.run(organisation.prepare())
        _proved(desk, organisation, records)


def apply_in_step(
    desk: HubDesk, records: int | None = None, *, force: bool = True
) -> tuple[Plan, DeliveryOutcome, Reconciled]:
    """An apply, then the same proof, of which the source is not read again: it costs less than half
    as much as to apply and then `prove_in_step`."""
    with desk.open() as organisation:
        asyncio.run(organisation.prepare())
        plan = organisation.plan()
        if not force:
            plan.raise_if_unsafe()
        outcome = asyncio.run(organisation.apply(plan, "apply"))
        organisation.compare()
        proof = _proved(desk, organisation, records)
    return plan, outcome, proof


def _proved(desk: HubDesk, organisation: Organisation, records: int | None) -> Reconciled:
    writes = len(desk.writes())
    plan = organisation.plan()
    outcome = asyncio.run(organisation.apply(plan, "apply"))
    proof = asyncio.run(organisation.remote.reconcile())
    assert plan.empty and not plan.held, (plan.counts, plan.held)
    assert plan.drifted == []
    assert (outcome.sent, len(desk.writes())) == (0, writes)
    assert proof.balanced, (proof.differences[:3], proof.statements[:3])
    if records is not None:
        assert proof.customers + proof.documents == records
    return proof


def execute(database: Path, *statements: str) -> None:
    """Runs statements in a SQLite file."""
    connection = sqlite3.connect(database)
    with connection:
        for statement in statements:
            connection.execute(statement)
    connection.close()


def query(database: Path, sql: str) -> list[tuple[Any, ...]]:
    """Rows of a SQLite file."""
    connection = sqlite3.connect(database)
    try:
        return connection.execute(sql).fetchall()
    finally:
        connection.close()


ENTITY_NAMES = tuple(BY_NAME)
