"""Shows lines on the terminal again and again, until it is interrupted."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from rich.live import Live
from rich.text import Text

from headrace.cli.interruptible import rest
from headrace.cli.show.console import console

_EVERY_S = 2.0


def watch_status(read: Callable[[], Sequence[str]]) -> None:
    """Show what `read` returns every two seconds, as much as fits; in a pipe, what changes."""
    if not console.is_terminal:
        _print_changes(read)
        return
    with Live(console=console, screen=True, auto_refresh=False) as live:
        while True:
            live.update(Text("\n".join(_fitting(read()))), refresh=True)
            rest(_EVERY_S)


def _print_changes(read: Callable[[], Sequence[str]]) -> None:
    before: Sequence[str] = ()
    while True:
        lines = read()
        for line in lines if lines != before else ():
            console.print(line, markup=False)
        before = lines
        rest(_EVERY_S)


def _fitting(lines: Sequence[str]) -> list[str]:
    """Return the lines that fit on the screen; the last says how many are left out."""
    room = max(3, console.size.height - 1)
    if len(lines) <= room:
        return list(lines)
    return [*lines[: room - 1], f"… and {len(lines) - room + 1:,} more lines"]
