"""Runs the coroutine of a command, which Ctrl-C ends although a source does not answer."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import sys
import threading
from collections.abc import Callable, Coroutine, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from types import FrameType
from typing import Any, NoReturn, TypeVar

from headrace.cli.exit_codes import ExitCode, say_error
from headrace.cli.show.console import listed
from headrace.sources.programs.process import end_programs

T = TypeVar("T")

_WIND_UP_S = 5.0
"""For closing files, and for reading that is nearly done."""
_STILL_RUNS = "interrupted while a source, a disk or a query still worked; nothing is lost"
_AGAIN = "interrupted again, so nothing more was waited for; nothing is lost"


def run_work(work: Coroutine[Any, Any, T], wind_up_s: float | None = _WIND_UP_S) -> T:
    """Run the coroutine to its end, and return its result.

    After Ctrl-C the coroutine has some seconds to close what it opened, or as long as it takes if
    `wind_up_s` is None; then its threads have, and then the process ends. They may wait for a
    database or a disk for ever, and whatever is closed in an orderly way waits for them: the
    book in use, the executor, DuckDB, Python itself. Another Ctrl-C waits for nothing. Raises
    KeyboardInterrupt, or CancelledError if the coroutine was cancelled from within.
    """
    threads = ThreadPoolExecutor()
    runner = asyncio.Runner()
    with closing(work), closing(runner):
        _make_loop(runner, threads)
        try:
            with _woken_by_signals(runner.get_loop()):
                return runner.run(_wound_up(work, wind_up_s, threads))
        except (KeyboardInterrupt, asyncio.CancelledError):
            _leave_at_the_next_interrupt()
            end_programs()
            if not _end(threads):
                _leave(_STILL_RUNS)
            raise


def rest(seconds: float) -> None:
    """Wait, and end at once by Ctrl-C. No event loop is made for it, which an interrupt could leave
    half made."""
    threading.Event().wait(seconds)


def _make_loop(runner: asyncio.Runner, threads: ThreadPoolExecutor) -> None:
    """Make the loop; an interrupt waits until it is made, since Python complains about half a loop.

    The complaint is a traceback that nothing can catch.
    """
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        runner.get_loop().set_default_executor(threads)
    finally:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})


@contextmanager
def _woken_by_signals(loop: asyncio.AbstractEventLoop) -> Iterator[None]:
    """Let every signal wake the loop up.

    Python only notes a signal, and its handler runs at the next line of Python. The loop may be
    just about to wait for its files, and a hanging source never wakes it: then the signal is lost.
    Signals are for the main thread; elsewhere this does nothing.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    arrived, written = socket.socketpair()
    with arrived, written:
        for end in (arrived, written):
            end.setblocking(False)
        loop.add_reader(arrived, arrived.recv, 4096)
        before = signal.set_wakeup_fd(written.fileno(), warn_on_full_buffer=False)
        try:
            yield
        finally:
            signal.set_wakeup_fd(before)
            loop.remove_reader(arrived)


async def _wound_up(
    work: Coroutine[Any, Any, T], wind_up_s: float | None, threads: ThreadPoolExecutor
) -> T:
    """Await the coroutine; once this is cancelled, its clean-up has a limit, and its threads have.

    It runs as a task of its own, since a task can't give up its own `finally`. The threads may
    hang also where the clean-up ends with an error.
    """
    task = asyncio.create_task(work)
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        if not task.done():
            _leave_at_the_next_interrupt()
            end_programs()
            if not task.cancelling():  # by a delivery, which cancels all tasks
                task.cancel()
            await asyncio.wait([task], timeout=wind_up_s)
        if not task.done() or not _end(threads):
            _leave(_STILL_RUNS)
        return task.result()


def _leave_at_the_next_interrupt() -> None:
    def leave(number: int, frame: FrameType | None) -> None:
        _leave(_AGAIN)

    signal.signal(signal.SIGINT, leave)


def _end(threads: ThreadPoolExecutor) -> bool:
    """Wait some seconds for threads to end; returns whether they did."""
    ended = threading.Event()

    def wait() -> None:
        threads.shutdown()
        ended.set()

    threading.Thread(target=wait, daemon=True).start()
    return ended.wait(_WIND_UP_S)


def leave_reading(names: Sequence[str], last: Callable[[], None]) -> NoReturn:
    """End the process, after `last`, although rounds of these organisations still read."""
    end_programs()
    _leave(f"stopped while it read {listed(names)}; nothing is lost", last)


def _leave(text: str, last: Callable[[], None] = lambda: None) -> NoReturn:
    """End the process as interrupted, with an error, after `last`; waits for no thread."""
    say_error(text, ExitCode.INTERRUPTED, sys.argv[1:])
    for stream in filter(None, (sys.stdout, sys.stderr)):
        stream.flush()
    last()
    end_programs()  # a thread may have started another one
    os._exit(ExitCode.INTERRUPTED)
