"""Runs the coroutine of a command, which Ctrl-C ends although a source does not answer."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import threading
from collections.abc import Callable, Coroutine, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NoReturn, TypeVar

from headrace.cli.exit_codes import ExitCode, say_error
from headrace.cli.show.console import listed
from headrace.sources.process import end_programs

T = TypeVar("T")

_WIND_UP_S = 5.0
"""For reading that is nearly done."""
_UNANSWERED = "interrupted while a source or a disk did not answer; nothing is lost"


def run_work(work: Coroutine[Any, Any, T]) -> T:
    """Run the coroutine to its end, and return its result.

    After Ctrl-C its threads have some seconds to end, then the process does. They may wait for a
    database or a disk for ever, and whatever is closed in an orderly way waits for them: the
    executor, DuckDB, Python itself. Raises KeyboardInterrupt, or CancelledError if the coroutine
    was cancelled from within.
    """
    threads = ThreadPoolExecutor()
    with asyncio.Runner() as runner:
        runner.get_loop().set_default_executor(threads)
        try:
            return runner.run(work)
        except (KeyboardInterrupt, asyncio.CancelledError):
            # Another Ctrl-C waits for nothing, wherever it arrives.
            signal.signal(signal.SIGINT, lambda number, frame: _leave(_UNANSWERED))
            end_programs()
            if not _end(threads):
                _leave(_UNANSWERED)
            raise


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
    os._exit(ExitCode.INTERRUPTED)
