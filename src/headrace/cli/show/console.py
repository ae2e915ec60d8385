"""The console and the options that all commands of the pipeline share."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Iterable, Sequence
from pathlib import Path
from typing import IO, Annotated, Any, TypeVar

import msgspec
import typer
from rich.console import Console
from rich.segment import Segment

from headrace.model.shown_text import shown

T = TypeVar("T")
_NAMED = 20


class ShownConsole(Console):
    """A console that writes out what would command the terminal, whatever it is given to print."""

    @property
    def file(self) -> IO[str]:
        """What it writes to."""
        # What is rendered has colours in it, and goes past the same care for other text.
        stream = Console.file.fget(self)  # type: ignore[attr-defined]
        rendered: IO[str] = getattr(stream, "rendered", stream)
        return rendered

    @file.setter
    def file(self, new: IO[str]) -> None:
        """Lets it write to another one."""
        Console.file.fset(self, new)  # type: ignore[attr-defined]

    def _render_buffer(self, buffer: Iterable[Segment]) -> str:
        return super()._render_buffer(
            segment if segment.control else segment._replace(text=shown(segment.text))
            for segment in buffer
        )


console = ShownConsole(highlight=False, soft_wrap=True)

ProjectOption = Annotated[
    Path,
    typer.Option("--project", "-p", help="The project's folder or its headrace.toml."),
]
OrganisationOption = Annotated[
    list[str] | None,
    typer.Option(
        "--organisation",
        "-o",
        help="An organisation of the project by its name, or all that match a pattern such as "
        "'shop*'; give it as often as you like. Without it: all.",
        show_default=False,
    ),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON for machines, nothing else.")]


def print_json(document: Any) -> None:
    """One JSON document on standard output."""
    print(shown(msgspec.json.encode(document).decode()))


def reading(name: str, read: Callable[[Callable[[str, int], None]], Coroutine[Any, Any, T]]) -> T:
    """Runs it, with a line that says how far it has come, on a terminal.

    `read` is given what it calls with an entity and how many of it were read.
    """
    with console.status(name) as status:

        def watch(entity: str, count: int) -> None:
            status.update(f"{name}: {several(count, entity)} read")

        return asyncio.run(read(watch))


def duration_text(seconds: float) -> str:
    """`0 s`, `48 s`, `3 min 20 s`, `2 h 5 min`: rounded up to what a person waits for."""
    whole = int(seconds) + (seconds > int(seconds))
    if whole < 60:
        return f"{whole} s"
    minutes, rest = divmod(whole, 60)
    if minutes < 60:
        return f"{minutes} min {rest} s" if rest else f"{minutes} min"
    hours, minutes = divmod(minutes, 60)
    return f"{hours:,} h {minutes} min" if minutes else f"{hours:,} h"


def several(count: int, word: str) -> str:
    """`1 credit note`, `1,204 invoices`: a number with its word, for an entity's name too."""
    return f"{count:,} {word.replace('_', ' ')}{'' if count == 1 else 's'}"


def listed(names: Sequence[str]) -> str:
    """The first names, and how many more."""
    more = f" and {len(names) - _NAMED:,} more" if len(names) > _NAMED else ""
    return ", ".join(names[:_NAMED]) + more
