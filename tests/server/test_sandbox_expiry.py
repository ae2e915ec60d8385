"""The end of a sandbox: by real time, once, in whichever process is there."""

from __future__ import annotations

import asyncio
import contextlib
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Any

import pytest
from hub_api import Api, customer
from sandbox_data import LINES, find_in, kept_in, names_in, table_rows, until

from headrace.control.client import path_of
from headrace.store.admin.sandboxes import end_sandbox, remove_sandbox
from headrace.store.engine.interface import Store
from headrace.store.engine.place import Place, open_store, transactions
from headrace.testkit.hub import RunningHub, hub, hub_process


def test_it_ends_by_real_time_whatever_its_clock_says(database: str | None) -> None:
    with hub(database=database) as running:
        before = table_rows(running.place)
        with running.sandbox(
            seed="saas", entities=50, expires_in="1s", clock="2026-03-01"
        ) as sandbox:
            running.clock_of(sandbox.name).freeze("2020-01-01")
            api = Api(sandbox.url, sandbox.key, sandbox.secret, sandbox.name)
            until(lambda: api.call("GET", "/customers").status == 401)
            assert sandbox.name not in names_in(running.control)
            until(lambda: table_rows(running.place) == before)
        with running.sandbox(expires_in="1h", clock="2099-01-01") as other:
            api = Api(other.url, other.key, other.secret, other.name)
            assert api.get("/customers")["total"] == 0


def test_a_key_made_later_ends_with_its_sandbox(running: RunningHub) -> None:
    with running.sandbox(expires_in="1s") as sandbox:
        path = path_of("organisations", sandbox.name, "keys")
        pair = running.control.call("POST", path, {"name": "second"})
        api = Api(sandbox.url, pair["key"], pair["secret"], sandbox.name)
        until(lambda: api.call("GET", "/customers").status == 401)


def test_one_that_expired_while_no_hub_ran_is_deleted_at_the_start(
    tmp_path: Path, database: str | None
) -> None:
    with hub_process(tmp_path, database=database) as process:
        made = process.control.call("POST", "/sandboxes", {"seed": LINES})
        lasting = process.control.call("POST", "/sandboxes", {"name": "lasting"})
        process.kill()
        with transactions(process.place) as transact:
            transact(end_sandbox, made["organisationId"], datetime(2026, 1, 1, tzinfo=UTC))
        assert table_rows(process.place)["document"] == 2
        process.start()
        until(lambda: table_rows(process.place)["organisation"] == 1)
        rows = table_rows(process.place)
        assert rows["document"] == rows["customer"] == rows["custom_value"] == 0
        assert names_in(process.control) == [lasting["name"]]


@pytest.mark.parametrize("control", ["loopback", "off"])
def test_workers_delete_one_that_another_worker_made(tmp_path: Path, control: str) -> None:
    log = tmp_path / "log"
    with hub_process(tmp_path / "hub", options=["--workers", "2"]) as process:
        for _ in range(6):
            process.control.call("POST", "/sandboxes", {"expiresIn": "1s", "seed": LINES})
        process.terminate()
        assert table_rows(process.place)["organisation"] == 6
    options = ["--workers", "3", "--control", control, "--log-level", "info"]
    with log.open("w") as file, _served(tmp_path / "hub", options, file) as place:
        until(lambda: table_rows(place)["organisation"] == 0)
    deleted = [line for line in log.read_text().splitlines() if "expired sandbox" in line]
    assert len(deleted) == 6, "each is deleted once"


def test_of_many_that_delete_at_once_one_succeeds(tmp_path: Path, database: str | None) -> None:
    place = Place(folder=tmp_path, url=database)
    with hub(folder=None if database else tmp_path, database=database) as running:
        made = running.control.call("POST", "/sandboxes", {"seed": LINES})
    number = made["organisationId"]

    async def remove(store: Store) -> Any:
        return await store.write(number, remove_sandbox, number)

    with ExitStack() as stack:
        stores = [open_store(place) for _ in range(4)]
        for store in stores:
            stack.callback(store.close)
        with ThreadPoolExecutor(4) as pool:
            found = list(pool.map(lambda store: asyncio.run(remove(store)), stores))
    assert sorted(one is not None for one in found) == [False, False, False, True]


def test_a_restored_snapshot_brings_no_expired_sandbox_back(database: str | None) -> None:
    with hub(database=database) as running:
        with running.sandbox(expires_in="1s", seed=LINES) as sandbox:
            name = running.snapshot()
            until(lambda: find_in(running.place, sandbox.name) is None)
            later = running.control.call("POST", "/sandboxes", {})["organisationId"]
            running.restore(name)
            running.control.call("POST", "/sandboxes", {"name": "wakes the hub"})
            until(lambda: find_in(running.place, sandbox.name) is None)
        number = running.control.call("POST", "/sandboxes", {})["organisationId"]
        assert number > later, "a number of before the restore is not given out again"


def test_its_requests_leave_the_journal(tmp_path: Path) -> None:
    with hub_process(tmp_path) as process:
        with process.sandbox(name="mine") as mine, process.sandbox() as other:
            for sandbox in (mine, other):
                api = Api(sandbox.url, sandbox.key, sandbox.secret, sandbox.name)
                api.post("/customers", customer(f"secret-{sandbox.name}"))
            until(lambda: kept_in(tmp_path) == {"mine", other.name})
            mine.delete()
            with process.sandbox(name="mine") as again:
                api = Api(again.url, again.key, again.secret, "mine")
                api.post("/customers", customer("second"))
                until(lambda: kept_in(tmp_path) >= {"mine"})
                found = process.control.call("GET", "/requests?organisation=mine")["requests"]
                assert all("secret-mine" not in str(one) for one in found)
        until(lambda: kept_in(tmp_path) == set())
        process.terminate()
    for path in tmp_path.glob("requests.db*"):
        assert b"secret-mine" not in path.read_bytes()


@contextlib.contextmanager
def _served(data: Path, options: list[str], log: IO[str]) -> Iterator[Place]:
    """Run `headrace serve` with its own log in a file."""
    command = [sys.executable, "-m", "headrace", "serve", "--data", str(data), "--port", "0"]
    with subprocess.Popen(
        [*command, *options], stdout=subprocess.PIPE, stderr=log, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline().startswith("listening on ")
        yield Place(folder=data)
        process.terminate()
