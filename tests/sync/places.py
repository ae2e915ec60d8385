"""Commands in places where something is missing: room, a disk that can be written, permission."""

from __future__ import annotations

import functools
import os
import resource
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest
from in_turn import in_turn

_NOBODY = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"]
_READ_ONLY = 'mount --bind "$0" "$0" && mount -o remount,ro,bind "$0" && exec "$@"'

Commands = Sequence[Sequence[str]]
Ran = list[subprocess.CompletedProcess[str]]


def in_room(commands: Commands, environment: Mapping[str, str], room: int) -> Ran:
    """Commands that can write no file beyond so many bytes, as on a disk that is full."""

    def fill() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (room, room))

    return in_turn(commands, environment, before=fill)


def on_read_only(folder: Path, commands: Commands, environment: Mapping[str, str]) -> Ran:
    """Commands to which the folder is a read-only mount; skips where none can be made."""
    alone = _apart()
    if not alone:
        pytest.skip("no file system can be mounted here")
    return in_turn(commands, environment, [*alone, "sh", "-c", _READ_ONLY, str(folder)])


def as_somebody_else(commands: Commands, environment: Mapping[str, str]) -> Ran:
    """Commands as a user without rights of its own; skips where that can't be."""
    if not _can_be_somebody_else():
        pytest.skip("only root can run it as another user, who needs to read Python and headrace")
    return in_turn(commands, environment, _NOBODY)


@functools.cache
def _apart() -> list[str]:
    """How to have mounts of one's own, as root or as a user who may be root of a name space."""
    for way in (["unshare", "-m"], ["unshare", "-Urm"]):
        if _works([*way, "sh", "-c", _READ_ONLY, "/proc", "true"]):
            return way
    return []


@functools.cache
def _can_be_somebody_else() -> bool:
    if os.getuid() != 0:
        return False
    return _works([*_NOBODY, sys.executable, "-c", "import headrace.cli.apply"])


def _works(command: Sequence[str]) -> bool:
    try:
        return subprocess.run(command, capture_output=True, check=False, cwd="/").returncode == 0
    except OSError:
        return False


def one_sentence(found: subprocess.CompletedProcess[str], code: int = 6) -> str:
    """What it said instead of doing its work."""
    assert found.returncode == code, found
    assert found.stderr.startswith("error: "), found
    assert found.stderr.count("\n") == 1, found
    return found.stderr
