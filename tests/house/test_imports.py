"""Imports go one way: the contracts of pyproject.toml, no cycle, every folder in a layer."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest

import import_graph
from tree import PACKAGE, ROOT, Module, package

HUB = {"ledger", "store", "server", "console", "portal", "control"}
PIPELINE = {
    "client",
    "sources",
    "systems",
    "book",
    "sync",
    "fleet",
    "alerts",
    "watching",
    "drafting",
    "hints",
}
SHARED = {"model", "pages", "oracle", "proxy", "cli", "testkit"}
"""What both halves stand on, and what stands on both."""


def _contracts() -> list[dict[str, Any]]:
    tools = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]
    contracts: list[dict[str, Any]] = tools["importlinter"]["contracts"]
    return contracts


def _folders() -> set[str]:
    return {path.parent.name for path in PACKAGE.glob("*/__init__.py")}


def _lint(folder: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", "from importlinter.cli import lint_imports_command as c; c()"]
    return subprocess.run(
        [*command, "--no-cache"], cwd=folder, capture_output=True, text=True, check=False
    )


def test_the_import_contracts_are_kept() -> None:
    result = _lint(ROOT)
    assert result.returncode == 0, result.stdout + result.stderr
    assert f"Contracts: {len(_contracts())} kept, 0 broken." in result.stdout


def test_a_broken_contract_would_be_found(tmp_path: Path) -> None:
    for name, text in (("model", "from wheel_race import sync"), ("sync", "")):
        (tmp_path / "wheel_race").mkdir(exist_ok=True)
        (tmp_path / "wheel_race" / f"{name}.py").write_text(text)
    (tmp_path / "wheel_race" / "__init__.py").touch()
    (tmp_path / ".importlinter").write_text(
        "[importlinter]\nroot_package = wheel_race\n[importlinter:contract:1]\nname = one way\n"
        "type = layers\nlayers =\n    wheel_race.sync\n    wheel_race.model\n"
    )
    result = _lint(tmp_path)
    assert result.returncode != 0
    assert "one way BROKEN" in result.stdout, result.stdout + result.stderr


def test_every_folder_has_its_layer() -> None:
    (whole,) = (one for one in _contracts() if one["type"] == "layers" and "containers" not in one)
    placed = {name for layer in whole["layers"] for name in re.findall(r"headrace\.(\w+)", layer)}
    assert placed == _folders()


@pytest.mark.parametrize("package", ["sync", "store", "server", "proxy", "oracle"])
def test_every_subpackage_of_a_large_package_has_its_layer(package: str) -> None:
    (rooms,) = (one for one in _contracts() if one.get("containers") == [f"headrace.{package}"])
    placed = {name for layer in rooms["layers"] for name in layer.split(" | ")}
    modules = {path.stem for path in (PACKAGE / package).glob("*.py")} - {"__init__"}
    folders = {path.parent.name for path in (PACKAGE / package).glob("*/__init__.py")}
    assert modules | folders <= placed, "name it in pyproject.toml, in the layer where it belongs"


def test_pipeline_and_hub_must_not_import_each_other() -> None:
    folders = _folders()
    assert folders <= HUB | PIPELINE | SHARED, "a new folder belongs to one of the halves, or above"
    kept_apart = {
        (frozenset(contract["source_modules"]), frozenset(contract["forbidden_modules"]))
        for contract in _contracts()
        if contract["type"] == "forbidden"
    }
    hub = frozenset(f"headrace.{name}" for name in HUB & folders)
    pipeline = frozenset(f"headrace.{name}" for name in PIPELINE & folders)
    assert {(hub, pipeline), (pipeline, hub)} <= kept_apart


def test_there_is_no_import_cycle() -> None:
    graph = import_graph.edges(package())
    assert len(graph["headrace.cli.apply"]) > 3, "the graph has its edges"
    assert import_graph.cycles(graph) == []


@pytest.mark.parametrize(
    ("texts", "expected"),
    [
        ({"a": "from headrace import b", "b": "import headrace.a"}, [["headrace.a", "headrace.b"]]),
        (
            {"a": "from . import b", "b": "def f():\n    from .a import x"},
            [["headrace.a", "headrace.b"]],
        ),
        ({"a": "from headrace import b", "b": "from headrace import c", "c": "import json"}, []),
        (
            {
                "a": "from headrace.b import x",
                "b": "from headrace.c import x",
                "c": "from .a import x",
            },
            [["headrace.a", "headrace.b", "headrace.c"]],
        ),
    ],
)
def test_an_import_cycle_is_found(texts: dict[str, str], expected: list[list[str]]) -> None:
    modules = [Module(f"src/headrace/{name}.py", text) for name, text in texts.items()]
    assert import_graph.cycles(import_graph.edges(modules)) == expected
