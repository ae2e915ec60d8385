"""The hub as a process: answered writes survive a kill, a stop and a restart."""

from __future__ import annotations

import asyncio
import json
import random
import sqlite3
import subprocess
import sys
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from hub_api import Api, customer, invoice

from headrace.model.errors import Busy
from headrace.server.process.run import DATABASE, folder_lock
from headrace.store.admin.check import check_database
from headrace.store.engine.place import Place, snapshot
from headrace.testkit.hub import HubProcess, hub, hub_process, make_keys

CLIENTS = 8
WRITES = 20
"""At least so many are answered before each end, also on a busy machine."""


async def _load(
    process: HubProcess, headers: dict[str, str], end: Any, after: float, label: str
) -> tuple[set[str], set[str]]:
    """Import invoices from all clients until the hub is ended; (answered, sent) external ids."""
    answered: set[str] = set()
    sent: set[str] = set()
    broken: list[Exception] = []

    async def client(session: aiohttp.ClientSession, n: int) -> None:
        for turn in range(100_000):
            name = f"{label}-{n}-{turn}"
            sent.add(name)
            try:
                body = invoice(name, "C", 1 + turn)
                async with session.post(f"{process.url}/invoices", json=body) as response:
                    made = json.loads(await response.read())
                    assert response.status == 201, made
                    assert made["externalId"] == name
                    answered.add(name)
            except aiohttp.ClientError as error:
                broken.append(error)
                return

    async with aiohttp.ClientSession(headers=headers) as session:
        clients = [asyncio.create_task(client(session, n)) for n in range(CLIENTS)]
        await asyncio.sleep(after)
        async with asyncio.timeout(20):
            while len(answered) < WRITES:
                await asyncio.sleep(0.01)
        await asyncio.to_thread(end)
        await asyncio.wait_for(asyncio.gather(*clients), 20)
    assert len(broken) == CLIENTS
    return answered, sent


def _stored(place: Place) -> set[str]:
    if place.url is None:
        assert place.folder is not None
        with closing(sqlite3.connect(place.folder / DATABASE)) as file:
            assert file.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    with snapshot(place) as db:
        assert [str(finding) for finding in check_database(db)] == []
        return {row[0] for row in db.execute("SELECT external_id FROM document")}


def _end_under_load(
    data: Path, database: str | None, ending: str, pauses: Sequence[float], *options: str
) -> None:
    """End the hub once after each pause, and check each time that every answered write is there."""
    answered: set[str] = set()
    sent: set[str] = set()
    with hub_process(data, options=options, database=database) as process:
        pair = make_keys(process.place, "acme")
        url = process.url
        api = Api(url, pair.key, pair.secret, "acme")
        api.post("/customers", customer("C"))
        api.close()
        for turn, after in enumerate(pauses):
            more, tried = asyncio.run(
                _load(process, api.headers, getattr(process, ending), after, f"{turn}")
            )
            answered |= more
            sent |= tried
            process.start()
            assert process.url == url
            stored = _stored(process.place)
            assert answered - stored == set(), "answered, and lost"
            if ending == "terminate":
                assert stored == answered, "stored, and not answered"
            assert stored <= sent
        assert len(answered) >= WRITES * len(pauses)
        api = Api(url, pair.key, pair.secret, "acme")
        assert api.get("/invoices")["total"] == len(_stored(process.place))
        api.close()


@pytest.mark.parametrize("ending", ["kill", "terminate"])
def test_every_answered_write_survives_a_kill_stop_and_restart(tmp_path: Path, ending: str) -> None:
    _end_under_load(tmp_path / "a folder with spaces", None, ending, (0.15, 0.05, 0.3))


def test_every_answered_write_survives_in_postgresql(
    tmp_path: Path, postgres_database: str
) -> None:
    _end_under_load(tmp_path, postgres_database, "kill", (0.3, 0.1))


@pytest.mark.soak
@pytest.mark.parametrize("workers", ["1", "2"])
def test_fifty_kills_lose_nothing(tmp_path: Path, database: str | None, workers: str) -> None:
    chance = random.Random(50)
    pauses = [chance.uniform(0.02, 0.6) for _ in range(50)]
    _end_under_load(tmp_path, database, "kill", pauses, "--workers", workers)


def test_sigterm_ends_with_code_0_and_sigkill_does_not(tmp_path: Path) -> None:
    with hub_process(tmp_path) as process:
        assert process.terminate() == 0
        process.start()
        process.kill()
        process.start()


def test_starting_a_hub_does_not_load_modules_of_pipeline_or_tests() -> None:
    """Imports determine the time of a start; `bench/hub.py` measures it."""
    script = "import sys, headrace.cli.main, headrace.cli.serve; print(*sys.modules)"
    loaded = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    ).stdout.split()
    assert "headrace.server.app" in loaded
    needless = {"aiohttp", "duckdb", "fsspec", "hypothesis", "numpy", "psycopg", "pyarrow"}
    assert not needless & set(loaded)


def test_only_one_hub_can_serve_a_folder(tmp_path: Path) -> None:
    with hub(folder=tmp_path), pytest.raises(Busy) as caught, folder_lock(tmp_path):
        pass
    assert "Another hub serves the data folder" in str(caught.value)
    with folder_lock(tmp_path):
        pass


def test_a_folder_keeps_its_data(tmp_path: Path) -> None:
    with hub(folder=tmp_path) as running:
        api = Api(running.url, running.key, running.secret, "test")
        api.post("/customers", customer("C"))
        api.close()
        headers = running.headers
    with hub_process(tmp_path) as process:
        api = Api(process.url, headers["X-Api-Key"], headers["X-Api-Secret"], "test")
        assert api.get("/customers")["total"] == 1
        api.close()
