"""The entry point: help that teaches, errors as one line, exit codes, JSON for machines."""

import importlib
import pkgutil
import re
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest
import typer

import headrace.cli
from headrace import __version__
from headrace.cli.application import build_app
from headrace.cli.commands import COMMANDS
from headrace.cli.exit_codes import ExitCode
from headrace.cli.main import run


def test_help_lists_every_command(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["--help"]) == 0
    shown = capsys.readouterr().out
    for command in (
        "apply",
        "check",
        "demo",
        "keys",
        "plan",
        "reconcile",
        "run",
        "serve",
        "status",
    ):
        assert re.search(rf"^  {command}\b", shown, re.M), command
    assert "Exit codes" in shown


def test_the_version_is_the_packages(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["--version"]) == 0
    assert capsys.readouterr().out == f"headrace {__version__}\n"


def test_every_module_with_a_command_is_in_the_table() -> None:
    modules = [info.name for info in pkgutil.iter_modules(headrace.cli.__path__) if not info.ispkg]
    loaded = {name: importlib.import_module(f"headrace.cli.{name}") for name in modules}
    commands = {
        name
        for name, module in loaded.items()
        if hasattr(module, "app") or "command" in vars(module)
    }
    assert commands == set(COMMANDS)


@pytest.mark.parametrize("name", COMMANDS)
def test_the_sentence_of_a_command_is_the_first_of_its_own_help(name: str) -> None:
    command = typer.main.get_command(build_app({name})).commands[name]
    own = " ".join(command.help.split("\n\n")[0].split())
    assert own.startswith(COMMANDS[name])
    assert own[len(COMMANDS[name]) :][:1] in ("", " ")


def _loaded_by(*arguments: str) -> set[str]:
    script = (
        "import sys\nfrom headrace.cli.main import run\n"
        f"run({list(arguments)!r})\nprint('loaded', *sys.modules)"
    )
    said = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    ).stdout
    return set(said.splitlines()[-1].split())


def test_the_version_is_told_before_anything_is_loaded() -> None:
    assert not {"typer", "msgspec", "duckdb", "asyncio"} & _loaded_by("--version")


def test_the_programs_help_loads_no_command() -> None:
    loaded = _loaded_by("--help")
    assert not {f"headrace.cli.{name}" for name in COMMANDS} & loaded
    assert not {"duckdb", "aiohttp", "asyncio", "rich"} & loaded


def test_a_command_loads_no_other_command_and_no_client_before_it_asks_the_api() -> None:
    loaded = _loaded_by("plan", "--help")
    assert {name for name in COMMANDS if f"headrace.cli.{name}" in loaded} == {"plan"}
    assert "aiohttp.client" not in loaded


@pytest.mark.parametrize(
    ("arguments", "help_of"),
    [
        (["plan", "--projct", "x"], "headrace plan --help"),
        (["keys", "maek"], "headrace keys --help"),
        (["rejects", "show"], "headrace rejects show --help"),
        (["apply", "--patience", "soon"], "headrace apply --help"),
        (["aply"], "(headrace --help"),
    ],
)
def test_a_usage_error_points_to_the_help_of_its_own_command(
    capsys: pytest.CaptureFixture[str], arguments: list[str], help_of: str
) -> None:
    assert run(arguments) == ExitCode.CONFIGURATION
    assert f"{help_of})" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["plan", "--project", "{}/nowhere"], "There is no"),
        (["plan", "--projct", "x"], "No such option"),
        (["aply"], "No such command"),
        (["apply", "--patience", "soon", "--project", "{}"], "not an interval"),
    ],
)
def test_a_mistake_is_one_line_and_code_6(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], said: str
) -> None:
    code = run([argument.format(tmp_path) for argument in arguments])
    captured = capsys.readouterr()
    assert code == ExitCode.CONFIGURATION
    assert said in captured.err
    assert captured.err.startswith("error: ")
    assert captured.err.count("\n") == 1
    assert captured.out == ""


def test_with_json_an_error_is_json(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["plan", "--json", "--project", str(tmp_path)]) == ExitCode.CONFIGURATION
    error = msgspec.json.decode(capsys.readouterr().out)["error"]
    assert error["kind"] == "configuration"
    assert "headrace.toml" in error["message"]


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        (
            "env:NO_SUCH_KEY",
            "env:NO_SUCH_KEY",
            "environment variable NO_SUCH_KEY, which is not set",
        ),
        ("env:NO_SUCH_KEY", "file:no-key", "no-key, which can't be read"),
        ("https://", "ftp://", "must start with https"),
        ("organisation.acme", 'organisation."a/b"', "letters, digits"),
    ],
)
def test_a_secret_or_address_that_is_not_there(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], old: str, new: str, said: str
) -> None:
    text = (
        '[organisation.acme]\ntarget = { url = "https://x/v1", key = "env:NO_SUCH_KEY", '
        'secret = "env:NO_SUCH_KEY" }\nsource = { kind = "files", path = "." }\n'
    )
    (tmp_path / "headrace.toml").write_text(text.replace(old, new))
    assert run(["plan", "--project", str(tmp_path)]) == ExitCode.CONFIGURATION
    assert said in capsys.readouterr().err


def test_a_loop_loads_no_server_and_no_client_before_it_needs_them() -> None:
    """Imports determine the time and the memory of a round at rest; `bench/fleet.py` measures."""
    loaded = _loaded_by("run", "--help")
    assert "headrace.fleet.loop" in loaded
    needless = {
        "aiohttp.client",
        "fastexcel._fastexcel",
        "headrace.watching.page",
        "jinja2",
        "starlette",
        "uvicorn",
        "watchfiles.main",
    }
    assert not needless & loaded
