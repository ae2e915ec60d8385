"""Counts rounds, steps and requests of a loop, per organisation."""

from __future__ import annotations

import threading
from collections import Counter, defaultdict
from collections.abc import Iterator
from contextlib import contextmanager

from msgspec import Struct

from headrace.fleet.observer import Observer
from headrace.fleet.project import LoadedProject
from headrace.fleet.round import Round
from headrace.model.clock import Clock
from headrace.model.steps import record_steps
from headrace.watching.traces import Traces


class Duration(Struct):
    """How often something happened, and how many seconds it took in all."""

    count: int = 0
    seconds: float = 0.0


class Figures(Observer):
    """Counters since the process began. Steps are counted on several threads."""

    def __init__(self, clock: Clock, traces: Traces | None = None) -> None:
        self._clock = clock
        self.traces = traces
        self._lock = threading.Lock()
        self.rounds: Counter[tuple[str, str]] = Counter()
        """Rounds by organisation and result, `success` or `failure`."""
        self.sent: Counter[str] = Counter()
        """Acknowledged operations by organisation."""
        self.seconds: dict[str, Duration] = defaultdict(Duration)
        """Rounds by organisation."""
        self.steps: dict[tuple[str, str], Duration] = defaultdict(Duration)
        """Steps by organisation and name."""

    def began(self, name: str) -> None:
        """See Observer."""
        spans = self.traces.round(name) if self.traces is not None else None
        record_steps(_Steps(self, name, spans))

    async def ended(self, project: LoadedProject, round: Round) -> None:
        """See Observer."""
        name = round.organisation
        if self.traces is not None:
            self.traces.end(name, round.error)
        with self._lock:
            self.rounds[name, "failure" if round.error is not None else "success"] += 1
            self.sent[name] += round.outcome.sent if round.outcome is not None else 0
            took = self.seconds[name]
            took.count, took.seconds = took.count + 1, took.seconds + round.seconds

    def add_step(self, organisation: str, name: str, seconds: float) -> None:
        """Count a step that took so many seconds."""
        with self._lock:
            took = self.steps[organisation, name]
            took.count, took.seconds = took.count + 1, took.seconds + seconds

    @contextmanager
    def timed(self, organisation: str, name: str) -> Iterator[None]:
        """Count the block as a step."""
        began = self._clock.monotonic()
        try:
            yield
        finally:
            self.add_step(organisation, name, self._clock.monotonic() - began)


class _Steps:
    """The recorder of one round."""

    def __init__(self, figures: Figures, organisation: str, spans: object | None) -> None:
        self._figures = figures
        self._organisation = organisation
        self._spans = spans

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        """See Recorder."""
        traces = self._figures.traces
        with self._figures.timed(self._organisation, name):
            if traces is None:
                yield
            else:
                with traces.step(self._spans, name):
                    yield
