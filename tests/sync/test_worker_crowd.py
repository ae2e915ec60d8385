"""300 organisations and four workers, of which one dies every few seconds."""

from __future__ import annotations

import itertools
import json
import random
import shutil
import sqlite3
import time
from collections import Counter
from pathlib import Path
from typing import Any

import psycopg
import pytest
from desk import Command, Desk
from receiver import receiver
from shop import Shop

from headrace.testkit.hub import RunningHub, hub
from postgres import restartable_server

_PROJECT = """
state = "{url}"

[alerts]
to = ["env:ALERTS"]
failures = 1
unreachable = "1s"
silent = "6h"
lag = "6h"

[defaults]
every = "10m"
target = {{ url = "env:HEADRACE_URL", key = "file:keys/{{name}}.key", \
secret = "file:keys/{{name}}.secret", in_flight = 4 }}

[template.shop]
source = {{ kind = "sql", url = "sqlite:///{{name}}.db" }}
"""
_ORGANISATIONS, _LARGE = 300, 2_000
_WORKERS, _AT_ONCE, _IN_FLIGHT = 4, 4, 4
_KILLING_S = 120.0


class Crowd:
    """The project with its organisations: o0 is large, o1 to o3 are in trouble."""

    def __init__(self, folder: Path, url: str, running: RunningHub, alerts: str) -> None:
        self.folder = folder
        self.url = url
        self.hub = running
        self.desk = Desk(folder, running.url, "", "")
        self.desk.environment["ALERTS"] = alerts
        self.names = [f"o{number}" for number in range(_ORGANISATIONS)]
        (folder / "keys").mkdir(parents=True)
        (folder / "headrace.toml").write_text(_PROJECT.format(url=url), encoding="utf-8")
        _shop(folder / "small.db", 3)
        _shop(folder / "o0.db", _LARGE)
        tables = []
        for name in self.names:
            pair = running.add_organisation(name)
            if name != "o0":
                shutil.copy(folder / "small.db", folder / f"{name}.db")
            (folder / "keys" / f"{name}.key").write_text(pair.key, encoding="utf-8")
            (folder / "keys" / f"{name}.secret").write_text(pair.secret, encoding="utf-8")
            tables.append(f'[organisation.{name}]\ntemplate = "shop"\n')
        self._trouble(tables)
        (folder / "many.toml").write_text("".join(tables), encoding="utf-8")
        added = self.desk.command("fleet", "add", "--from", str(folder / "many.toml"))
        assert f"{_ORGANISATIONS} organisations added" in added.stdout, added.stderr

    def _trouble(self, tables: list[str]) -> None:
        """A wrong key for o1, a broken model for o2, a source that is gone for o3."""
        (self.folder / "keys" / "o1.secret").write_text("wrong", encoding="utf-8")
        (self.folder / "broken").mkdir()
        for table, sql in (("customers", "from customers"), ("invoices", "select nothing at all")):
            (self.folder / "broken" / f"{table}.sql").write_text(sql, encoding="utf-8")
        tables[2] += 'models = "broken"\n'
        (self.folder / "o3.db").unlink()

    def work(self) -> Command:
        return self.desk.start("worker", "--at-once", str(_AT_ONCE), "--takeover", "6s")

    def listed(self) -> dict[str, dict[str, Any]]:
        document = json.loads(self.desk.command("fleet", "list", "--json").stdout)
        return {one["organisation"]: one for one in document["organisations"]}

    def add_invoice(self, name: str, external_id: str) -> None:
        with sqlite3.connect(self.folder / f"{name}.db", timeout=30) as database:
            database.execute(
                "insert into invoices select ?, customer_external_id, custom_id || ?, issued_at, "
                "due_date, currency, gross_amount, net_amount, name, marked_paid_at from invoices "
                "limit 1",
                (external_id, external_id),
            )

    def wait_until_in_step(self, healthy: list[str], seconds: float) -> None:
        end = time.monotonic() + seconds
        while True:
            listed = self.listed()
            behind = [name for name in healthy if listed[name]["state"] != "in step"]
            if not behind:
                return
            assert time.monotonic() < end, f"{len(behind)} are not in step: {behind[:10]}"
            time.sleep(2)


def _shop(file: Path, invoices: int) -> None:
    shop = Shop(file.with_suffix(""))
    for customer in range(max(1, invoices // 50)):
        shop.customer(f"C{customer}")
    for number in range(invoices):
        shop.invoice(f"I{number}", f"C{number % max(1, invoices // 50)}", 1000)
    shop.close()
    (file.with_suffix("") / "shop.db").rename(file)


@pytest.mark.soak
def test_300_organisations_stay_in_step_while_workers_die(tmp_path: Path) -> None:
    with (
        restartable_server() as (url, restart),
        hub(limits="upflow", latency=0.05) as running,
        receiver() as received,
    ):
        crowd = Crowd(tmp_path / "crowd", url, running, received.address)
        workers = [crowd.work() for _ in range(_WORKERS)]
        try:
            kills = _kill_workers(crowd, workers, restart)
            healthy = [name for name in crowd.names if name not in ("o1", "o2", "o3")]
            for name in healthy[::7]:
                crowd.add_invoice(name, "late")
                crowd.desk.command("fleet", "sync", name)
            crowd.wait_until_in_step(healthy, 900)
            _check(crowd, healthy, kills)
            # The restart of the database is a trouble of its own, with its own messages.
            titles = [one for one in received.titles() if "the journal can't be used" not in one]
            assert len(titles) == 3, titles
            assert all(any(name in title for title in titles) for name in ("o1", "o2", "o3"))
        finally:
            for worker in workers:
                worker.process.terminate()
            for worker in workers:
                worker.process.communicate(timeout=60)


def _kill_workers(crowd: Crowd, workers: list[Command], restart: Any) -> int:
    chance, kills = random.Random(7), 0
    end = time.monotonic() + _KILLING_S
    restart_at = time.monotonic() + _KILLING_S / 2
    while time.monotonic() < end:
        time.sleep(chance.uniform(2, 6))
        place = chance.randrange(_WORKERS)
        workers[place].process.kill()
        workers[place].process.communicate()
        workers[place] = crowd.work()
        kills += 1
        if time.monotonic() > restart_at:
            restart()
            kills += _WORKERS
            restart_at = end
    return kills


def _check(crowd: Crowd, healthy: list[str], kills: int) -> None:
    listed = crowd.listed()
    assert [name for name, one in listed.items() if one["state"] == "failed"] == ["o1", "o2", "o3"]
    taken: dict[str, Counter[str]] = {name: Counter() for name in crowd.names}
    for record in crowd.hub.requests():
        if record.method == "POST" and record.status in (200, 201):
            taken[record.organisation or ""][f"{record.entity} {record.external_id}"] += 1
    for name in healthy:
        with sqlite3.connect(crowd.folder / f"{name}.db") as database:
            rows = database.execute(
                "select 'customer ' || external_id from customers "
                "union all select 'invoice ' || external_id from invoices"
            ).fetchall()
        assert set(taken[name]) == {row for (row,) in rows}, name
    repeated = sum(count - 1 for counter in taken.values() for count in counter.values())
    print(f"{kills} kills, {repeated} repeated requests")
    assert repeated <= kills * _AT_ONCE * _IN_FLIGHT
    for name in [*healthy[::30], "o0"]:
        said = crowd.desk.command("reconcile", "--organisation", name)
        assert said.returncode == 0, said.stdout
    with psycopg.connect(crowd.url) as connection:
        rounds = connection.execute(
            "select organisation, started_at, ended_at from headrace_fleet.round order by 1, 2"
        ).fetchall()
    for (one, _, ended), (other, started, _) in itertools.pairwise(rounds):
        assert one != other or started >= ended
