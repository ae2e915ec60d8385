"""Secrets by reference: from the environment, files, commands, and sealed in a database."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path

import pytest

from headrace.fleet.secrets import SEALING_KEY, new_sealing_key, resolve, seal
from headrace.model.errors import ConfigurationError

PYTHON = shlex.quote(sys.executable)


def test_a_command_prints_the_secret_and_runs_in_the_projects_folder(tmp_path: Path) -> None:
    (tmp_path / "vault.py").write_text("print(' s3cret\\n')", encoding="utf-8")
    assert resolve(f"command:{PYTHON} vault.py", "key", tmp_path, {}) == "s3cret"


@pytest.mark.parametrize(
    ("command", "words"),
    [
        ("", "names no command"),
        ("no-such-program x", "no-such-program, which can't be run"),
        ("PYTHON -c 'print(\"s3cret\"); exit(3)'", "ended with code 3"),
        ("vault 'read", "is no valid command"),
    ],
)
def test_a_command_that_fails_is_named_without_its_output(
    command: str, words: str, tmp_path: Path
) -> None:
    with pytest.raises(ConfigurationError) as raised:
        resolve(f"command:{command.replace('PYTHON', PYTHON)}", "target.key", tmp_path, {})
    assert words in str(raised.value)
    assert "s3cret" not in str(raised.value)
    assert "target.key" in str(raised.value)


def test_a_sealed_secret_opens_with_its_key_and_after_that_was_replaced(tmp_path: Path) -> None:
    old, new = new_sealing_key(), new_sealing_key()
    sealed = seal("s3cret", {SEALING_KEY: old})
    assert "s3cret" not in sealed
    for keys in (old, f"{new}, {old}"):
        assert resolve(sealed, "key", tmp_path, {SEALING_KEY: keys}) == "s3cret"


@pytest.mark.parametrize(
    "keys", ["", "no key", new_sealing_key()], ids=["none", "invalid", "another"]
)
def test_a_sealed_secret_stays_closed_without_its_key(keys: str, tmp_path: Path) -> None:
    sealed = seal("s3cret", {SEALING_KEY: new_sealing_key()})
    with pytest.raises(ConfigurationError, match=SEALING_KEY):
        resolve(sealed, "key", tmp_path, {SEALING_KEY: keys})
