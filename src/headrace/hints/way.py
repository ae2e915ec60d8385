"""The interface of a way to get hints.

A hint only says that a look is worthwhile. A lost hint delays a change until the next round, a
doubled or wrong one costs a look; the comparison of book and journal decides what is sent.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Protocol

from msgspec import Struct

from headrace.model.source_settings import SourceSettings

Hint = Callable[[], None]
"""Called for each hint, on the event loop's thread."""


class HintsLost(Exception):
    """The connection that brought hints ended; the message says why, without secrets."""


class Subject(Struct, frozen=True):
    """The source to be watched."""

    organisation: str
    source: SourceSettings
    """With its secrets resolved."""
    folder: Path
    """The project's folder."""
    models: Path
    """The folder of the organisation's models."""
    prefix: str = ""
    """Before the names by which models read this source's tables, for one of several sources."""


class Way(Protocol):
    """One way to get hints about one source."""

    name: str
    """As the setting `hints` names it."""
    delay: str
    """How soon after a change a hint comes, for people."""

    async def objection(self) -> str:
        """Return why this way does not work here, with the remedy; empty if it works."""

    async def watch(self, hint: Hint) -> None:
        """Call `hint` once when watching has begun, and then after each change, until cancelled.

        Raises HintsLost when it ends; changes may have been missed since.
        """
