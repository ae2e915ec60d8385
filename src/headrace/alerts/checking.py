"""Looks at organisations from outside of the process that syncs them.

For `headrace alerts check`, which also notices that the process died, and for `headrace apply`
under another scheduler.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from headrace.alerts.announcer import Announcer
from headrace.alerts.digest import Digest
from headrace.alerts.facts import Facts, facts_of, withheld_marks
from headrace.alerts.heartbeat import dead
from headrace.alerts.post import Post
from headrace.alerts.stores import UNUSABLE, opened
from headrace.fleet.project import LoadedProject
from headrace.fleet.round import Round
from headrace.model.clock import Clock
from headrace.model.errors import DamagedJournal


class OutsideView:
    """Reads the journals, and announces what they show."""

    def __init__(self, clock: Clock, post: Post) -> None:
        self._clock = clock
        self._announcer = Announcer(clock, post)
        self._digest = Digest(clock, post)
        self._unusable: dict[str, float] = {}

    def look(self, loaded: LoadedProject, names: Sequence[str], rounds: Sequence[Round]) -> None:
        """Announce what began and what is over; `rounds` are those that have just ended here."""
        now = self._clock.now().timestamp()
        died = {name: beat.at for _, beat in dead(loaded, now) for name in beat.organisations}
        plans = {round.organisation: round.plan for round in rounds}
        all_facts = []
        for name in names:
            facts = self._facts(loaded, name, now)
            plan = plans.get(name)
            withheld = withheld_marks(plan) if plan is not None else None
            all_facts.append(
                msgspec.structs.replace(facts, withheld=withheld, dead_since=died.get(name))
            )
        self._announcer.look(loaded, all_facts)
        self._digest.look(loaded, all_facts)

    def _facts(self, loaded: LoadedProject, name: str, now: float) -> Facts:
        settings = loaded.settings_of(name)
        try:
            with opened(loaded, name, self._clock) as journal:
                self._unusable.pop(name, None)
                return facts_of(name, settings, journal)
        except UNUSABLE as error:
            since = self._unusable.setdefault(name, now)
            damaged = isinstance(error, DamagedJournal)
            return Facts(
                organisation=name, settings=settings, unusable_since=since, damaged=damaged
            )
