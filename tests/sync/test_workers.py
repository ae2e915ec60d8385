"""Workers that share a database: the register, takeovers, and one worker per organisation."""

from __future__ import annotations

import hashlib
import hmac
import itertools
import json
import signal
import socket
import sqlite3
import subprocess
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import psycopg
import pytest
from desk import Command, Desk, most_at_a_time
from shop import Shop

from headrace.testkit.hub import RunningHub, hub
from postgres import fresh_database

_PROJECT = """
state = "{url}"

[defaults]
every = "1h"
target = {{ url = "env:HEADRACE_URL", rate = 1000000, in_flight = 2 }}

[template.shop]
source = {{ kind = "sql", url = "sqlite:///{{name}}.db" }}
"""
_TAKEOVER_S = 2.0


@pytest.fixture(scope="module")
def slow_hub() -> Iterator[RunningHub]:
    with hub(limits="off", latency=0.02) as running:
        yield running


class Workplace:
    """A project whose organisations are in a register, each with its own small billing file."""

    def __init__(self, folder: Path, url: str, running: RunningHub) -> None:
        folder.mkdir()
        self.folder = folder
        self.url = url
        self.hub = running
        self.desk = Desk(folder, running.url, "", "")
        (folder / "headrace.toml").write_text(_PROJECT.format(url=url), encoding="utf-8")
        self.workers: list[Command] = []

    def shop(self, name: str, invoices: int) -> None:
        """A billing file with a customer and its invoices, and an organisation of the hub."""
        pair = self.hub.add_organisation(name)
        shop = Shop(self.folder / name)
        shop.customer("C")
        for number in range(invoices):
            shop.invoice(f"I{number}", "C", 1000)
        shop.close()
        (self.folder / name / "shop.db").rename(self.folder / f"{name}.db")
        (self.folder / f"{name}.key").write_text(pair.key, encoding="utf-8")
        (self.folder / f"{name}.secret").write_text(pair.secret, encoding="utf-8")

    def run(self, *words: str) -> subprocess.CompletedProcess[str]:
        return self.desk.command(*words)

    def add(self, name: str, *words: str) -> subprocess.CompletedProcess[str]:
        keys = ("--key", f"file:{name}.key", "--secret", f"file:{name}.secret")
        return self.run("fleet", "add", name, "--template", "shop", *keys, *words)

    def work(self) -> Command:
        """Start a worker."""
        command = self.desk.start("worker", "--at-once", "2", "--takeover", f"{_TAKEOVER_S:g}s")
        self.workers.append(command)
        return command

    def listed(self) -> dict[str, dict[str, Any]]:
        document = json.loads(self.run("fleet", "list", "--json").stdout)
        return {one["organisation"]: one for one in document["organisations"]}

    def wait(self, holds: Callable[[], bool], seconds: float = 60.0) -> None:
        """Wait until something holds."""
        end = time.monotonic() + seconds
        while not holds():
            assert time.monotonic() < end, self.run("fleet", "list").stdout
            time.sleep(0.05)

    def log(self, name: str) -> list[Any]:
        """Requests of an organisation in the order of their arrival."""
        own = [one for one in self.hub.requests() if one.organisation == name]
        return sorted(own, key=lambda one: one.arrived)

    def sent(self, name: str) -> int:
        """How many documents the hub has imported."""
        return len({one.external_id for one in self.log(name) if one.method == "POST"})

    def query(self, sql: str) -> list[tuple[Any, ...]]:
        with psycopg.connect(self.url, autocommit=True) as connection:
            connection.execute("set search_path = headrace_fleet")
            return connection.execute(sql).fetchall()

    def close(self) -> None:
        for command in self.workers:
            if command.process.poll() is None:
                command.process.kill()
            command.process.communicate()


@pytest.fixture
def workplace(tmp_path: Path, postgres_server: str, slow_hub: RunningHub) -> Iterator[Workplace]:
    with fresh_database(postgres_server) as url:
        place = Workplace(tmp_path / "work", url, slow_hub)
        try:
            yield place
        finally:
            place.close()


def test_the_register_is_kept_by_commands(workplace: Workplace) -> None:
    workplace.shop("reg-a", 1)
    assert workplace.add("reg-a").returncode == 0
    again = workplace.add("reg-a")
    assert again.returncode == 6
    assert "There is an organisation reg-a already" in again.stderr
    assert workplace.add("reg-a", "--set", "every=15m", "--replace").returncode == 0
    wrong = workplace.add("reg-b", "--set", "evry=15m")
    assert "the organisation reg-b: there is no key evry, did you mean every?" in wrong.stderr
    assert workplace.run("fleet", "pause", "reg-a", "--because", "they move").returncode == 0
    assert "reg-a is paused" in workplace.run("fleet", "sync", "reg-a").stderr
    listed = workplace.run("fleet", "list").stdout
    assert "they move" in listed
    assert "No worker is running" in listed
    assert workplace.run("fleet", "resume", "reg-a").returncode == 0
    assert workplace.run("fleet", "sync", "reg-a").returncode == 0
    assert workplace.run("fleet", "sync", "reg-a").returncode == 0
    assert workplace.query("select count(*) from procrastinate_jobs") == [(1,)]
    # The other commands know the organisations of the register as well.
    assert "Plan for reg-a" in workplace.run("plan", "--organisation", "reg-a").stdout
    assert workplace.run("fleet", "remove", "reg-a").returncode == 0
    assert workplace.listed() == {}
    assert workplace.query("select count(*) from procrastinate_jobs") == [(0,)]
    assert "There is no organisation reg-a" in workplace.run("fleet", "remove", "reg-a").stderr


def test_a_file_of_organisations_is_added_whole_or_not_at_all(workplace: Workplace) -> None:
    file = workplace.folder / "many.toml"
    tables = [
        f'[organisation.m{number}]\ntemplate = "shop"\n'
        'target = { key = "env:K", secret = "env:S" }\n'
        for number in range(3)
    ]
    file.write_text("".join(tables) + '[organisation.bad]\ntemplate = "none"\n', encoding="utf-8")
    assert (
        "bad is based on the template none"
        in workplace.run("fleet", "add", "--from", str(file)).stderr
    )
    assert workplace.listed() == {}
    file.write_text("".join(tables), encoding="utf-8")
    assert "3 organisations added" in workplace.run("fleet", "add", "--from", str(file)).stdout
    assert set(workplace.listed()) == {"m0", "m1", "m2"}


def test_rounds_of_workers_that_freeze_or_die_are_taken_over(workplace: Workplace) -> None:
    names = [f"over-{number}" for number in range(3)]
    for name in names:
        workplace.shop(name, 120)
        workplace.add(name)
    first = workplace.work()
    workplace.wait(lambda: all(workplace.sent(name) > 3 for name in names[:2]))
    first.process.send_signal(signal.SIGSTOP)
    frozen_at = time.monotonic()
    second = workplace.work()
    held = [name for name, one in workplace.listed().items() if one["state"] == "running"]
    assert len(held) == 2
    # Two requests of each were on their way to the hub when their worker froze.
    most = {name: workplace.sent(name) + 2 for name in held}
    workplace.wait(lambda: any(workplace.sent(name) > most[name] for name in held))
    assert time.monotonic() - frozen_at > _TAKEOVER_S * 0.6
    # The frozen worker wakes up while the other is at work on the same organisations.
    first.process.send_signal(signal.SIGCONT)
    workplace.wait(lambda: all(workplace.sent(name) > 60 for name in held))
    second.process.kill()
    workplace.wait(lambda: all(workplace.sent(name) == 121 for name in names))
    workplace.wait(lambda: all(one["state"] == "in step" for one in workplace.listed().values()))
    first.process.send_signal(signal.SIGTERM)
    said = first.communicated()
    assert said.returncode == 0
    assert "taken over from" in said.stderr
    for name in names:
        log = [one for one in workplace.log(name) if one.method != "GET"]
        assert most_at_a_time(log) <= 2  # as many as one worker has in flight
        # Two workers were lost at work on it at most, each with two requests in flight.
        assert len(log) <= 121 + 4
        rounds = workplace.query(
            f"select started_at, ended_at from round where organisation = '{name}' order by id"
        )
        for (_, ended), (started, _) in itertools.pairwise(rounds):
            assert started >= ended


def test_a_worker_waits_for_its_database_and_goes_on(workplace: Workplace) -> None:
    workplace.shop("wait-a", 2)
    workplace.add("wait-a")
    worker = workplace.work()
    workplace.wait(lambda: workplace.listed()["wait-a"]["state"] == "in step")
    workplace.query(
        "select pg_terminate_backend(pid) from pg_stat_activity "
        "where datname = current_database() and pid <> pg_backend_pid()"
    )
    before = len(workplace.query("select 1 from round"))
    workplace.run("fleet", "sync", "wait-a")
    workplace.wait(lambda: len(workplace.query("select 1 from round")) > before)
    worker.process.send_signal(signal.SIGTERM)
    assert worker.communicated().returncode == 0
    assert workplace.query("select count(*) from worker") == [(0,)]


def test_hints_reach_whichever_worker_follows_them(workplace: Workplace) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        place = f"127.0.0.1:{free.getsockname()[1]}"
    file = workplace.folder / "headrace.toml"
    file.write_text(f'webhooks = "{place}"\n' + file.read_text("utf-8"), "utf-8")
    (workplace.folder / "hook").write_text("s3cret")
    for name in ("hint-a", "hint-b"):
        workplace.shop(name, 1)
        workplace.add(name)
    workplace.shop("hook-c", 1)
    webhook = ("--set", "webhook.secret=file:hook", "--set", "hints=webhook")
    assert workplace.add("hook-c", *webhook).returncode == 0
    workers = [workplace.work(), workplace.work()]
    workplace.wait(lambda: len(workplace.query("select 1 from worker")) == 2)
    names = ("hint-a", "hint-b", "hook-c")
    workplace.wait(lambda: all(workplace.sent(name) == 2 for name in names))
    workplace.wait(lambda: all(one["state"] == "in step" for one in workplace.listed().values()))

    def change(name: str) -> None:
        with closing(sqlite3.connect(workplace.folder / f"{name}.db")) as database, database:
            database.execute("update customers set name = 'changed'")

    def is_changed(name: str) -> bool:
        puts = [one for one in workplace.log(name) if one.method == "POST"]
        return len(puts) == 3

    for name in names:
        change(name)
    workplace.wait(lambda: is_changed("hint-a") and is_changed("hint-b"))
    assert not is_changed("hook-c")
    digest = hmac.new(b"s3cret", b"{}", hashlib.sha256).hexdigest()
    request = urllib.request.Request(
        f"http://{place}/hints/hook-c", b"{}", {"X-Signature": digest}, method="POST"
    )
    assert urllib.request.urlopen(request, timeout=10).status == 204
    workplace.wait(lambda: is_changed("hook-c"))
    for worker in workers:
        worker.process.send_signal(signal.SIGTERM)
        done = worker.communicated()
        assert (done.returncode, "can't be listened at" in done.stderr) == (0, False)
