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
    """A console that shows control characters in texts instead of sending them to the terminal."""

    @property
    def file(self) -> IO[str]:
        """The stream that it writes to."""
        # Rendered text contains colours, so it bypasses the escaping of standard output; the
        # console has escaped its texts already.
        stream = Console.file.fget(self)  # type: ignore[attr-defined]
        rendered: IO[str] = getattr(stream, "rendered", stream)
        return rendered

    @file.setter
    def file(self, new: IO[str]) -> None:
        """Set the stream that it writes to."""
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
    """Print one JSON document on standard output."""
    print(shown(msgspec.json.encode(document).decode()))


def reading(name: str, read: Callable[[Callable[[str, int], None]], Coroutine[Any, Any, T]]) -> T:
    """Run `read` and return its result; on a terminal, a status line shows its progress.

    `read` gets a callback for its progress: (entity, number of records read).
    """
    with console.status(name) as status:

        def watch(entity: str, count: int) -> None:
            status.update(f"{name}: {several(count, entity)} read")

        return asyncio.run(read(watch))


def duration_text(seconds: float) -> str:
    """Return a duration such as `0 s`, `48 s`, `3 min 20 s` or `2 h 5 min`, rounded up."""
    whole = int(seconds) + (seconds > int(seconds))
    if whole < 60:
        return f"{whole} s"
    minutes, rest = divmod(whole, 60)
    if minutes < 60:
        return f"{minutes} min {rest} s" if rest else f"{minutes} min"
    hours, minutes = divmod(minutes, 60)
    return f"{hours:,} h {minutes} min" if minutes else f"{hours:,} h"


def several(count: int, word: str) -> str:
    """Return a number with its noun or entity: `1 credit note`, `1,204 invoices`."""
    return f"{count:,} {word.replace('_', ' ')}{'' if count == 1 else 's'}"


def listed(names: Sequence[str]) -> str:
    """Return the first names, and the number of others."""
    more = f" and {len(names) - _NAMED:,} more" if len(names) > _NAMED else ""
    return ", ".join(names[:_NAMED]) + more
