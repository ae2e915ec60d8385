"""Processes of headrace that start at once: forks of one that has loaded its modules.

Most of what a short process costs is loading Python and the modules. In tests, what starts
`python -m headrace` gets a fork of a process that did so before, as a child of the test's own: with
its arguments, environment, folder and pipes, to be waited for and killed like any other. It then
runs what Python would run. Whatever is asked for specially is started in the usual way:
variables that Python reads when it starts, a function to be called before other than `Before`.
"""

from __future__ import annotations

import ctypes
import json
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

_HUB = "from headrace.cli.main import main; main()"
"""How the test kit starts a hub."""
_AT_START = (
    *("PYTHON", "LC_", "LANG", "TZ", "TMP", "LD_", "MALLOC_", "GLIBC_"),
    *("FORCE_COLOR", "NO_COLOR", "PY_COLORS", "TERMINAL_WIDTH", "TYPER_", "_TYPER_"),
)
"""Beginnings of the names of variables that count when a process starts."""
_ARGUMENTS = 23
"""Of Python's function that forks, from 3.11 on; with others, processes start in the usual way."""
_PLAIN = (-1, None, None, None, -1)
"""No process group, group, groups, user nor umask."""
_SUBREAPER = 36

_PROGRAM = """
import atexit, gc, importlib, json, os, runpy, socket, sys, threading

from headrace.cli.commands import COMMANDS

for name in ("application", "main", "witness", *COMMANDS):
    importlib.import_module(f"headrace.cli.{name}")
for name in ("aiohttp", "rich._emoji_codes", "rich.console", "rich.progress", "rich.table"):
    importlib.import_module(name)  # most of them use these, which are loaded on first use
assert threading.active_count() == 1, "a fork would lack the other threads"
gc.freeze()
# Not by a `with`, which would close it in the forks when they end.
line = socket.socket(fileno=int(sys.argv[1]))


def forked(ends):
    # The first fork ends at once, so that the second becomes a child of the test's process. That
    # waits until then: it sees its parent.
    reader, writer = os.pipe()
    go, gone = os.pipe()
    first = os.fork()
    if first == 0:
        second = os.fork()
        if second == 0:
            os.close(gone)
            os.read(go, 1)
            for end in (go, reader, writer):
                os.close(end)
            return 0
        os.write(writer, str(second).encode())
        os._exit(0)
    number = int(os.read(reader, 20))
    os.waitpid(first, 0)
    for end in (go, gone, reader, writer, *ends):
        os.close(end)
    return number


def became(asked, ends):
    # In the fork: what Python does between its start and its program.
    line.detach()
    os.close(int(sys.argv[1]))
    for number, end in enumerate(ends):
        os.dup2(end, number)
    for end in ends:
        os.close(end)
    os.chdir(asked["folder"])
    os.umask(asked["umask"])
    if asked["session"]:
        os.setsid()
    exec(asked["before"], {})
    if os.isatty(1):
        sys.stdout.reconfigure(line_buffering=True)
    os.environ.clear()
    os.environ.update(asked["environment"])
    how, what, *rest = asked["words"]
    sys.argv = ["-c" if how == "-c" else what, *rest]
    sys.path[0] = "" if how == "-c" else asked["folder"]
    return how, what


def next_program():
    while True:
        size, fds, _, _ = socket.recv_fds(line, 8, 3)
        if not size:
            sys.exit(0)
        asked = b""
        while len(asked) < int.from_bytes(size, "big"):
            asked += line.recv(1 << 20)
        number = forked(fds)
        if number == 0:
            return became(json.loads(asked), fds)
        line.sendall(number.to_bytes(8, "big"))


how, what = next_program()
del COMMANDS, line, next_program, became, forked, name
try:
    if how == "-c":
        exec(compile(what, "<string>", "exec"))
    else:
        if "." in what:
            sys.modules.pop(what, None)  # Python has not loaded what it is going to run
        runpy.run_module(what, run_name="__main__", alter_sys=True)
except SystemExit as ended:
    if not isinstance(ended.code, int):  # an exit code of its own kind is one as well
        raise
    # As Python ends, but for taking to pieces all that is shared with the forked process.
    threading._shutdown()
    atexit._run_exitfuncs()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(ended.code)
"""


class Before(str):
    """Python that a process runs before its program: what `preexec_fn` of a fork may be."""

    __slots__ = ()

    def __call__(self) -> None:
        exec(self, {})


class _Starter:
    """The process that is forked."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._line: socket.socket | None = None
        self._libc = ctypes.CDLL(None, use_errno=True)
        self._variables: dict[str, str] = {}

    def starts_as(self, variables: Mapping[str, str]) -> bool:
        """Whether a process with these variables would start as the forked one did."""
        with self._lock:
            if self._line is None:
                self._open()
        return _at_start(variables) == self._variables

    def start(self, asked: dict[str, Any], ends: Sequence[int]) -> int:
        """The id of a fork that does what is asked; `ends` become its standard streams."""
        content = json.dumps(asked).encode()
        with self._lock:
            assert self._line is not None
            self._adopt(True)
            try:
                socket.send_fds(self._line, [len(content).to_bytes(8, "big")], ends)
                self._line.sendall(content)
                answer = self._line.recv(8, socket.MSG_WAITALL)
            finally:
                self._adopt(False)
        assert len(answer) == 8, "the process that is forked has ended"
        return int.from_bytes(answer, "big")

    def _open(self) -> None:
        self._line, other = socket.socketpair()
        self._variables = _at_start(os.environ)
        with other:
            process = subprocess.Popen(
                [sys.executable, "-c", _PROGRAM, str(other.fileno())],
                pass_fds=[other.fileno()],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                start_new_session=True,
            )
        process.returncode = 0  # it ends with this process, which closes the line

    def _adopt(self, yes: bool) -> None:
        """Whether processes whose parents end become children of this one."""
        self._libc.prctl(_SUBREAPER, int(yes), 0, 0, 0)


_starter = _Starter()
_fork_exec = subprocess._fork_exec  # type: ignore[attr-defined]


def install() -> None:
    """From now on, what starts `python -m headrace` gets forks, unless `HEADRACE_TEST_STARTS` is
    `own`."""
    if sys.platform == "linux" and os.environ.get("HEADRACE_TEST_STARTS") != "own":
        subprocess._fork_exec = _forked  # type: ignore[attr-defined]


def _forked(*given: Any) -> int:
    """In place of `subprocess._fork_exec`, with its arguments."""
    if len(given) != _ARGUMENTS:
        return int(_fork_exec(*given))
    (words, _, _, keep, folder, environment, stdin, _, _, stdout, _, stderr, _, trouble, *more) = (
        given
    )
    _, session, *special, before, _ = more
    words = [os.fsdecode(word) for word in words]
    ends = [number if end == -1 else end for number, end in enumerate((stdin, stdout, stderr))]
    variables = dict(os.environ) if environment is None else _variables(environment)
    if (
        not _is_headrace(words)
        or list(keep) != [trouble]
        or tuple(special) != _PLAIN
        or not isinstance(before, Before | None)
        or not _starter.starts_as(variables)
    ):
        return int(_fork_exec(*given))
    folder = str(Path.cwd() if folder is None else Path.cwd() / os.fsdecode(folder))
    asked = {
        "words": words[1:], "environment": variables, "folder": folder, "umask": _umask(),
        "session": bool(session),
        "before": before or "",
    }  # fmt: skip
    return _starter.start(asked, ends)


def _is_headrace(words: Sequence[str]) -> bool:
    if words[0] != sys.executable:
        return False
    how, what, *_ = [*words[1:3], "", ""]
    return what == _HUB if how == "-c" else how == "-m" and what.partition(".")[0] == "headrace"


def _variables(lines: Sequence[bytes]) -> dict[str, str]:
    """An environment as `name=value`; names may begin with `=`."""
    pairs = (os.fsdecode(line) for line in lines)
    return {line[: line.index("=", 1)]: line[line.index("=", 1) + 1 :] for line in pairs}


def _at_start(variables: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in variables.items() if name.startswith(_AT_START)}


def _umask() -> int:
    mask = os.umask(0o077)
    os.umask(mask)
    return mask
