"""Snapshots: their contents, and what a restore brings back, on each engine and across both."""

from __future__ import annotations

import json
import re
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.request import urlopen

import pytest
from hub_api import Api, customer, invoice
from test_control import refused
from test_hub_data import LISTS, SHOP

from headrace.cli.main import run
from headrace.store.admin.check import check_database
from headrace.store.admin.snapshot_copy import TABLES
from headrace.store.admin.snapshots import SNAPSHOTS
from headrace.store.engine.place import DATABASE, Place, snapshot
from headrace.store.migrations import available
from headrace.store.pdf_files import FolderPdfs
from headrace.testkit.hub import RunningHub, hub, hub_process, make_keys

PDF = {"data": "JVBERi0xLjc="}
OTHER_PDF = {"data": "JVBERi0xLjg="}


@pytest.fixture
def alone(database: str | None) -> Iterator[RunningHub]:
    """A hub for this test only, because a restore affects all organisations."""
    with hub(database=database) as running:
        yield running
        with snapshot(running.place) as db:
            assert [str(finding) for finding in check_database(db)] == []


@pytest.fixture
def shop(alone: RunningHub) -> Iterator[Api]:
    alone.clock.freeze("2026-04-01")
    alone.seed(SHOP.read_bytes())
    api = Api(alone.url, alone.key, alone.secret, "test")
    api.call("POST", "/invoices/external:2026-001/pdf", PDF)
    yield api
    api.close()


def state(api: Api) -> dict[str, Any]:
    """Return everything that the API shows."""
    return {path: api.get(f"{path}?limit=500") for path in LISTS}


def _contents(running: RunningHub) -> list[bytes]:
    return [path.read_bytes() for path in (running.folder / "pdfs").rglob("*.pdf")]


def test_a_restore_brings_everything_back(alone: RunningHub, shop: Api) -> None:
    before = state(shop)
    name = alone.snapshot("before")
    other = alone.add_organisation("other")
    shop.call("DELETE", "/payments/external:pay-1")
    shop.call("POST", "/invoices/external:2026-001/pdf", OTHER_PDF)
    shop.post("/customers", customer("later"))
    alone.restore(name)
    assert state(shop) == before
    with urlopen(shop.get("/invoices/external:2026-001")["pdfUrl"]) as pdf:
        assert pdf.read() == b"%PDF-1.7"
    assert _contents(alone) == [b"%PDF-1.7"], "and what came since is gone"
    theirs = Api(alone.url, other.key, other.secret, "other")
    theirs.refused("GET", "/customers", status=401)
    theirs.close()
    made = shop.post("/customers", customer("later"))
    assert shop.get(f"/customers/{made['id']}") == made, "and it goes on"
    alone.reset()
    alone.restore(name)
    assert state(shop) == before
    listed = alone.control.call("GET", "/snapshots")["snapshots"]
    assert [(one["name"], one["pdfs"], one["schema"]) for one in listed] == [
        ("before", 1, available()[-1][0])
    ]
    alone.control.call("DELETE", "/snapshots/before")
    assert alone.control.call("GET", "/snapshots") == {"snapshots": []}
    assert list((alone.folder / SNAPSHOTS).iterdir()) == []


def test_a_pdf_that_a_hub_is_about_to_remove_is_restored(
    alone: RunningHub, shop: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = alone.snapshot("before")
    about, restored, removed = threading.Event(), threading.Event(), threading.Event()
    remove = FolderPdfs.remove

    def later(files: FolderPdfs, name: str) -> None:
        of_hub = threading.current_thread().name.startswith("hub-pdf")
        if of_hub:
            about.set()
            assert restored.wait(60)
        remove(files, name)
        if of_hub:
            removed.set()

    monkeypatch.setattr(FolderPdfs, "remove", later)
    shop.call("POST", "/invoices/external:2026-001/pdf", OTHER_PDF)
    assert about.wait(60)
    alone.restore(name)
    restored.set()
    assert removed.wait(60)
    with urlopen(shop.get("/invoices/external:2026-001")["pdfUrl"]) as pdf:
        assert pdf.read() == b"%PDF-1.7"


def test_a_restore_brings_back_the_keys_of_the_snapshot(alone: RunningHub, shop: Api) -> None:
    name = alone.snapshot()
    alone.control.call("DELETE", f"/keys/{alone.key}")
    shop.refused("GET", "/customers", status=401)
    alone.restore(name)
    assert shop.get("/customers")["total"] == 3
    alone.restore(name)
    assert shop.get("/customers")["total"] == 3


def test_a_file_that_is_not_a_snapshot_is_refused(alone: RunningHub, shop: Api) -> None:
    alone.snapshot("one")
    for method, path, body, sentence in (
        ("POST", "/snapshots", {"name": "one"}, "There is a snapshot one already"),
        ("POST", "/snapshots", {"name": "../one"}, "A snapshot can't be named"),
        ("POST", "/snapshots/two/restore", None, "There is no snapshot two"),
        ("DELETE", "/snapshots/two", None, "There is no snapshot two"),
    ):
        with refused(400, sentence):
            alone.control.call(method, path, body)
    before = state(shop)
    about = alone.folder / SNAPSHOTS / "one" / "snapshot.json"
    told = json.loads(about.read_text())
    about.write_text(json.dumps({**told, "schema": 99, "headrace": "9.9"}))
    with refused(400, "has schema 99, made by headrace 9.9"):
        alone.restore("one")
    about.write_text(json.dumps(told))
    (about.parent / DATABASE).write_bytes(b"no database" * 1000)
    with refused(400, "is no database"):
        alone.restore("one")
    assert state(shop) == before


def test_a_snapshot_is_restored_on_the_other_engine(
    alone: RunningHub, shop: Api, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    before = state(shop)
    alone.snapshot("one")
    with ExitStack() as stack:
        there = Place(folder=tmp_path)
        if alone.place.url is None:
            from_sqlite = request.getfixturevalue("postgres_database")
            there = Place(folder=tmp_path, url=from_sqlite)
        (tmp_path / SNAPSHOTS).symlink_to(alone.folder / SNAPSHOTS)
        options = ["--data", str(tmp_path)]
        options += ["--database", there.url] if there.url else []
        assert run(["snapshot", "restore", "one", *options]) == 0
        assert run(["hub", "check", *options]) == 0
        # The organisation `test` and its keys have come along.
        serving = hub_process(tmp_path, options=["--test-mode"], database=there.url)
        process = stack.enter_context(serving)
        api = Api(process.url, shop.headers["X-Api-Key"], shop.headers["X-Api-Secret"], "test")
        stack.callback(api.close)
        assert _without_hosts(state(api)) == _without_hosts(before)
        made = api.post("/customers", customer("new"))
        assert api.get("/customers")["customers"][0]["id"] == made["id"], "numbers go on"


def _without_hosts(told: dict[str, Any]) -> str:
    return re.sub(r"http://[^/]+", "", json.dumps(told, sort_keys=True))


@pytest.mark.soak
def test_a_restore_works_while_workers_serve(tmp_path: Path, database: str | None) -> None:
    """Every reader sees one state or the other, and every writer continues."""
    with hub_process(tmp_path, options=["--workers", "2"], database=database) as process:
        pair = make_keys(process.place, "test")
        api = Api(process.url, pair.key, pair.secret, "test")
        api.post("/customers", customer("C"))
        for number in range(30):
            api.post("/invoices", invoice(f"A{number}", "C", 100))
        process.snapshot("full")
        process.reset()
        process.snapshot("empty")
        ended = threading.Event()
        seen: set[tuple[int, int]] = set()
        broken: list[str] = []

        def read() -> None:
            mine = Api(process.url, pair.key, pair.secret, "test")
            while not ended.is_set():
                answer = mine.call("GET", "/invoices?limit=500")
                if answer.status == 200:
                    seen.add((answer.body["total"], len(answer.body["invoices"])))
                else:
                    broken.append(f"{answer.status} {answer.raw!r}")
            mine.close()

        threads = [threading.Thread(target=read) for _ in range(3)]
        for thread in threads:
            thread.start()
        for turn in range(6):
            process.restore("full" if turn % 2 == 0 else "empty")
        process.restore("full")
        ended.set()
        for thread in threads:
            thread.join()
        assert broken == []
        assert seen <= {(30, 30), (0, 0)}
        assert api.get("/customers/external:C")["balance"] == 3_000
        api.close()


def test_the_commands(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    data = ["--data", str(tmp_path)]
    make_keys(tmp_path, "shop")
    assert run(["hub", "seed", "shop", str(SHOP), *data]) == 0
    assert run(["snapshot", "list", *data]) == 0
    assert "There are no snapshots yet" in capfd.readouterr().out
    assert run(["snapshot", "create", "one", *data, "--json"]) == 0
    made = json.loads(capfd.readouterr().out)
    assert made["name"] == "one"
    assert run(["hub", "reset", "shop", "--yes", *data]) == 0
    assert run(["snapshot", "restore", "one", *data]) == 0
    assert run(["snapshot", "list", *data]) == 0
    assert "one  20" in capfd.readouterr().out
    with sqlite3.connect(tmp_path / DATABASE) as db:
        assert db.execute("SELECT count(*) FROM document").fetchone() == (6,)
    db.close()
    assert run(["snapshot", "delete", "one", *data]) == 0
    assert run(["snapshot", "delete", "one", *data]) == 6
    assert run(["snapshot", "create", "--database", "postgresql://x"]) == 6
    assert "name one with --data" in capfd.readouterr().err


def test_a_snapshot_has_every_table(tmp_path: Path) -> None:
    make_keys(tmp_path, "acme")
    with sqlite3.connect(tmp_path / DATABASE) as db:
        tables = {row[0] for row in db.execute("SELECT name FROM sqlite_master WHERE type='table'")}
        refers = {
            (table, row[2])
            for table in tables
            for row in db.execute(f"PRAGMA foreign_key_list({table})")
        }
    db.close()
    assert set(TABLES) == tables
    for table, other in refers:
        assert TABLES.index(other) <= TABLES.index(table), f"{table} comes before {other}"


def test_a_missing_pdf_is_reported(alone: RunningHub, shop: Api) -> None:
    for path in (alone.folder / "pdfs").rglob("*.pdf"):
        path.unlink()
    with refused(400, "A PDF is missing"):
        alone.snapshot("one")
    assert alone.control.call("GET", "/snapshots") == {"snapshots": []}
    with pytest.raises(HTTPError):
        urlopen(shop.get("/invoices/external:2026-001")["pdfUrl"])
