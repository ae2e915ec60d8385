"""A network drive that does not answer any more holds up nobody for long."""

from __future__ import annotations

import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
from desk import HubDesk
from shop import Shop

from forked import Before
from headrace.book.payloads import file_looks
from headrace.testkit.billing.pdf import small_pdf

_IMPATIENT = Before("from headrace.book.payloads import file_looks; file_looks._PATIENCE_S = 0.5")


@contextmanager
def silent_mount(folder: Path) -> Iterator[None]:
    """A file system whose server never answers; skips where none can be mounted."""
    folder.mkdir()
    try:
        server = os.open("/dev/fuse", os.O_RDWR)
    except OSError:
        pytest.skip("no file system can be mounted here")
    options = f"fd={server},rootmode=40000,user_id=0,group_id=0"
    mounted = subprocess.run(
        ["mount", "-i", "-t", "fuse", "-o", options, "silent", str(folder)],
        pass_fds=[server], capture_output=True, check=False,
    )  # fmt: skip
    if mounted.returncode != 0:
        os.close(server)
        pytest.skip("no file system can be mounted here")
    try:
        yield
    finally:
        os.close(server)  # whoever waits for it goes on, with an error
        subprocess.run(["umount", "-l", str(folder)], check=True)


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Shop]:
    shop = Shop(tmp_path / "shop")
    shop.customer("C")
    shop.run("create table documents (entity text, external_id text, location text)")
    (shop.folder / "one.pdf").write_bytes(small_pdf("one"))
    for name, location in (("I1", "one.pdf"), ("I2", "drive/two.pdf"), ("I3", "drive/3/3.pdf")):
        shop.invoice(name, "C", 100)
        shop.run("insert into documents values ('invoice', ?, ?)", name, location)
    yield shop
    shop.close()


def test_pdfs_on_a_drive_that_does_not_answer_are_named_and_the_rest_goes(
    shop: Shop, new_desk: Callable[[Path], HubDesk]
) -> None:
    desk = new_desk(shop.folder)
    with silent_mount(shop.folder / "drive"):
        started = time.monotonic()
        found = desk.start("apply", before=_IMPATIENT).communicated()
        assert time.monotonic() - started < 30
        assert found.returncode == 3, found
        for name, place in (("I2", "drive/two.pdf"), ("I3", "drive/3/3.pdf")):
            assert f"invoice_pdf {name}" in found.stdout
            assert f"lies at {place}, which does not answer" in found.stdout
        assert desk.get("/invoices?limit=1")["total"] == 3
        assert len([one for one in desk.log() if one.path.endswith("/pdf")]) == 1
    for name in ("two.pdf", "3/3.pdf"):
        path = shop.folder / "drive" / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(small_pdf(name))
    assert desk.command("apply").returncode == 0
    assert len([one for one in desk.log() if one.path.endswith("/pdf")]) == 3


def test_a_pdf_that_was_sent_stays_when_its_drive_does_not_answer(
    shop: Shop, new_desk: Callable[[Path], HubDesk]
) -> None:
    desk = new_desk(shop.folder)
    shop.run("delete from documents where external_id = 'I3'")
    drive = shop.folder / "drive"
    drive.mkdir()
    (drive / "two.pdf").write_bytes(small_pdf("two"))
    assert desk.command("apply").returncode == 0
    drive.rename(shop.folder / "kept")
    sent = len(desk.writes())
    with silent_mount(drive):
        assert desk.start("apply", before=_IMPATIENT).communicated().returncode == 3
    drive.rmdir()
    (shop.folder / "kept").rename(drive)
    assert desk.command("apply").returncode == 0
    assert len(desk.writes()) == sent


def test_one_silent_folder_costs_one_wait_and_many_cost_few(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(file_looks, "_PATIENCE_S", 0.05)
    never = threading.Event()
    paths = {f"{one}/{two}": tmp_path / f"{one}/{two}" for one in "abcdef" for two in range(9)}
    for path in paths.values():
        path.parent.mkdir(exist_ok=True)
        path.touch()
    before = Path.stat
    asked = []

    def stat(path: Path, **named: bool) -> os.stat_result:
        if path.parent.name in silent:
            asked.append(path.parent.name)
            never.wait()
        return before(path, **named)

    monkeypatch.setattr(Path, "stat", stat)
    silent = {"c"}
    looks = file_looks.look_at(paths)
    assert {one[0] for one in looks.silent} == {"c"}
    assert all(looks.states[one] for one in paths if one[0] != "c")
    silent = set("abcdef")
    asked.clear()
    assert file_looks.look_at(paths).silent == set(paths)
    assert asked == ["a", "b", "c"]
    never.set()


def test_sigterm_ends_a_run_that_only_reads_and_comes_to_no_end(
    shop: Shop, new_desk: Callable[[Path], HubDesk]
) -> None:
    desk = new_desk(shop.folder)
    models = shop.folder / "models"
    models.mkdir()
    (models / "customers.sql").write_text(
        "select 'c' as external_id, sleep_ms(3_600_000)::varchar as name"
    )
    running = desk.start("run")
    book = shop.folder / ".headrace" / "shop" / "cache.duckdb"
    deadline = time.monotonic() + 60
    while not book.exists():
        assert running.process.poll() is None, running.communicated()
        assert time.monotonic() < deadline, "it opened no book"
        with suppress(subprocess.TimeoutExpired):
            running.process.wait(0.05)
    started = time.monotonic()
    running.process.send_signal(signal.SIGTERM)
    found = running.communicated(30)
    assert time.monotonic() - started < 20
    assert found.returncode == 130
    assert found.stderr == "error: stopped while it read shop; nothing is lost\n"
