"""The entry point: help that teaches, errors as one line, exit codes, JSON for machines."""

import re
from pathlib import Path

import msgspec
import pytest

from headrace import __version__
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
