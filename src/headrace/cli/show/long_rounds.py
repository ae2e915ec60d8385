"""Rounds of a loop that take long: a line now and then says how far each is, or what it waits for.

A log without them looks like that of a program that hangs, where one waits for the API or for its
rate limit, or sends a whole history.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from msgspec import Struct

from headrace.cli.show.console import duration_text
from headrace.cli.show.progress import describe
from headrace.fleet.observer import Observer
from headrace.fleet.project import LoadedProject
from headrace.fleet.round import Round
from headrace.model.clock import Clock
from headrace.sync.delivery.progress import Progress

_FIRST_S = 10.0
"""Seconds of a round without a word; most rounds are over by then."""
_EVERY_S = 60.0


class _UnderWay(Struct):
    """A round that has begun."""

    began: float
    next: float
    """When to say something, in the clock's monotonic seconds."""
    progress: Progress | None = None
    """None before its first request."""


class LongRounds(Observer):
    """Gives `say` the name and a line for each organisation whose round takes long."""

    def __init__(self, clock: Clock, say: Callable[[str, str], None]) -> None:
        self._clock = clock
        self._say = say
        self._rounds: dict[str, _UnderWay] = {}

    def began(self, name: str) -> None:
        """See Observer."""
        now = self._clock.monotonic()
        self._rounds[name] = _UnderWay(now, now + _FIRST_S)

    def sending(self, name: str, progress: Progress) -> None:
        """See Observer."""
        self._rounds[name].progress = progress

    def alive(self, project: LoadedProject, names: Sequence[str]) -> None:
        """See Observer."""
        now = self._clock.monotonic()
        for name, round in self._rounds.items():
            if now >= round.next:
                round.next = now + _EVERY_S
                self._say(name, _said(round, now))

    async def ended(self, project: LoadedProject, round: Round) -> None:
        """See Observer."""
        self._rounds.pop(round.organisation, None)


def _said(round: _UnderWay, now: float) -> str:
    if (progress := round.progress) is None:
        return f"reading and planning for {duration_text(now - round.began)}"
    return f"{progress.settled:,} of {progress.total:,}: {describe(progress)}"
