"""Whatever is wrong outside is one sentence: no traceback, no secret, not the code of a defect."""

from __future__ import annotations

import os
import resource
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from desk import HubDesk
from shop import Shop


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Shop]:
    shop = Shop(tmp_path / "shop")
    shop.customer("C1")
    yield shop
    shop.close()


def _replace(shop: Shop, old: str, new: str) -> None:
    path = shop.folder / "headrace.toml"
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf-8")


def _one_sentence(desk: HubDesk, *words: str) -> str:
    found = desk.command(*words)
    assert found.returncode == 6, found
    assert found.stderr.startswith("error: ")
    assert found.stderr.count("\n") == 1, found.stderr
    return found.stderr


@pytest.mark.parametrize("around", ["\n", "\r\n", " ", "\u200b", "\ufeff"])
def test_keys_work_whatever_unseen_stands_around_them(
    shop: Shop, new_desk: Callable[[Path], HubDesk], around: str
) -> None:
    desk = new_desk(shop.folder)
    for name in ("HEADRACE_KEY", "HEADRACE_SECRET", "HEADRACE_URL"):
        desk.environment[name] += around
    (shop.folder / "secret").write_text(desk.environment["HEADRACE_SECRET"], encoding="utf-8")
    _replace(shop, "env:HEADRACE_SECRET", "file:secret")
    assert desk.command("check").returncode == 0
    assert desk.apply()[1].sent == 1


@pytest.mark.parametrize("secret", ["hunter2\nhunter3", "“hunter2”", "hunter\u200b2", "hunter 2"])
def test_a_secret_that_can_not_be_one_names_its_variable_alone(
    shop: Shop, new_desk: Callable[[Path], HubDesk], secret: str
) -> None:
    desk = new_desk(shop.folder)
    desk.environment["HEADRACE_SECRET"] = secret
    for command in ("check", "plan", "apply"):
        said = _one_sentence(desk, command)
        assert "target.secret" in said
        assert "hunter" not in said


@pytest.mark.parametrize("password", ["hun/ter2", "hun@ter2", "hun?ter2", "hun#ter2", "hun[ter2"])
@pytest.mark.parametrize("place", ["source", "journal"])
def test_no_piece_of_a_password_is_shown(
    shop: Shop, new_desk: Callable[[Path], HubDesk], password: str, place: str
) -> None:
    desk = new_desk(shop.folder)
    desk.environment["DATABASE"] = f"postgresql://billing:{password}@127.0.0.1:9/billing"
    if place == "source":
        _replace(shop, '"sqlite:///shop.db"', '"env:DATABASE"')
    else:
        _replace(shop, "[organisation.shop]", 'journal = "env:DATABASE"\n[organisation.shop]')
    for command in ("check", "plan", "status") if place == "journal" else ("check", "plan"):
        said = _one_sentence(desk, command)
        assert place in said
        assert "percent-encoded" in said
        assert "hun" not in said
        assert "ter2" not in said


def test_no_piece_of_a_hubs_password_is_shown(tmp_path: Path) -> None:
    found = subprocess.run(
        [sys.executable, "-m", "headrace", "keys", "list", "--database", "env:HUB"],
        env={**os.environ, "HUB": "postgresql://hub:hun/ter2@127.0.0.1:9/hub\n"},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert found.returncode == 6
    assert "percent-encoded" in found.stderr
    assert "ter2" not in found.stderr


def test_a_password_in_the_targets_address_is_refused_and_not_shown(
    shop: Shop, new_desk: Callable[[Path], HubDesk]
) -> None:
    desk = new_desk(shop.folder)
    url = desk.environment["HEADRACE_URL"]
    desk.environment["HEADRACE_URL"] = url.replace("//", "//admin:hunter2@")
    for command in ("check", "apply"):
        assert "hunter2" not in _one_sentence(desk, command)


def test_settings_and_folders_that_can_not_be_used(
    shop: Shop, new_desk: Callable[[Path], HubDesk]
) -> None:
    desk = new_desk(shop.folder)
    with (shop.folder / "headrace.toml").open("a") as file:
        file.write('every = "99999999999999999999d"\n')
    assert "is too long" in _one_sentence(desk, "plan")
    _replace(shop, 'every = "99999999999999999999d"\n', "")
    _replace(shop, "[organisation.shop]", 'data = "shop.db"\n[organisation.shop]')
    for command in ("check", "plan", "apply", "reconcile"):
        assert "shop.db" in _one_sentence(desk, command)
    _replace(shop, 'data = "shop.db"', 'data = "/proc/1"')
    assert "/proc/1" in _one_sentence(desk, "plan")
    _replace(shop, 'data = "/proc/1"', "")
    (shop.folder / "models").mkdir()
    (shop.folder / "models" / "customers.sql").write_bytes(b"select '\xe9' as name")
    assert "customers.sql, line 1 is not UTF-8" in _one_sentence(desk, "plan")


@pytest.mark.parametrize("port", ["99999", "-1", "65536"])
def test_a_port_that_there_is_not(tmp_path: Path, port: str) -> None:
    found = subprocess.run(
        [sys.executable, "-m", "headrace", "serve", "--data", str(tmp_path), "--port", port],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert found.returncode == 6
    assert "65535" in found.stderr
    assert "Traceback" not in found.stderr


@pytest.mark.parametrize("room", [0, 20_000, 200_000])
def test_making_a_key_on_a_full_disk(tmp_path: Path, room: int) -> None:
    def fill() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (room, room))

    words = ["keys", "create", "--data", str(tmp_path / "hub"), "--organisation", "acme", "--new"]
    found = subprocess.run(
        [sys.executable, "-m", "headrace", *words],
        preexec_fn=fill, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert found.returncode == 6, found
    assert "Traceback" not in found.stderr
    assert found.stderr.startswith("error: ")
    assert found.stdout == ""
