"""What commands write and say: for the user alone, and harmless, whoever reads or goes away."""

from __future__ import annotations

import csv
import json
import os
import stat
import subprocess
import sys
import unittest.mock
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from desk import HubDesk
from shop import Shop

import headrace.sources.marks
from headrace.cli import main
from headrace.testkit.billing.pdf import small_pdf
from headrace.testkit.hub import hub_process, make_keys

_EVIL = "=HYPERLINK(1)\x1b[2J\x9b31m\u202eevil"
_WRITTEN = "=HYPERLINK(1)\\u001b[2J\\u009b31m\\u202eevil"


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Shop]:
    shop = Shop(tmp_path / "shop")
    shop.customer("C1")
    shop.run("update customers set name = ?", _EVIL)
    shop.invoice("I1", "C1", 100)
    yield shop
    shop.close()


@pytest.fixture
def settled(monkeypatch: pytest.MonkeyPatch) -> None:
    """Files are old enough for rest at once: a plan after an apply needs no book."""
    monkeypatch.setattr(headrace.sources.marks, "_SETTLED_S", 0.0)


@pytest.fixture
def open_umask() -> Iterator[None]:
    before = os.umask(0)
    yield
    os.umask(before)


def _run(desk: HubDesk, script: str, **more: str) -> subprocess.CompletedProcess[bytes]:
    """A shell script in which `headrace` is the command, in the project's folder."""
    return subprocess.run(
        ["bash", "-c", f'headrace() {{ "{sys.executable}" -m headrace "$@"; }}; {script}'],
        cwd=desk.folder,
        env={**desk.environment, **more},
        capture_output=True,
        timeout=60,
        check=False,
    )


def _shared(folder: Path) -> list[str]:
    """What below the folder others may read, write or enter."""
    return [
        str(path.relative_to(folder))
        for path in folder.rglob("*")
        if stat.S_IMODE(path.lstat().st_mode) & 0o077
    ]


@pytest.mark.usefixtures("open_umask")
def test_all_that_is_written_is_for_the_user_alone(
    shop: Shop, tmp_path: Path, new_desk: Callable[[Path], HubDesk]
) -> None:
    desk = new_desk(shop.folder)
    before = set(shop.folder.rglob("*"))
    out = tmp_path / "reports"
    out.mkdir(mode=0o700)
    for words in (
        ("plan", "--out", f"{out}/monday.plan"),
        ("apply", f"{out}/monday.plan"),
        ("reconcile", "--html", f"{out}/proof.html", "--csv", f"{out}/proof.csv"),
        ("collected", "list", "--csv", f"{out}/collected.csv"),
        ("adopt", "--proposals", f"{out}/proposals.csv"),
    ):
        os.umask(0)
        found = desk.command(*words)
        assert found.returncode == 0, found
    assert sorted(path.name for path in out.iterdir()) == [
        "collected.csv", "monday.plan", "proof.csv", "proof.html", "proposals.csv",
    ]  # fmt: skip
    assert _shared(out) == []
    with desk.open() as organisation:  # with all that lies beside open databases
        organisation.refresh()
        made = set(shop.folder.rglob("*")) - before
        assert {"journal.db-wal", "journal.db-shm", "cache.duckdb"} <= {p.name for p in made}
        assert [p for p in made if stat.S_IMODE(p.stat().st_mode) & 0o077] == []


@pytest.mark.usefixtures("open_umask")
def test_a_hub_keeps_everything_for_its_user_alone(tmp_path: Path) -> None:
    data = tmp_path / "hub"
    with hub_process(data, options=["--request-log", f"{data}/log.jsonl"]) as process:
        pair = make_keys(process.place, "acme")
        shop = Shop(tmp_path / "shop")
        shop.customer("C1")
        shop.invoice("I1", "C1", 100)
        shop.run(
            "create table documents as select 'invoice' as entity, 'I1' as external_id, "
            "'one.pdf' as location"
        )
        (shop.folder / "one.pdf").write_bytes(small_pdf("one"))
        environment = {
            **os.environ,
            "HEADRACE_URL": process.url, "HEADRACE_KEY": pair.key, "HEADRACE_SECRET": pair.secret,
        }  # fmt: skip
        for words in (
            ["apply", "--project", str(shop.folder)],
            ["snapshot", "create", "--data", str(data)],
        ):
            subprocess.run(
                [sys.executable, "-m", "headrace", *words],
                env=environment, check=True, capture_output=True, timeout=60,
            )  # fmt: skip
        names = {path.suffix for path in data.rglob("*")}
        assert {".db", ".db-wal"} <= names or any(data.rglob("*-wal")), names
        assert _shared(data) == []
        shop.close()


@pytest.mark.usefixtures("settled")
def test_control_characters_reach_neither_the_terminal_nor_a_spreadsheet(
    shop: Shop, new_desk: Callable[[Path], HubDesk]
) -> None:
    desk = new_desk(shop.folder)
    for words in (
        ["plan", "--diff"], ["plan", "--markdown"], ["plan", "--json"], ["apply"], ["plan"],
        ["check"], ["status", "--json"], ["reconcile", "--csv", "proof.csv"],
    ):  # fmt: skip
        if words[0] == "reconcile":  # with a difference of the customer to be named
            desk.request("DELETE", "/invoices/external:I1")
        found = desk.command(*words[:2], *[str(desk.folder / word) for word in words[2:]])
        said = found.stdout + found.stderr
        assert not set("\x1b\x9b\u202e") & set(said), words
        if words[-1] == "--diff":
            assert _WRITTEN in said
        if words[-1] == "--json":
            json.loads(found.stdout)
        if words[0] == "reconcile":
            assert (found.returncode, _WRITTEN in said) == (9, True)
    with (desk.folder / "proof.csv").open(encoding="utf-8", newline="") as file:
        (row,) = csv.DictReader(file)
    assert row["customer_name"].startswith("'=HYPERLINK(1)")
    assert row["difference"] == "1.00"


@pytest.mark.usefixtures("settled")
@pytest.mark.parametrize("encoding", ["ascii", "latin-1"])
def test_a_terminal_that_lacks_a_character_is_shown_its_number(
    shop: Shop, new_desk: Callable[[Path], HubDesk], encoding: str
) -> None:
    shop.run("update customers set name = 'Łódź 😀'")
    desk = new_desk(shop.folder)
    commands = ("plan --diff", "plan --markdown", "check", "apply", "status")
    said, complaints = _shown(desk, encoding, *commands)
    assert complaints == b""
    assert said.count(b"\\u0141") >= 3, said
    said, complaints = _shown(desk, encoding, "plan --json")
    assert json.loads(said.decode(encoding))[0]["organisation"] == "shop"


def _shown(desk: HubDesk, encoding: str, *commands: str) -> tuple[bytes, bytes]:
    """What commands write to a terminal of this encoding, as the console script runs them."""
    out, err = (desk.folder / name for name in ("out", "err"))
    with (
        out.open("w", encoding=encoding) as stdout,
        err.open("w", encoding=encoding) as stderr,
        unittest.mock.patch.dict(os.environ, desk.environment),
        unittest.mock.patch("sys.stdout", stdout),
        unittest.mock.patch("sys.stderr", stderr),
    ):
        patient = main.make_patient()
        for command in commands:
            code = main.run([*command.split(), "--project", str(desk.folder)])
            assert code == 0, command
        assert main.unwritten(patient) == ""
    return out.read_bytes(), err.read_bytes()


def test_a_process_is_told_the_encoding_of_its_terminal(
    shop: Shop, new_desk: Callable[[Path], HubDesk]
) -> None:
    shop.run("update customers set name = 'Łódź 😀'")
    desk = new_desk(shop.folder)
    found = _run(desk, "headrace plan --json", PYTHONIOENCODING="ascii", LC_ALL="C")
    assert (found.returncode, found.stderr) == (0, b"")
    (told,) = json.loads(found.stdout.decode("ascii"))
    assert (told["organisation"], told["changes"][0]["customer_name"]) == ("shop", "Łódź 😀")


def test_a_reader_that_goes_away_stops_no_delivery(
    shop: Shop, new_desk: Callable[[Path], HubDesk]
) -> None:
    for number in range(2, 60):
        shop.customer(f"C{number}")
    desk = new_desk(shop.folder)
    for words in (["plan", "--diff", "--changes", "100"], ["check"], ["apply"]):
        running = desk.start(*words).process
        assert running.stdout is not None and running.stderr is not None
        if words[0] != "apply":
            assert running.stdout.readline()
        running.stdout.close()
        assert (running.stderr.read(), running.wait(60)) == ("", 0), words
        running.stderr.close()
    assert desk.get("/customers?limit=1")["total"] == 59
    assert desk.plan().requests == 0


def test_output_that_is_lost_is_said_and_stops_nothing(
    shop: Shop, new_desk: Callable[[Path], HubDesk]
) -> None:
    desk = new_desk(shop.folder)
    command = [sys.executable, "-m", "headrace", "apply", "--project", str(desk.folder)]
    with Path("/dev/full").open("wb") as full:
        said = subprocess.run(
            command, env=desk.environment, stdout=full, stderr=subprocess.PIPE, check=False
        )
    assert said.returncode == 6
    assert said.stderr == b"error: what it says can't be written: No space left on device\n"
    assert len(desk.writes()) == 2
    shop.customer("C2")
    found = _run(desk, "headrace apply >&- 2>&-")
    assert (found.returncode, len(desk.writes())) == (0, 3)
    assert desk.plan().requests == 0
