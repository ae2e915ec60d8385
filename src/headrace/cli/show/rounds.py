"""Rounds of a loop: a line for each, and what is wrong in full once an hour.

A loop that follows hints has a round for each changed row, and what is wrong stays wrong over
hundreds of them. A log that repeats all of it each time shows nothing else, and fills the disk.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from msgspec import Struct

from headrace.book.checks.checks import Problem
from headrace.cli.show.console import console, print_json, several
from headrace.cli.show.problems import show_problems
from headrace.fleet.round import Round
from headrace.model.clock import Clock, format_instant

_AGAIN_S = 3600.0
_BEGINNING = 80
"""Number of characters that are shown of an error that is known."""
_FIGURES = re.compile(r"\d[\d.,]*")


class _Shown(Struct):
    """What of one organisation was shown in full."""

    hashes: set[int]
    at: float
    time: str


class RoundLines:
    """Prints rounds: lines for people, or one JSON document per round, which is always complete."""

    def __init__(self, clock: Clock, *, json: bool) -> None:
        self._clock = clock
        self._json = json
        self._errors: dict[str, _Shown] = {}
        self._problems: dict[str, _Shown] = {}

    def show(self, round: Round) -> None:
        """Print one round."""
        if self._json:
            print_json(self._document(round))
            return
        if round.error is None:
            self._errors.pop(round.organisation, None)
            line = round.summary
        else:
            line = self._error(round.organisation, round.summary)
        self.say(round.organisation, line)
        if round.error is None and round.plan is not None:
            self._show_problems(round.organisation, round.plan.problems)

    def say(self, name: str, line: str) -> None:
        """Print a line about an organisation, with the time; no JSON."""
        if not self._json:
            console.print(f"{self._time()} {name}: {line}", markup=False)

    def _error(self, name: str, message: str) -> str:
        # A plan that is refused has other figures with every row that changes.
        same = hash(_FIGURES.sub("#", message))
        known = self._known(self._errors, name)
        if known is None or same not in known.hashes:
            self._errors[name] = self._shown({same})
            return message
        more = "…" if len(message) > _BEGINNING else ""
        return f"as at {known.time}: {message[:_BEGINNING]}{more}"

    def _show_problems(self, name: str, problems: Sequence[Problem]) -> None:
        known = self._known(self._problems, name)
        hashes = set(map(hash, problems))
        if known is None or not known.hashes:
            self._problems[name] = self._shown(hashes)
            show_problems(console, problems)
            return
        new = [problem for problem in problems if hash(problem) not in known.hashes]
        known.hashes = hashes
        if len(new) < len(problems):
            old = several(len(problems) - len(new), "problem")
            console.print(f"{old}, as shown since {known.time}", markup=False)
        show_problems(console, new)

    def _known(self, shown: dict[str, _Shown], name: str) -> _Shown | None:
        known = shown.get(name)
        return known if known and self._clock.monotonic() - known.at < _AGAIN_S else None

    def _shown(self, hashes: set[int]) -> _Shown:
        return _Shown(hashes, self._clock.monotonic(), self._time())

    def _time(self) -> str:
        return f"{self._clock.now():%H:%M:%S}"

    def _document(self, round: Round) -> dict[str, Any]:
        plan = round.plan
        return {
            "organisation": round.organisation,
            "at": format_instant(self._clock.now()),
            "requests": plan.requests if plan else None,
            "problems": plan.problems if plan else [],
            "outcome": round.outcome,
            "error": str(round.error) if round.error else None,
        }
