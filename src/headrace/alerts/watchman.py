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
from headrace.alerts.heartbeat import Heartbeat, dead, take_over
from headrace.alerts.stores import UNUSABLE, is_begun, opened
from headrace.fleet.observer import Observer
from headrace.fleet.project import LoadedProject
from headrace.fleet.round import Round
from headrace.fleet.trouble import translated
from headrace.model.clock import Clock
from headrace.model.errors import DamagedJournal
from headrace.sync.delivery.progress import Progress
from headrace.sync.journal import Alert
from headrace.sync.planning.plan import Plan

LOOK_S = 15.0
"""Seconds between two looks."""
_FIRST_S = 0.2
"""Seconds between two questions whether the loop turns yet."""
_HANGS_S = 60.0
"""Seconds without a turn of the loop after which nothing counts as moving."""
_ASLEEP_S = 60.0
"""Seconds without a sign of life after which the process counts as having been suspended."""


class _Seen(Struct):
    """What was seen of the round of one organisation that goes on."""

    began_at: float | None = None
    moved_at: float | None = None
    behind_since: float | None = None
    progress: Progress | None = None
    settled: int = -1


class View(Struct, frozen=True, kw_only=True):
    """What is known of one organisation, for metrics and the status page."""

    facts: Facts
    alerts: list[Alert]
    progress: Progress | None
    """Of the last delivery."""
    began_at: float | None
    """Start of the round that goes on, in seconds since 1970; None if none does."""


class Watchman(Observer):
    """Observes a loop; `look` announces what it has seen. `start` lets a thread look regularly."""

    def __init__(self, clock: Clock, announcer: Announcer, digest: Digest | None = None) -> None:
        self._clock = clock
        self._announcer = announcer
        self._digest = digest
        self._seen: dict[str, _Seen] = {}
        self._facts: dict[str, Facts] = {}
        """What the journals had after the last round."""
        self._project: LoadedProject | None = None
        self._names: list[str] = []
        self._turned_at = clock.now().timestamp()
        self._started_at = self._turned_at
        self._ending = threading.Event()
        self._thread: threading.Thread | None = None
        self._heartbeat: Heartbeat | None = None
        self._beat_at: float | None = None
        """Last sign of life of the thread that has nothing else to do; None before the first."""
        self._woke_at = 0.0

    # what the loop reports -----------------------------------------------------------------------

    def alive(self, project: LoadedProject, names: Sequence[str]) -> None:
        """See Observer."""
        self._project, self._names = project, list(names)
        self._turned_at = self._clock.now().timestamp()

    def began(self, name: str) -> None:
        """See Observer."""
        now = self._clock.now().timestamp()
        before = self._seen.get(name)
        progress = before.progress if before is not None else None
        self._seen[name] = _Seen(began_at=now, moved_at=now, progress=progress)

    def planned(self, name: str, plan: Plan) -> None:
        """See Observer."""
        seen = self._seen[name]
        seen.moved_at = self._clock.now().timestamp()
        if plan.requests and seen.behind_since is None:
            seen.behind_since = seen.began_at

    def sending(self, name: str, progress: Progress) -> None:
        """See Observer."""
        seen = self._seen[name]
        seen.progress, seen.settled = progress, -1

    async def ended(self, project: LoadedProject, round: Round) -> None:
        """Read what the round recorded. A defect is in the log, and ends no round."""
        try:
            await asyncio.to_thread(self._take, project, round)
        except Exception as error:
            translated(project, round.organisation, self._clock, error)

    def _take(self, project: LoadedProject, round: Round) -> None:
        name = round.organisation
        withheld = withheld_marks(round.plan) if round.plan is not None else None
        facts = msgspec.structs.replace(self._read(project, name), withheld=withheld)
        if isinstance(round.error, DamagedJournal):
            facts = msgspec.structs.replace(facts, damaged=True)
        self._facts[name] = facts
        self._seen[name] = _Seen(progress=self._seen[name].progress if name in self._seen else None)

    def _read(self, project: LoadedProject, name: str) -> Facts:
        """Return the facts of the journal; those of the last time if it can't be used."""
        now, settings = self._clock.now().timestamp(), project.settings_of(name)
        facts = Facts(organisation=name, settings=settings)
        try:
            if is_begun(project, name) or name in self._seen:
                with opened(project, name, self._clock) as journal:
                    facts = facts_of(name, settings, journal)
        except UNUSABLE as error:
            facts = self._facts.get(name) or facts
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
        self._notice_sleep(now)
        if self._heartbeat is None:
            self._heartbeat = Heartbeat(project)
            self._take_over(project, now)
        self._heartbeat.beat(now, self._names)
        all_facts = [self._now(project, name, now) for name in self._names]
        self._announcer.look(project, all_facts)
        if self._digest is not None:
            self._digest.look(project, all_facts)

    def _now(self, project: LoadedProject, name: str, now: float) -> Facts:
        """Return the facts of the journal with what was seen of the round that goes on."""
        if name not in self._facts:
            self._facts[name] = self._read(project, name)
        seen = self._seen.setdefault(name, _Seen())
        progress = seen.progress if seen.began_at is not None else None
        if progress is not None and progress.settled + progress.retries != seen.settled:
            seen.settled, seen.moved_at = progress.settled + progress.retries, now
        moved_at = seen.moved_at
        if now - self._turned_at > _HANGS_S:
            moved_at = min(self._turned_at, moved_at or self._turned_at)
        return msgspec.structs.replace(
            self._facts[name],
            settings=project.settings_of(name),
            woke_at=self._woke_at,
            moved_at=moved_at,
            behind_since=seen.behind_since,
        )

    def _take_over(self, project: LoadedProject, now: float) -> None:
        """Record which processes died before this one began; its first look announces that their
        organisations are synced again."""
        for file, beat in dead(project, now):
            mine = [name for name in beat.organisations if name in self._names]
            facts = [
                msgspec.structs.replace(self._now(project, name, now), dead_since=beat.at)
                for name in mine
            ]
            self._announcer.note(project, facts)
            take_over(file, beat, mine)

    def view(self) -> list[View]:
        """Return what is known of each organisation now; also from another thread."""
        now, project = self._clock.now().timestamp(), self._project
        if project is None:
            return []
        return [self._view(project, name, now) for name in self._names]

    def view_of(self, name: str) -> View | None:
        """Return what is known of one organisation; None if it is not synced."""
        now, project = self._clock.now().timestamp(), self._project
        if project is None or name not in self._names:
            return None
        return self._view(project, name, now)

    def _view(self, project: LoadedProject, name: str, now: float) -> View:
        facts = self._now(project, name, now)
        seen = self._seen[name]
        return View(
            facts=facts,
            alerts=self._announcer.open_alerts(name),
            progress=seen.progress,
            began_at=seen.began_at,
        )

    def silent_for(self) -> float:
        """Seconds since the loop's last turn."""
        now = self._clock.now().timestamp()
        self._notice_sleep(now)
        return now - self._turned_at

    # the thread ----------------------------------------------------------------------------------

    def start(self) -> None:
        """Look every few seconds from now on, on a thread."""
        self._thread = threading.Thread(target=self._watch, name="alerts", daemon=True)
        self._thread.start()
        # On a thread of its own: a service that takes long must not make the process look dead.
        threading.Thread(target=self._beat_on, name="heartbeat", daemon=True).start()

    def beat(self) -> None:
        """Give a sign of life, for others and for this process itself."""
        now = self._clock.now().timestamp()
        self._notice_sleep(now)
        self._beat_at = now
        if (heartbeat := self._heartbeat) is not None:
            heartbeat.beat(now, self._names)

    def _notice_sleep(self, now: float) -> None:
        """Note that the whole process was suspended: a loop that could not turn does not hang."""
        if self._beat_at is not None and now - self._beat_at > _ASLEEP_S:
            self._beat_at = self._woke_at = self._turned_at = now

    def _beat_on(self) -> None:
        self.beat()
        while not self._ending.wait(LOOK_S):
            self.beat()

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
        if self._ending.is_set():
            return
        self._ending.set()
        if self._thread is not None:
            self._thread.join(LOOK_S)
            if not self._thread.is_alive():
                self._look_safely()
        if self._heartbeat is not None:
            self._heartbeat.end()
            self._heartbeat = None
