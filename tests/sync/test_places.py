"""Disks that are full or read-only, files of somebody else: one sentence, and nothing is lost."""

from __future__ import annotations

import os
import shutil
import sqlite3
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from pathlib import Path

import pytest
from desk import HubDesk, prove_in_step
from places import as_somebody_else, in_room, on_read_only, one_sentence
from shop import Shop

_READING = (["check"], ["plan"], ["status"], ["reconcile"], ["drift"], ["rejects", "list"])


@pytest.fixture
def folder() -> Iterator[Path]:
    """One that other users may enter, unlike pytest's own."""
    before = os.umask(0o022)  # a command that ran in this process has set its own
    made = Path(tempfile.mkdtemp(prefix="headrace-places-"))
    made.chmod(0o755)
    yield made
    shutil.rmtree(made)
    os.umask(before)


@pytest.fixture
def shop(folder: Path) -> Iterator[Shop]:
    shop = Shop(folder / "shop")
    for number in range(20):
        shop.customer(f"C{number}")
        shop.invoice(f"I{number}", f"C{number}", 1000)
    yield shop
    shop.close()


def _at(shop: Shop, *commands: Sequence[str]) -> list[list[str]]:
    """The commands on the project of the shop."""
    return [[*words, "--project", str(shop.folder)] for words in commands]


def _moved(shop: Shop, mode: str, log: str = "") -> Path:
    """The shop's database in a folder of its own, in a journal mode; `log` is SQL that is still in
    its write-ahead log."""
    place = shop.folder / "billing"
    place.mkdir()
    with closing(sqlite3.connect(shop.folder / "shop.db")) as database:
        database.execute(f"pragma journal_mode = {mode}")
    shutil.copy(shop.folder / "shop.db", place)
    if log:
        with closing(sqlite3.connect(place / "shop.db")) as database, database:
            database.execute(log)
            database.commit()
            shutil.copy(place / "shop.db-wal", place / "kept")
        shutil.copy(shop.folder / "shop.db", place)
        (place / "kept").rename(place / "shop.db-wal")
    toml = shop.folder / "headrace.toml"
    toml.write_text(toml.read_text().replace("///shop.db", "///billing/shop.db"))
    return place


@pytest.mark.parametrize("mode", ["delete", "wal"])
def test_a_source_on_a_read_only_mount_is_read(
    shop: Shop, new_desk: Callable[[Path], HubDesk], mode: str
) -> None:
    desk, place = new_desk(shop.folder), _moved(shop, mode)
    commands = _at(shop, ["apply"], ["apply"], ["check"], ["status"])
    for found in on_read_only(place, commands, desk.environment):
        assert (found.returncode, found.stderr) == (0, ""), found
    assert sorted(path.name for path in place.iterdir()) == ["shop.db"]
    assert desk.get("/customers?limit=1")["total"] == 20
    prove_in_step(desk, 40)


def test_rows_of_a_log_that_cannot_be_read_are_not_left_out(
    shop: Shop, new_desk: Callable[[Path], HubDesk]
) -> None:
    desk = new_desk(shop.folder)
    place = _moved(shop, "wal", "insert into customers (external_id, name) values ('C99', 'x')")
    commands = _at(shop, ["check"], ["plan"], ["apply"])
    for found in on_read_only(place, commands, desk.environment):
        assert "shop.db-wal" in one_sentence(found, 5)
    desk.apply()
    assert desk.get("/customers?limit=1")["total"] == 21


def test_a_project_on_a_read_only_mount_says_that_its_data_folder_is_one(
    shop: Shop, new_desk: Callable[[Path], HubDesk]
) -> None:
    desk = new_desk(shop.folder)
    for _ in range(2):  # without data, and with some
        saved = ["plan", "--out", str(shop.folder / "x.plan")]
        commands = _at(shop, *_READING, ["apply"], saved)
        for found in on_read_only(shop.folder, commands, desk.environment):
            said = one_sentence(found)
            assert f"{shop.folder}/.headrace" in said, found
            assert "read-only" in said.lower(), found
        desk.apply()


def test_files_of_somebody_else_are_named(shop: Shop, new_desk: Callable[[Path], HubDesk]) -> None:
    desk = new_desk(shop.folder)
    desk.apply()
    commands = _at(shop, *_READING, ["apply"], ["forget", "--customer", "C1", "--yes"])
    for found in as_somebody_else(commands, desk.environment):
        assert f"{shop.folder}/.headrace" in one_sentence(found), found
    os.chown(shop.folder / ".headrace", 65534, 65534)
    for path in (shop.folder / ".headrace").rglob("*"):
        os.chown(path, 65534, 65534)
    out = str(shop.folder / "out")
    reports = (["plan", "--out"], ["reconcile", "--html"], ["collected", "list", "--csv"])
    commands = _at(shop, ["plan"], *([*words, out] for words in reports))
    plan, *refused = as_somebody_else(commands, desk.environment)
    assert plan.returncode == 0, plan
    for found in refused:
        assert f"{out} can't be written: Permission denied" in one_sentence(found), found
    (shop.folder / "shop.db").chmod(0o600)
    commands = _at(shop, ["check"], ["plan"], ["apply"])
    for found in as_somebody_else(commands, desk.environment):
        assert "shop.db can't be read: Permission denied" in one_sentence(found, 5), found


@pytest.mark.parametrize("room", [0, 4_000, 40_000, 100_000, 300_000])
def test_a_disk_that_is_full_is_said_and_loses_nothing(
    shop: Shop, new_desk: Callable[[Path], HubDesk], room: int
) -> None:
    desk = new_desk(shop.folder)
    names = ("status", "plan", "apply", "apply", "check", "reconcile", "drift")
    commands = _at(shop, *([name] for name in names))
    incomplete = False
    for name, found in zip(names, in_room(commands, desk.environment, room), strict=True):
        assert "Traceback" not in found.stdout + found.stderr, found
        if name == "reconcile" and found.returncode == 9:
            assert incomplete, found
            assert "not sent yet" in found.stdout
            continue
        assert found.returncode == 6 or (found.returncode, found.stderr) == (0, ""), found
        incomplete |= name == "apply" and found.returncode == 6
    desk.apply()
    prove_in_step(desk, 40)


def test_a_disk_that_fills_up_during_a_delivery_loses_nothing(
    shop: Shop, new_desk: Callable[[Path], HubDesk]
) -> None:
    desk = new_desk(shop.folder)
    desk.apply()
    log = shop.folder / ".headrace" / "shop" / "journal.db-wal"
    for number in range(20, 280):
        shop.customer(f"C{number}")
    full = 0
    for room in (20_000, 100_000, 400_000, 600_000, 900_000):
        (found,) = in_room(_at(shop, ["apply", "--force"]), desk.environment, room)
        assert "Traceback" not in found.stdout + found.stderr, found
        full += found.returncode == 6 and "disk" in one_sentence(found)
    assert full == 5, log
    desk.apply()
    prove_in_step(desk, 300)


@pytest.mark.parametrize(
    "words",
    [
        ["plan", "--out"],
        ["reconcile", "--html"],
        ["reconcile", "--csv"],
        ["collected", "list", "--csv"],
        ["adopt", "--proposals"],
    ],
)
def test_a_report_that_finds_no_room_is_named(
    shop: Shop, new_desk: Callable[[Path], HubDesk], words: list[str]
) -> None:
    found = new_desk(shop.folder).command(*words, "/dev/full")
    assert "/dev/full can't be written: No space left on device" in one_sentence(found)


def test_a_snapshot_of_no_hub_makes_none(shop: Shop, new_desk: Callable[[Path], HubDesk]) -> None:
    environment = new_desk(shop.folder).environment
    empty = shop.folder / "empty"
    empty.mkdir()
    create = ["snapshot", "create", "--data", str(empty)]
    (found,) = in_room([create], environment, 10**9)
    assert "There is no hub in" in one_sentence(found)
    assert list(empty.iterdir()) == []
    (empty / "hub.db").touch()
    for found in in_room([create, ["hub", "check", "--data", str(empty)]], environment, 10**9):
        assert "hub.db is no database of a hub" in one_sentence(found), found
