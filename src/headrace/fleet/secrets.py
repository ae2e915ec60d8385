"""Secrets by reference: `env:NAME`, `file:PATH`, `command:PROGRAM …` and `sealed:…`.

A sealed value is encrypted (Fernet of the package cryptography) with a key that is outside of the
database and the project: the environment variable `HEADRACE_SEALING_KEY`. The variable may hold
several keys, separated by commas; the first one seals, all of them open, so a key can be replaced.
"""

from __future__ import annotations

import os
import shlex
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from headrace.model.errors import ConfigurationError
from headrace.model.extras import load_extra
from headrace.model.secret_text import trimmed

SEALING_KEY = "HEADRACE_SEALING_KEY"
_SEALED = "sealed:"
_COMMAND_S = 30.0
"""Seconds that a command may take to print a secret."""
_WHAT = "A sealed secret"


def resolve(text: str, where: str, folder: Path, environment: Mapping[str, str]) -> str:
    """Return the value that a reference stands for; other texts are returned as is.

    Paths are relative to `folder`, in which commands run as well. `where` names the setting in
    messages. Raises ConfigurationError if there is no value; a message never has the value.
    """
    if text.startswith("env:"):
        return _of_environment(text.removeprefix("env:"), where, environment)
    if text.startswith("file:"):
        return _of_file(folder / text.removeprefix("file:"), where)
    if text.startswith("command:"):
        return _of_command(text.removeprefix("command:"), where, folder, environment)
    if text.startswith(_SEALED):
        return _opened(text.removeprefix(_SEALED), where, environment)
    return text


def seal(value: str, environment: Mapping[str, str] = os.environ) -> str:
    """Encrypt a secret; returns a reference for `resolve`. Raises ConfigurationError without a
    valid key."""
    sealed: bytes = _cipher(_WHAT, environment).encrypt(value.encode())
    return _SEALED + sealed.decode()


def new_sealing_key() -> str:
    """Return a new random key for `HEADRACE_SEALING_KEY`."""
    key: bytes = load_extra("cryptography.fernet", "workers", _WHAT).Fernet.generate_key()
    return key.decode()


def _of_environment(name: str, where: str, environment: Mapping[str, str]) -> str:
    value = environment.get(name, "")
    if not value:
        raise ConfigurationError(
            f"{where} is read from the environment variable {name}, which is not set."
        )
    return trimmed(value, f"{where}, the environment variable {name},")


def _of_file(path: Path, where: str) -> str:
    try:
        return trimmed(path.read_text(encoding="utf-8-sig"), f"{where}, the file {path},")
    except OSError as error:
        raise ConfigurationError(
            f"{where} is read from {path}, which can't be read: {error.strerror}."
        ) from None
    except UnicodeDecodeError:
        raise ConfigurationError(f"{where} is read from {path}, which is not UTF-8.") from None


def _of_command(text: str, where: str, folder: Path, environment: Mapping[str, str]) -> str:
    """Run a program, without a shell, and return what it prints."""
    try:
        words = shlex.split(text)
    except ValueError as error:
        raise ConfigurationError(f"{where} is no valid command: {error}.") from None
    if not words:
        raise ConfigurationError(f"{where} names no command: write command:PROGRAM and its words.")
    said = f"{where} is read from the command {words[0]}"
    try:
        done = subprocess.run(
            words,
            cwd=folder,
            env=dict(environment),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=_COMMAND_S,
            check=False,
        )
    except OSError as error:
        raise ConfigurationError(f"{said}, which can't be run: {error.strerror}.") from None
    except subprocess.TimeoutExpired:
        raise ConfigurationError(f"{said}, which took longer than {_COMMAND_S:g} s.") from None
    if done.returncode:
        # Its output may contain the secret, so it is not shown.
        raise ConfigurationError(f"{said}, which ended with code {done.returncode}.")
    try:
        value = done.stdout.decode("utf-8")
    except UnicodeDecodeError:
        raise ConfigurationError(f"{said}, which did not print UTF-8.") from None
    return trimmed(value, f"{where}, the output of {words[0]},")


def _opened(text: str, where: str, environment: Mapping[str, str]) -> str:
    cipher = _cipher(where, environment)
    invalid: type[Exception] = load_extra("cryptography.fernet", "workers", where).InvalidToken
    try:
        return bytes(cipher.decrypt(text.encode())).decode()
    except invalid:
        raise ConfigurationError(
            f"{where} is sealed with another key than those in {SEALING_KEY}."
        ) from None


def _cipher(what: str, environment: Mapping[str, str]) -> Any:
    library = load_extra("cryptography.fernet", "workers", what)
    keys = [key.strip() for key in environment.get(SEALING_KEY, "").split(",") if key.strip()]
    if not keys:
        raise ConfigurationError(
            f"{what} needs the environment variable {SEALING_KEY}, which is not set; "
            "`headrace fleet new-key` prints a new key."
        )
    try:
        return library.MultiFernet([library.Fernet(key) for key in keys])
    except ValueError:
        raise ConfigurationError(
            f"{SEALING_KEY} has no valid key; `headrace fleet new-key` prints one."
        ) from None
