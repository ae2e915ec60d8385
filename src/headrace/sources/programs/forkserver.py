"""The process whose forks are workers: it has loaded what they need, so that each starts at once.

`forks.py` starts it with the number of a socket. Through that comes a message for each worker, with
four ends: its standard input, output and error, and a socket. In this the server says that the
worker has started, then how it ended; once the other side closes it, the worker is killed. It
closes the socket without a word if it can't make forks. The server ends with its workers once its
own socket is closed. Nothing here starts a thread: a fork has only the thread that made it.
"""

from __future__ import annotations

import atexit
import gc
import importlib
import os
import selectors
import signal
import socket
import sys
import threading
import traceback
from collections.abc import Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import NoReturn

import msgspec
from msgspec import Struct

from headrace.sources.programs import worker

STARTED = b"s"
_ENDS = 4


class Asked(Struct, frozen=True):
    """What a worker needs from its start."""

    loads: Sequence[str]
    """Modules that are loaded before, for it and all later ones."""
    environment: Sequence[tuple[bytes, bytes]]


class Forkserver:
    """Starts workers, watches them, and says how they ended."""

    def __init__(self, line: socket.socket) -> None:
        self._line = line
        self._events = selectors.DefaultSelector()
        self._events.register(line, selectors.EVENT_READ, self._start)
        self._workers: dict[int, socket.socket] = {}
        """By process id, the socket on which its starter learns of its end."""
        self._open = True

    def serve(self) -> None:
        """Work until the line is closed and all workers have ended. The other sides of their
        sockets are closed with the line, so they are killed."""
        while self._open or self._workers:
            for key, _ in self._events.select():
                key.data()

    def _start(self) -> None:
        size, ends, _, _ = socket.recv_fds(self._line, 8, _ENDS)
        if not size:
            self._events.unregister(self._line)
            self._open = False
            return
        content = self._line.recv(int.from_bytes(size, "big"), socket.MSG_WAITALL)
        asked = msgspec.json.decode(content, type=Asked)
        for name in asked.loads:
            with suppress(Exception):  # the worker says it better
                importlib.import_module(name)
        gc.freeze()  # a collection in a fork would copy all that is shared with it
        *streams, number = ends
        said = socket.socket(fileno=number)
        process = os.fork() if _is_alone() else None
        if process == 0:
            said.close()
            self._become(streams, asked)
        for end in streams:
            os.close(end)
        if process is None:
            said.close()
        else:
            self._watch(process, said)

    def _watch(self, process: int, said: socket.socket) -> None:
        ended = os.pidfd_open(process)
        self._workers[process] = said
        self._events.register(ended, selectors.EVENT_READ, partial(self._ended, process, ended))
        self._events.register(said, selectors.EVENT_READ, partial(self._kill, process))
        with suppress(OSError):
            said.sendall(STARTED)

    def _kill(self, process: int) -> None:
        """End a worker that its starter has done with."""
        if process in self._workers:
            self._events.unregister(self._workers[process])
            os.kill(process, signal.SIGKILL)

    def _ended(self, process: int, ended: int) -> None:
        """Say how a worker ended: negative for a signal."""
        _, status = os.waitpid(process, 0)
        self._events.unregister(ended)
        os.close(ended)
        said = self._workers.pop(process)
        with suppress(KeyError):
            self._events.unregister(said)
        with said, suppress(OSError):
            said.sendall(os.waitstatus_to_exitcode(status).to_bytes(4, "big", signed=True))

    def _become(self, streams: Sequence[int], asked: Asked) -> NoReturn:
        """Be a worker: what belongs to the server is closed."""
        for key in list(self._events.get_map().values()):
            if isinstance(key.fileobj, int):
                os.close(key.fileobj)
        self._events.close()
        self._line.close()
        for said in self._workers.values():
            said.close()
        for number, end in enumerate(streams):
            os.dup2(end, number)
            os.close(end)
        os.environb.clear()
        os.environb.update(asked.environment)
        _work()


def _work() -> NoReturn:
    """Do the task, and end like Python, but for taking to pieces what is shared with the server:
    that takes longer than most tasks."""
    code = 1
    try:
        worker.main()
        threading._shutdown()  # type: ignore[attr-defined]
        atexit._run_exitfuncs()
        code = 0
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        os._exit(code)


def _is_alone() -> bool:
    """Return whether this process has one thread. Some libraries start others when they are loaded,
    and a fork would wait for ever for what those hold; workers are then started as usual."""
    return len(list(Path("/proc/self/task").iterdir())) == 1


if __name__ == "__main__":
    Forkserver(socket.socket(fileno=int(sys.argv[1]))).serve()
