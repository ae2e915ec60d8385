"""Several worker processes on one port: starts them, replaces those that die, ends all together.

Each worker listens on its own socket, all bound to the same port; the kernel distributes the
connections.

Why the parent owns the sockets: the kernel assigns a connection to a socket before any process
accepts it. If a worker's socket closed with the worker, connections in its backlog would be reset.
As the parent keeps it open, they wait for the replacement.

Workers watch a pipe whose other end only the parent holds, so they end even when the parent is
killed and can't send them a signal.
"""

from __future__ import annotations

import contextlib
import logging
import os
import select
import signal
import socket
import sys
from collections.abc import Callable, Iterator

from headrace.model.clock import Clock
from headrace.model.errors import ConfigurationError, HeadraceError
from headrace.server.process.run import listen

Work = Callable[[int, Callable[[], None], int], None]
"""`work(number, ready, alive)` serves until it is told to end. It must call `ready` once it
accepts connections, and must return when the other end of the pipe `alive` is closed, because
then the parent is gone."""

_LOGGER = logging.getLogger("headrace.server")
_NUMBERS = (signal.SIGTERM, signal.SIGINT, signal.SIGCHLD)
_SHORT_S = 5.0
"""A worker that lived a shorter time is replaced after a pause, so that one that can't start
does not restart in a busy loop."""
_PAUSE_S = 1.0


def listen_together(host: str, port: int, count: int) -> list[socket.socket]:
    """Open that many listening sockets on one port; 0 takes a free one. Raises
    ConfigurationError."""
    with listen(host, port) as alone:  # fails when another program already listens there
        address = alone.getsockname()[:2]
    return [socket.create_server(address, backlog=1024, reuse_port=True) for _ in range(count)]


class Workers:
    """The parent's side. Run it on the main thread, before any other thread is started."""

    def __init__(
        self,
        count: int,
        clock: Clock,
        work: Work,
        renew: Callable[[int], None] = lambda _: None,
        end: int | None = None,
    ) -> None:
        """`renew(number)` is called as soon as the worker of that number has died. All end when
        the file descriptor `end` becomes readable."""
        self._count = count
        self._clock = clock
        self._work = work
        self._renew = renew
        self._end_reader = end
        self._living: dict[int, tuple[int, float]] = {}
        """By process id: the worker's number, and when it was started."""
        self._due: dict[int, float] = {}
        """By worker number: when to start it again."""
        self._accepting = 0
        self._ending = False
        self._alive, self._parent_end = os.pipe()
        self._ready_reader, self._ready_writer = os.pipe()

    def run(self, ready: Callable[[], None]) -> None:
        """Serve until SIGTERM or SIGINT; `ready` is called when all workers accept connections.

        Raises ConfigurationError when one ends before that.
        """
        with _signals() as signals:
            for number in range(self._count):
                self._start(number)
            while self._living or self._due:
                self._wait(signals, ready)
        if self._accepting < self._count and not self._ending:
            raise ConfigurationError("A worker of the hub did not start; it has said why above.")

    def _start(self, number: int) -> None:
        pid = os.fork()
        if pid:
            self._living[pid] = (number, self._clock.monotonic())
            return
        code = 1
        try:
            signal.set_wakeup_fd(-1)
            for signal_number in _NUMBERS:
                signal.signal(signal_number, signal.SIG_DFL)
            os.close(self._parent_end)
            self._work(number, self._say_ready, self._alive)
            code = 0
        except HeadraceError as error:
            os.write(2, f"error: {error}\n".encode())
        except BaseException:
            sys.excepthook(*sys.exc_info())
        finally:
            logging.shutdown()
            os._exit(code)

    def _say_ready(self) -> None:
        os.write(self._ready_writer, b".")

    def _wait(self, signals: socket.socket, ready: Callable[[], None]) -> None:
        # Signals, reports of workers and due restarts are all handled here, one after the other.
        # The signal handlers themselves do nothing; each signal only puts a byte into a socket
        # (see `_signals`). So no code runs in the middle of a fork, and a signal that arrives
        # just before `select` still wakes it.
        pause = None
        if self._due:
            pause = max(0.0, min(self._due.values()) - self._clock.monotonic())
        sources: list[socket.socket | int] = [signals, self._ready_reader]
        if self._end_reader is not None and not self._ending:
            sources.append(self._end_reader)
        readable, _, _ = select.select(sources, [], [], pause)
        if self._ready_reader in readable:
            accepting = self._accepting + len(os.read(self._ready_reader, 64))
            if self._accepting < self._count <= accepting:
                ready()
            self._accepting = accepting
        must_end = self._end_reader in readable
        if signals in readable:
            arrived = signals.recv(64)
            must_end = must_end or signal.SIGTERM in arrived or signal.SIGINT in arrived
        if must_end:
            self._ending = True
            self._end()
        self._collect()
        self._start_due()

    def _collect(self) -> None:
        """Reap dead workers and schedule their replacements."""
        # SIGCHLDs that arrive together may be delivered as one, so every worker is asked for.
        for pid in list(self._living):
            if os.waitpid(pid, os.WNOHANG)[0] == 0:
                continue
            number, started = self._living.pop(pid)
            self._renew(number)
            now = self._clock.monotonic()
            if self._ending:
                continue
            if self._accepting < self._count:
                self._end()
                continue
            _LOGGER.error("a worker of the hub ended unexpectedly and will be replaced")
            self._due[number] = now + (_PAUSE_S if now - started < _SHORT_S else 0.0)

    def _start_due(self) -> None:
        now = self._clock.monotonic()
        for number in [number for number, due in self._due.items() if due <= now]:
            del self._due[number]
            self._start(number)

    def _end(self) -> None:
        self._due.clear()
        for pid in self._living:
            os.kill(pid, signal.SIGTERM)


@contextlib.contextmanager
def _signals() -> Iterator[socket.socket]:
    """Yield a socket that receives the numbers of arriving signals, as bytes."""
    ours, theirs = socket.socketpair()
    theirs.setblocking(False)
    before = {number: signal.signal(number, lambda *_: None) for number in _NUMBERS}
    wakeup = signal.set_wakeup_fd(theirs.fileno())
    try:
        yield ours
    finally:
        signal.set_wakeup_fd(wakeup)
        for number, handler in before.items():
            signal.signal(number, handler)
        ours.close()
        theirs.close()
