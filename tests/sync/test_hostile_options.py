"""Every command with options that nobody means: a sentence and its exit code, never a defect."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import typer.main
from desk import HubDesk
from shop import Shop

from headrace.cli.application import build_app
from headrace.testkit.hub import make_keys

_NUMBERS = (
    *("-1", "0", "1", "65536", "99999999999999999999", "nan", "inf", "1e400", "", "x", "٣", "0x10"),
    "1_0",
)
_TEXTS = (
    *("", "\n", " ", "a" * 9_000, "é", "\udcff", "-1", "1e309", "nan", "env:", "env:NOPE", "file:"),
    *("file:nope", "file:bytes", "file:folder", "http://", "http://[", "http://[::1"),
    *("http://127.0.0.1:99999/", "http://a:b@127.0.0.1:9", "postgresql://", "postgresql://[::/x"),
    *("postgresql://u:p/w@h/d", "sqlite:///x#t", "sqlite:///bytes#t", 'sqlite:///shop.db#"; drop'),
    *("[", "*", "?", "shop*", "[a", "shop", "acme", "C", "I", "payment/P", "payment/", "x/y"),
    *("1d", "0d", "-1d", "99999999999999999999d", "1e5m", "2026-13-45", "0001-01-01", "9999-12-31"),
    *("१d", "null", "{}", "[]", "customers", "invoices,", "%", "%s", "../..", "s3://x", "::1"),
    *("256.1.1.1", "localhost", "EUR", "€", "Europe/Paris", "Mars/X", "../../etc/passwd"),
)
_PATHS = (
    *("bytes", "folder", "empty", "loop", "nope/x", "", "/dev/null", "/proc/self/mem", "a" * 300),
    *("half.json", "nested.json", "shop.db", "headrace.toml", "~", ".", "/", "\udcff"),
)
# These serve or work until they are stopped, or write what they are asked for.
_LEFT_OUT = {"serve", "run", "worker", "demo", "generate"}
_FLAGS_LEFT_OUT = {"follow", "watch"}


@pytest.fixture
def desk(
    tmp_path: Path, new_desk: Callable[[Path], HubDesk], monkeypatch: pytest.MonkeyPatch
) -> Iterator[HubDesk]:
    shop = Shop(tmp_path / "shop")
    shop.customer("C")
    shop.invoice("I", "C", 100)
    shop.close()
    odd = tmp_path / "odd"
    odd.mkdir()
    (odd / "bytes").write_bytes(bytes(range(256)) * 20)
    (odd / "folder").mkdir()
    (odd / "empty").touch()
    (odd / "loop").symlink_to("loop")
    (odd / "half.json").write_text('{"a": [1, 2')
    (odd / "nested.json").write_text("[" * 100_000)
    (odd / "headrace.toml").write_bytes(b"[organisation.\xff]")
    monkeypatch.chdir(odd)
    make_keys(tmp_path / "hub", "acme")
    yield new_desk(shop.folder)


def _commands() -> list[tuple[list[str], Any]]:
    """The words of each command, and what click knows of it."""

    def walk(command: Any, words: list[str]) -> Iterator[tuple[list[str], Any]]:
        inner = getattr(command, "commands", None)
        if inner is None:
            yield words, command
        for name, one in (inner or {}).items():
            yield from walk(one, [*words, name])

    every = walk(typer.main.get_command(build_app()), [])
    return [(words, command) for words, command in every if words[0] not in _LEFT_OUT]


def _line(dice: random.Random, words: list[str], command: Any, hub: Path) -> list[str]:
    line = list(words)
    for parameter in command.params:
        likely = 1.0 if parameter.required else 0.3
        if parameter.name in ("help", "project") or dice.random() > likely:
            continue
        if parameter.param_type_name == "argument":
            line.append(_value(dice, parameter))
        elif parameter.is_flag:
            line += [] if parameter.name in _FLAGS_LEFT_OUT else [parameter.opts[0]]
        elif parameter.name == "data" and dice.random() < 0.7:
            line += [parameter.opts[0], str(hub)]
        else:
            line += [parameter.opts[0], _value(dice, parameter)]
    return line


def _value(dice: random.Random, parameter: Any) -> str:
    kind = parameter.type.name
    if kind.startswith(("integer", "float")) and dice.random() < 0.8:
        return dice.choice(_NUMBERS)
    if kind in ("path", "file", "directory") and dice.random() < 0.9:
        return dice.choice(_PATHS)
    return dice.choice(_TEXTS + _PATHS)


@pytest.mark.parametrize(
    ("seed", "rounds"),
    [(1, 120), *(pytest.param(seed, 1_000, marks=pytest.mark.soak) for seed in range(2, 12))],
)
def test_options_that_nobody_means_are_a_sentence(
    desk: HubDesk, tmp_path: Path, seed: int, rounds: int
) -> None:
    dice, commands = random.Random(seed), _commands()
    for number in range(rounds):
        words, command = commands[number % len(commands)]
        line = _line(dice, words, command, tmp_path / "hub")
        on_project = "project" in {parameter.name for parameter in command.params}
        found = desk.command(*line) if on_project else desk.line(*line)
        said = found.stdout + found.stderr
        assert found.returncode != 1, (line, said)
        assert "Traceback" not in said, (line, said)
        if found.returncode == 6 and "--json" not in line:
            assert "error: " in said, (line, said)
