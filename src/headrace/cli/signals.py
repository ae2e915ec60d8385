"""Ctrl-C and SIGTERM as callbacks of the event loop."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable
from types import FrameType


def _ignore(number: int, frame: FrameType | None) -> None:
    pass


class SignalCallbacks:
    """Calls back on the running event loop when SIGINT or SIGTERM arrives.

    A handler that raises could interrupt any line of Python, also where an exception is printed and
    forgotten, such as in a destructor. The loop's own `add_signal_handler` prints a traceback for
    a signal that arrives while the loop closes, because its wake-up pipe is closed first.
    """

    def __init__(self, called: Callable[[int], None]) -> None:
        loop = asyncio.get_running_loop()

        def handle(number: int, frame: FrameType | None) -> None:
            if not loop.is_closed():
                loop.call_soon_threadsafe(called, number)

        self._before = {
            number: signal.signal(number, handle) for number in (signal.SIGINT, signal.SIGTERM)
        }

    def ignore_interrupts(self) -> None:
        """Ignore SIGINT from now on.

        Not by SIG_IGN: Python complains about a signal that arrives while that is being set.
        """
        self._before[signal.SIGINT] = _ignore
        signal.signal(signal.SIGINT, _ignore)

    def restore(self) -> None:
        """Restore the handlers from before, except for signals that are ignored by now."""
        for number, handler in self._before.items():
            signal.signal(number, handler)
