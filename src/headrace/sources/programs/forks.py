"""Starts workers as forks of a process that has loaded what they need.

Most of what a round of a source in Python or of an API cost was loading modules: 0.2 s, and 0.7 s
with the library that reads REST. Python's own `multiprocessing` has such a server, but loads the
main module into each process again, and can't connect its streams.
"""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import IO, cast

import msgspec

from headrace.sources.programs.forkserver import STARTED, Asked
from headrace.sources.programs.process import Program, started

_AT_START = ("PYTHON", "LC_", "LANG", "TZ", "LD_", "MALLOC_")
"""Beginnings of the names of variables that count only when a process starts."""

_PATIENCE_S = 30.0
"""For modules that are loaded: the programs of other organisations wait to be started."""


class Fork:
    """A worker, to be written to, read, waited for and killed like a `Popen`."""

    def __init__(self, said: socket.socket, given: int, written: int) -> None:
        self.stdin = cast(IO[bytes], os.fdopen(given, "wb"))
        self.stdout = cast(IO[bytes], os.fdopen(written, "rb"))
        self._said = said
        self._code: int | None = None

    def poll(self) -> int | None:
        """Return how it ended, None while it runs."""
        with suppress(BlockingIOError):
            self._hear(socket.MSG_DONTWAIT)
        return self._code

    def wait(self) -> int:
        """Wait for its end; returns its exit code, negative for a signal."""
        self._hear(socket.MSG_WAITALL)
        return cast(int, self._code)

    def kill(self) -> None:
        """End it."""
        with suppress(OSError):
            self._said.shutdown(socket.SHUT_WR)

    def has_started(self) -> bool:
        """Wait until it has, or can't; asked once, before all else."""
        self._said.settimeout(_PATIENCE_S)
        with suppress(ConnectionError, TimeoutError):
            if self._said.recv(1) == STARTED:
                self._said.settimeout(None)
                return True
        self._said.close()
        self.stdin.close()
        self.stdout.close()
        return False

    def _hear(self, how: int) -> None:
        if self._code is None:
            try:
                content = self._said.recv(4, how)
            except ConnectionError:
                content = b""
            # Without a word, the server was killed.
            code = int.from_bytes(content, "big", signed=True) if content else -signal.SIGKILL
            self._code = code
            self._said.close()


class _Server:
    """The server of this process, started for its first worker."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._line: socket.socket | None = None
        self._started_as: object = None
        """What a worker of this server has in common with it; one that has not is no fork."""
        self._fails = sys.platform != "linux"

    def start(self, loads: Sequence[str], errors: IO[bytes]) -> Fork | None:
        """Return a worker, or None if it has to be started in the usual way."""
        with self._lock:
            if self._line is None and not self._fails:
                self._open()
            if self._fails or self._started_as != _conditions():
                return None
            return self._ask(Asked(loads, list(os.environb.items())), errors)

    def _open(self) -> None:
        self._line, other = socket.socketpair()
        self._started_as = _conditions()
        with other, suppress(OSError):
            command = [
                sys.executable,
                "-m",
                "headrace.sources.programs.forkserver",
                str(other.fileno()),
            ]
            # Kept, since Python complains about a process that runs when nothing refers to it.
            self._process = subprocess.Popen(
                command,
                pass_fds=[other.fileno()],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                start_new_session=True,  # Ctrl-C is for the process that starts workers
            )

    def _ask(self, asked: Asked, errors: IO[bytes]) -> Fork | None:
        assert self._line is not None
        given, own_given = os.pipe()
        own_written, written = os.pipe()
        own_said, said = socket.socketpair()
        fork = Fork(own_said, own_given, own_written)
        content = msgspec.json.encode(asked)
        with suppress(OSError):  # it is gone, and so nothing starts
            ends = [given, written, errors.fileno(), said.fileno()]
            socket.send_fds(self._line, [len(content).to_bytes(8, "big")], ends)
            self._line.sendall(content)
        os.close(given)
        os.close(written)
        said.close()
        self._fails = not fork.has_started()
        return None if self._fails else fork


_SERVER = _Server()


def _conditions() -> object:
    """Return what counts only when a process starts."""
    variables = {name: one for name, one in os.environ.items() if name.startswith(_AT_START)}
    with suppress(OSError):  # the folder was deleted
        return os.getpid(), Path.cwd(), variables
    return None


def start_worker(command: Sequence[str], loads: Sequence[str], errors: IO[bytes]) -> Program:
    """Start a worker, whose modules `loads` are loaded before; `command` starts one as usual, where
    there can be no fork. Raises OSError."""
    return _SERVER.start(loads, errors) or started(command, errors)
