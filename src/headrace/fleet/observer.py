"""Callbacks of the loop, for alerts, metrics and the status page."""

from __future__ import annotations

from collections.abc import Sequence

from headrace.fleet.project import LoadedProject
from headrace.fleet.round import Round
from headrace.sync.delivery.progress import Progress
from headrace.sync.planning.plan import Plan


class Observer:
    """Is called by the loop, on its event loop. These methods do nothing; none may raise."""

    def alive(self, project: LoadedProject, names: Sequence[str]) -> None:
        """Called every few seconds with the project and the organisations that are synced."""

    def began(self, name: str) -> None:
        """Called when a round begins."""

    def planned(self, name: str, plan: Plan) -> None:
        """Called with each plan of a round before anything of it is sent."""

    def sending(self, name: str, progress: Progress) -> None:
        """Called before the first request of a delivery."""

    async def ended(self, project: LoadedProject, round: Round) -> None:
        """Called after a round, before the next one of the same organisation can begin."""


class Observers(Observer):
    """Several observers, called one after the other."""

    def __init__(self, *observers: Observer) -> None:
        self._observers = observers

    def alive(self, project: LoadedProject, names: Sequence[str]) -> None:
        """See Observer."""
        for one in self._observers:
            one.alive(project, names)

    def began(self, name: str) -> None:
        """See Observer."""
        for one in self._observers:
            one.began(name)

    def planned(self, name: str, plan: Plan) -> None:
        """See Observer."""
        for one in self._observers:
            one.planned(name, plan)

    def sending(self, name: str, progress: Progress) -> None:
        """See Observer."""
        for one in self._observers:
            one.sending(name, progress)

    async def ended(self, project: LoadedProject, round: Round) -> None:
        """See Observer."""
        for one in self._observers:
            await one.ended(project, round)
