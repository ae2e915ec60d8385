"""Watches a running loop, and announces troubles on a thread of its own.

A service that does not answer holds up the thread, never a round, and the thread notices when the
loop itself hangs.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Sequence

import msgspec
from msgspec import Struct

from headrace.alerts.announcer import Announcer
from headrace.alerts.digest import Digest
from headrace.alerts.facts import Facts, facts_of, withheld_marks
from headrace.alerts.heartbeat import Heartbeat, dead
from headrace.alerts.stores import opened
from headrace.fleet.observer import Observer
from headrace.fleet.project import LoadedProject
from headrace.fleet.proving import proof_is_due, prove
from headrace.fleet.round import Round
from headrace.fleet.trouble import translated
from headrace.model.clock import Clock
from headrace.model.errors import DamagedJournal, HeadraceError
from headrace.sync.delivery.progress import Progress
from headrace.sync.planning.plan import Plan

LOOK_S = 15.0
"""Seconds between two looks."""
_FIRST_S = 0.2
"""Seconds between two questions whether the loop turns yet."""
_HANGS_S = 60.0
"""Seconds without a turn of the loop after which nothing counts as moving."""


class _Seen(Struct):
    """What was seen of one organisation."""

    facts: Facts
    began_at: float | None = None
    moved_at: float | None = None
    behind_since: float | None = None
    progress: Progress | None = None
    settled: int = -1


class Watchman(Observer):
    """Observes a loop; `look` announces what it has seen. `start` lets a thread look regularly."""

    def __init__(self, clock: Clock, announcer: Announcer, digest: Digest | None = None) -> None:
        self._clock = clock
        self._announcer = announcer
        self._digest = digest
        self._seen: dict[str, _Seen] = {}
        self._project: LoadedProject | None = None
        self._names: list[str] = []
        self._turned_at = clock.now().timestamp()
        self._started_at = self._turned_at
        self._lock = threading.Lock()
        self._ending = threading.Event()
        self._thread: threading.Thread | None = None
        self._heartbeat: Heartbeat | None = None

    # what the loop reports -----------------------------------------------------------------------

    def alive(self, project: LoadedProject, names: Sequence[str]) -> None:
        """See Observer."""
        self._project, self._names = project, list(names)
        self._turned_at = self._clock.now().timestamp()

    def began(self, name: str) -> None:
        """See Observer."""
        seen = self._seen.get(name)
        if seen is not None:
            seen.began_at = seen.moved_at = self._clock.now().timestamp()

    def planned(self, name: str, plan: Plan) -> None:
        """See Observer."""
        seen = self._seen.get(name)
        if seen is not None:
            seen.moved_at = self._clock.now().timestamp()
            if plan.requests and seen.behind_since is None:
                seen.behind_since = seen.began_at

    def sending(self, name: str, progress: Progress) -> None:
        """See Observer."""
        seen = self._seen.get(name)
        if seen is not None:
            seen.progress, seen.settled = progress, -1

    async def ended(self, project: LoadedProject, round: Round) -> None:
        """Read what the round recorded; before, compare all balances if that is due."""
        try:
            if await asyncio.to_thread(proof_is_due, project, round, self._clock):
                await prove(project, round.organisation, self._clock)
        except Exception as error:  # the next round reports what lasts; a defect is logged
            translated(project, round.organisation, self._clock, error)
        await asyncio.to_thread(self._take, project, round)

    def _take(self, project: LoadedProject, round: Round) -> None:
        name = round.organisation
        withheld = withheld_marks(round.plan) if round.plan is not None else None
        facts = msgspec.structs.replace(self._read(project, name), withheld=withheld)
        if isinstance(round.error, DamagedJournal):
            facts = msgspec.structs.replace(facts, damaged=True)
        self._seen[name] = _Seen(facts)

    def _read(self, project: LoadedProject, name: str) -> Facts:
        """Return the facts of the journal; those of the last time if it can't be used."""
        now, settings = self._clock.now().timestamp(), project.settings_of(name)
        try:
            with opened(project, name, self._clock) as journal:
                facts = facts_of(name, settings, journal)
        except (HeadraceError, OSError) as error:
            before = self._seen.get(name)
            facts = before.facts if before else Facts(organisation=name, settings=settings)
            since = facts.unusable_since if facts.unusable_since is not None else now
            damaged = isinstance(error, DamagedJournal)
            facts = msgspec.structs.replace(facts, unusable_since=since, damaged=damaged)
        return msgspec.structs.replace(
            facts, settings=settings, live=True, watched_since=self._started_at
        )

    # looking -------------------------------------------------------------------------------------

    def look(self) -> None:
        """Announce what began and what is over by now."""
        project = self._project
        if project is None:
            return
        now = self._clock.now().timestamp()
        if self._heartbeat is None:
            self._heartbeat = Heartbeat(project)
            self._take_over(project, now)
        self._heartbeat.beat(now, self._names)
        with self._lock:
            all_facts = [self._facts(project, name, now) for name in self._names]
            self._announcer.look(project, all_facts)
            if self._digest is not None:
                self._digest.look(project, all_facts)

    def _facts(self, project: LoadedProject, name: str, now: float) -> Facts:
        seen = self._seen.get(name)
        if seen is None:
            seen = self._seen[name] = _Seen(self._read(project, name))
        progress = seen.progress
        if progress is not None and progress.settled + progress.retries != seen.settled:
            seen.settled, seen.moved_at = progress.settled + progress.retries, now
        moved_at = seen.moved_at
        if now - self._turned_at > _HANGS_S:
            moved_at = min(self._turned_at, moved_at or self._turned_at)
        settings = project.settings_of(name)
        return msgspec.structs.replace(
            seen.facts, settings=settings, moved_at=moved_at, behind_since=seen.behind_since
        )

    def _take_over(self, project: LoadedProject, now: float) -> None:
        """Record which processes died before this one began; its first look announces that their
        organisations are synced again."""
        for file, beat in dead(project, now):
            mine = [name for name in beat.organisations if name in self._names]
            facts = [
                msgspec.structs.replace(self._facts(project, name, now), dead_since=beat.at)
                for name in mine
            ]
            self._announcer.note(project, facts)
            file.unlink(missing_ok=True)

    # the thread ----------------------------------------------------------------------------------

    def start(self) -> None:
        """Look every few seconds from now on, on a thread."""
        self._thread = threading.Thread(target=self._watch, name="alerts", daemon=True)
        self._thread.start()

    def _watch(self) -> None:
        while self._project is None and not self._ending.wait(_FIRST_S):
            pass
        while not self._ending.is_set():
            self._look_safely()
            self._ending.wait(LOOK_S)

    def _look_safely(self) -> None:
        try:
            self.look()
        except Exception as error:
            if self._project is not None:
                translated(self._project, "alerts", self._clock, error)

    def stop(self) -> None:
        """Look for the last time, and leave in order. Waits a few seconds for a slow service."""
        self._ending.set()
        if self._thread is not None:
            self._thread.join(LOOK_S)
            if not self._thread.is_alive():
                self._look_safely()
        if self._heartbeat is not None:
            self._heartbeat.end()
