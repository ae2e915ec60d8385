"""Commands in places where something is missing: room, a disk that can be written, permission."""

from __future__ import annotations

import functools
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from forked import Before

_NOBODY = Before("""
import encodings.unicode_escape  # Jinja's, which nobody can read where Python is root's own
import os

os.setgroups([])
os.setgid(65534)
os.setuid(65534)
""")
_READING = Before(f"{_NOBODY}import headrace; open(headrace.__file__).close()")
_ALONE = """
import ctypes, os, subprocess
user, group = os.getuid(), os.getgid()
libc = ctypes.CDLL(None, use_errno=True)
new_mounts, new_user = 0x20000, 0x10000000
if libc.unshare(new_mounts):
    assert not libc.unshare(new_user | new_mounts), "no mounts of one's own"
    maps = {"setgroups": "deny", "uid_map": f"0 {user} 1", "gid_map": f"0 {group} 1"}
    for name, text in maps.items():
        with open(f"/proc/self/{name}", "w") as file:
            file.write(text)
for words in (["--make-rprivate", "/"], ["--bind", FOLDER, FOLDER], ["-o", READ_ONLY, FOLDER]):
    subprocess.run(["mount", *words], check=True, capture_output=True)
"""
"""As root, or as a user who may be root of a name space: a folder that can't be written."""

Commands = Sequence[Sequence[str]]
Ran = list[subprocess.CompletedProcess[str]]


def in_room(commands: Commands, environment: Mapping[str, str], room: int) -> Ran:
    """Commands that can write no file beyond so many bytes, as on a disk that is full."""
    limit = f"import resource; resource.setrlimit(resource.RLIMIT_FSIZE, ({room}, {room}))"
    return _ran(commands, environment, Before(limit))


def on_read_only(folder: Path, commands: Commands, environment: Mapping[str, str]) -> Ran:
    """Commands to which the folder is a read-only mount; skips where none can be made."""
    if not _can_be_read_only():
        pytest.skip("no file system can be mounted here")
    return _ran(commands, environment, _read_only(folder))


def as_somebody_else(commands: Commands, environment: Mapping[str, str]) -> Ran:
    """Commands as a user without rights of its own; skips where that can't be."""
    if not _can_be_somebody_else():
        pytest.skip("only root can run it as another user, who needs to read Python and headrace")
    return _ran(commands, environment, _NOBODY)


def _read_only(folder: Path) -> Before:
    return Before(f"FOLDER, READ_ONLY = {str(folder)!r}, 'remount,ro,bind'{_ALONE}")


@functools.cache
def _can_be_somebody_else() -> bool:
    if os.getuid() != 0:
        return False
    command = [sys.executable, "-m", "headrace", "apply", "--help"]
    try:
        subprocess.run(command, preexec_fn=_READING, capture_output=True, check=True, cwd="/")
    except (OSError, subprocess.SubprocessError):
        return False
    return True


@functools.cache
def _can_be_read_only() -> bool:
    command = [sys.executable, "-m", "headrace", "--version"]
    try:
        subprocess.run(command, preexec_fn=_read_only(Path("/proc")), check=True)
    except (OSError, subprocess.SubprocessError):
        return False
    return True


def _ran(commands: Commands, environment: Mapping[str, str], before: Before) -> Ran:
    return [
        subprocess.run(
            [sys.executable, "-m", "headrace", *words],
            env=dict(environment), cwd="/", preexec_fn=before,
            capture_output=True, text=True, timeout=90, check=False,
        )
        for words in commands
    ]  # fmt: skip


def one_sentence(found: subprocess.CompletedProcess[str], code: int = 6) -> str:
    """What it said instead of doing its work."""
    assert found.returncode == code, found
    assert found.stderr.startswith("error: "), found
    assert found.stderr.count("\n") == 1, found
    return found.stderr
