"""A loop with its sync pages: organisations with everything, with a plan that waits, with nothing,
and names that are hard to show."""

from __future__ import annotations

import asyncio
import contextlib
import io
import json
import os
import sqlite3
import threading
import time
import unittest.mock
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

from portal_data import ARABIC, LONG, PDF

from headrace.cli.main import run
from headrace.fleet.loop import Loop
from headrace.fleet.round import Round
from headrace.fleet.watch import WatchedProject
from headrace.model.clock import SYSTEM_CLOCK
from headrace.testkit.hub import RunningHub
from headrace.watching.watch import Pages, Watch
from portal_reader import Reader

ANNA, BEN = "correct horse battery", "staple and paper clip"
HTML = '<script>alert("x")</script><b>&amp;'
_TABLES = """
create table customers (external_id text, name text);
create table invoices (external_id text, customer_external_id text, custom_id text,
  issued_at text, due_date text, currency text, gross_amount integer, net_amount integer);
create table payments (external_id text, customer_external_id text, currency text,
  amount integer, validated_at text, ref_number text);
create table allocations (from_entity text, from_external_id text, to_entity text,
  to_external_id text, amount integer);
create table documents (entity text, external_id text, location text);
"""
_CONTROL = "create table control (customer_external_id text, currency text, balance integer)"
_ORGANISATION = """
[organisation.{name}]
target = {{ url = "env:{id}_URL", key = "env:{id}_KEY", secret = "env:{id}_SECRET", \
rate = 1000000 }}
source = {{ kind = "sql", url = "sqlite:///{name}.db" }}
every = "1h"
hints = "off"
{more}
"""
_PATIENCE_S = 60.0


class Company:
    """One organisation: its billing database, and the API that it is synced to."""

    def __init__(self, folder: Path, running: RunningHub, name: str, more: str = "") -> None:
        self.name = name
        self.running = running
        self._file = folder / f"{name}.db"
        with closing(sqlite3.connect(self._file)) as database:
            database.executescript(_TABLES)
        pair = running.add_organisation(name)
        self._url = running.url
        self._headers = {"X-Api-Key": pair.key, "X-Api-Secret": pair.secret}
        id = name.upper()
        self.environment = {
            f"{id}_URL": running.url,
            f"{id}_KEY": pair.key,
            f"{id}_SECRET": pair.secret,
        }
        self.settings = _ORGANISATION.format(name=name, id=id, more=more)

    def insert(self, table: str, *rows: Sequence[object]) -> None:
        """Add rows to the billing database."""
        self.insert_all(table, rows)

    def insert_all(self, table: str, rows: Sequence[Sequence[object]]) -> None:
        """Add many rows."""
        marks = ", ".join("?" * len(rows[0]))
        with closing(sqlite3.connect(self._file)) as database, database:
            database.executemany(f"insert into {table} values ({marks})", rows)

    def run(self, sql: str, *values: object) -> None:
        """Run a statement on the billing database."""
        with closing(sqlite3.connect(self._file)) as database, database:
            database.execute(sql, values)

    def invoice(self, id: str, owner: str, amount: object, due: str | None = "2099-12-01") -> None:
        """Add an invoice."""
        row = (id, owner, f"INV-{id}", "2026-11-01", due, "EUR", amount, amount)
        self.insert("invoices", row)

    def pay_in_portal(self, customer: str) -> None:
        """Let a customer pay all its open invoices in the portal."""
        own = f"/organisations/{self.name}"
        self.running.control.call("PUT", f"{own}/portal", {"payments": "on"})
        reader = Reader(self.call("POST", f"/customers/external:{customer}/portal", {})["url"])
        chosen = reader.get("/selection", [("all", "1")])
        paid = reader.post("/pay", chosen.fields("/pay"))
        assert "Reference: UPF-" in paid.words

    def call(self, method: str, path: str, body: Any = None) -> Any:
        """Send a request to the API; it must succeed."""
        data = json.dumps(body).encode() if body is not None else None
        headers = {"Content-Type": "application/json", **self._headers}
        request = Request(self._url + path, data, headers, method=method)
        with urlopen(request, timeout=30) as got:
            text = got.read()
        return json.loads(text) if text else None


class World:
    """A loop on a thread of its own, with its pages."""

    def __init__(
        self, folder: Path, companies: Sequence[Company], people: bool, journal: str
    ) -> None:
        self.companies = {one.name: one for one in companies}
        start = "at_once = 4\n" + ('journal = "env:JOURNAL"\n' if journal else "")
        (folder / "headrace.toml").write_text(
            start + "".join(one.settings for one in companies), "utf-8"
        )
        secrets = {"anna": ANNA, "ben": BEN} if people else {}
        hosts = ["sync.example.com"] if people else []
        pages = Pages(hosts=hosts, people=secrets)
        self.watched = WatchedProject(folder, lambda sentence: None)
        self.watch = Watch("0", SYSTEM_CLOCK, pages)
        self.rounds: list[Round] = []
        self.loop = Loop(
            self.watched,
            None,
            SYSTEM_CLOCK,
            self.rounds.append,
            observer=self.watch.observers,
            pictures=True,
        )
        self.watch.attend(self.loop)
        self._thread = threading.Thread(target=self._run)

    @property
    def url(self) -> str:
        """Where the pages are."""
        return self.watch.url

    def _run(self) -> None:
        asyncio.run(self.loop.run())

    def __enter__(self) -> World:
        self.watch.__enter__()
        self._thread.start()
        self.wait(lambda: len({one.organisation for one in self.rounds}) == len(self.companies))
        return self

    def __exit__(self, *raised: object) -> None:
        events = self.loop._events
        if events is not None:
            events.call_soon_threadsafe(self.loop.stop)
        self._thread.join(_PATIENCE_S)
        self.watch.stop()

    def command(self, *words: str) -> None:
        """Run a `headrace` command on the project, in this process."""
        with contextlib.redirect_stdout(io.StringIO()):
            run([*words, "--project", str(self.watched.project.folder)])

    def wait(self, until: Callable[[], object]) -> None:
        """Wait until something is true."""
        ends = time.monotonic() + _PATIENCE_S
        while not until():
            assert time.monotonic() < ends, "the loop did not get there"
            time.sleep(0.02)

    def round(self, name: str) -> Round:
        """Let the loop sync an organisation and open its book, and return the round."""
        before = len(self.rounds)
        self.loop.ask(name, open_book=True)
        self.wait(lambda: any(one.organisation == name for one in self.rounds[before:]))
        return next(one for one in self.rounds[before:] if one.organisation == name)


@contextmanager
def sync_world(
    folder: Path, running: RunningHub, people: bool = True, journal: str = ""
) -> Iterator[World]:
    """Run a loop over `acme`, which has everything, `waits`, whose plan waits, and `empty`; their
    journals are in the database `journal`, or files."""
    prefix = "" if people else "ro-"
    acme = Company(folder, running, f"{prefix}acme")
    waits = Company(folder, running, f"{prefix}waits", 'approve = "always"')
    empty = Company(folder, running, f"{prefix}empty")
    _fill_acme(acme)
    _fill_waiting(folder, waits)
    environment = {"JOURNAL": journal}
    for one in (acme, waits, empty):
        environment |= one.environment
    with (
        unittest.mock.patch.dict(os.environ, environment),
        World(folder, [acme, waits, empty], people, journal) as world,
    ):
        yield world


def _fill_acme(acme: Company) -> None:
    acme.insert(
        "customers",
        ("C1", "Northwind Traders"),
        ("AR", ARABIC),
        ("LONG", LONG),
        ("HTML", HTML),
        ("REFUSED", "x" * 10_001),
    )
    for owner in ("C1", "AR", "LONG", "HTML"):
        acme.invoice(f"{owner}-1", owner, 120_050)
        acme.invoice(f"{owner}-2", owner, 5_000)
    acme.invoice(f"{HTML}-3", "HTML", 100, None)
    acme.invoice("NODATE", "C1", 777, None)
    acme.insert("payments", ("P1", "C1", "EUR", 20_000, "2026-11-05", "wire 17"))
    acme.insert("allocations", ("payment", "P1", "invoice", "C1-1", 20_000))
    acme.run(_CONTROL)
    own = {"C1": 105_827, "AR": 125_050, "LONG": 125_000, "HTML": 125_150}
    acme.insert("control", *((owner, "EUR", balance) for owner, balance in own.items()))


def _fill_waiting(folder: Path, waits: Company) -> None:
    waits.insert("customers", *((f"W{n}", f"Customer {n}") for n in range(30)), ("WAR", ARABIC))
    waits.insert("customers", ("WLONG", LONG), ("WHTML", HTML))
    for n in range(30):
        waits.invoice(f"W{n}-1", f"W{n}", 10_000 + n)
    for n in range(60):
        waits.invoice(f"BIG-{n}", "WAR", 1_000_000)
    waits.invoice("WLONG-1", "WLONG", 900_000)
    waits.invoice(HTML, "WHTML", 800_000)
    (folder / 'bill "7"\r\nX-Evil: 1.pdf').write_bytes(PDF)
    (folder / "secret.txt").write_text("not for the pages", "utf-8")
    waits.insert(
        "documents",
        ("invoice", "BIG-0", 'bill "7"\r\nX-Evil: 1.pdf'),
        ("invoice", "WLONG-1", "secret.txt"),
    )
