"""A running delivery on the terminal: a bar for people, a line now and then for pipes."""

from __future__ import annotations

import asyncio
import contextlib
import signal

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn

from headrace.cli.show.console import duration_text
from headrace.cli.signals import SignalCallbacks
from headrace.model.clock import SYSTEM_CLOCK
from headrace.sync.delivery.progress import Progress as Delivered
from headrace.sync.delivery.scheduler import Delivery

_REFRESH = 0.2
_LINE_EVERY = 10.0


class DeliveryWatch:
    """Shows one delivery. The first Ctrl-C or SIGTERM ends it gently, a Ctrl-C after that cancels
    what is in flight."""

    def __init__(self, console: Console, quiet: bool = False) -> None:
        self._console = console
        self._quiet = quiet
        self._task: asyncio.Task[None] | None = None
        self._delivery: Delivery | None = None
        self._signals: SignalCallbacks | None = None
        self._is_ending = False

    def __call__(self, progress: Delivered, delivery: Delivery) -> None:
        self._delivery = delivery
        if self._signals is None:
            self._signals = SignalCallbacks(self._interrupt)
        if not self._quiet:
            self._task = asyncio.get_running_loop().create_task(self._show(progress))

    def _interrupt(self, number: int) -> None:
        if self._is_ending and number == signal.SIGINT:
            self._cancel()
        elif self._delivery is not None:
            self._delivery.interrupt()
            if not self._quiet and not self._is_ending:
                self._console.print("Finishing what is in flight; everything else stays planned …")
        self._is_ending = True

    def _cancel(self) -> None:
        if self._signals is not None:
            self._signals.ignore_interrupts()
        for task in asyncio.all_tasks():
            task.cancel()

    async def finish(self) -> None:
        """Draw the final state and restore the signal handlers."""
        if self._signals is not None:
            if self._is_ending:
                # The command only closes its files now; one more Ctrl-C would break into that.
                self._signals.ignore_interrupts()
            self._signals.restore()
            self._signals = None
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task

    async def _show(self, progress: Delivered) -> None:
        if self._console.is_terminal:
            await self._bar(progress)
        else:
            await self._lines(progress)

    async def _bar(self, progress: Delivered) -> None:
        columns = (
            BarColumn(bar_width=20),
            TextColumn("{task.completed:,.0f}/{task.total:,.0f}"),
            TextColumn("{task.fields[said]}", markup=False),
        )
        # Redrawn only from here: a separate thread would slow the delivery down.
        with Progress(*columns, console=self._console, auto_refresh=False) as bar:
            task = bar.add_task("", total=progress.total, said="")
            try:
                while True:
                    bar.update(
                        task, completed=progress.settled, said=describe(progress), refresh=True
                    )
                    await SYSTEM_CLOCK.sleep(_REFRESH)
            finally:
                bar.update(task, completed=progress.settled, said=describe(progress), refresh=True)

    async def _lines(self, progress: Delivered) -> None:
        while True:
            await SYSTEM_CLOCK.sleep(_LINE_EVERY)
            self._console.print(
                f"{progress.settled:,} of {progress.total:,}: {describe(progress)}", markup=False
            )


def describe(progress: Delivered) -> str:
    """Describe rate, remaining time, open items, rejects and current trouble."""
    parts = [f"{progress.in_last_minute:,} in the last minute"]
    if progress.paused_for > 1:
        parts.append(f"all that the API takes; next in {duration_text(progress.paused_for)}")
    if progress.left:
        parts.append(f"{duration_text(progress.seconds_left)} to go")
    if 0 < progress.open_left < progress.left:
        parts.append(f"{progress.open_left:,} to open items complete")
    if progress.rejected:
        parts.append(f"{progress.rejected:,} rejected")
    if progress.note:
        parts.append(progress.note)
    return ", ".join(parts)
