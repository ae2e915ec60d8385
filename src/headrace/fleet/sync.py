"""One sync of one organisation: refresh, plan, look whether it is safe, deliver.

The commands and the loop run this one; what differs between them is in `Way` and `Watcher`.
"""

from __future__ import annotations

import asyncio

from msgspec import Struct

from headrace.fleet.project import LoadedProject
from headrace.fleet.rest import NOTHING_SENT, keep_rest, plan_at_rest, take_sight, verify_target
from headrace.model.clock import Clock
from headrace.sync.delivery.outcome import DeliveryOutcome
from headrace.sync.delivery.progress import Progress
from headrace.sync.delivery.scheduler import Delivery
from headrace.sync.planning.plan import Plan
from headrace.sync.planning.saved_plan import SavedPlan
from headrace.sync.planning.scope import WHOLE, Scope
from headrace.sync.session import Organisation


class Way(Struct, frozen=True, kw_only=True):
    """In which way an organisation is brought up to date."""

    command: str
    """`apply` or `run`, for the journal's list of runs."""
    force: bool = False
    """Deliver what the guards refuse."""
    changes: int = 0
    """How many of the operations to spell out."""
    patience: float = 60.0
    """Seconds for which the API may be down."""
    scope: Scope = WHOLE
    saved: SavedPlan | None = None
    """The plan that must still be the one."""
    confirmed: bool = False
    """Whether the first delivery to Upflow's production is meant."""
    retry_rejected: bool = False
    through: bool = True
    """Whether to plan again after each slice until nothing is left; else it ends after one."""

    @property
    def plain(self) -> bool:
        """Whether nothing is asked for but to be in step."""
        special = self.force or self.changes or self.retry_rejected or self.saved is not None
        return not special and self.scope == WHOLE

    @property
    def whole(self) -> bool:
        """Whether the plan goes in one slice: the first so many requests, or those of a saved plan,
        are not to become others."""
        return self.saved is not None or bool(self.scope.limit)


class Watcher:
    """Callbacks of a sync; these do nothing."""

    def planned(self, plan: Plan) -> None:
        """A plan was made; nothing of it is sent yet. What this raises stops the sync."""

    def confirms(self) -> bool:
        """Whether a person says that the first delivery to Upflow's production is meant."""
        return False

    def sending(self, progress: Progress, delivery: Delivery) -> None:
        """A delivery is about to send its first request."""

    async def ended(self) -> None:
        """That delivery is over."""

    def sliced(self, outcome: DeliveryOutcome) -> None:
        """So much is sent; the rest is planned again."""


async def sync_once(
    project: LoadedProject, name: str, way: Way, clock: Clock, watcher: Watcher
) -> tuple[Plan, DeliveryOutcome]:
    """Brings one organisation up to date. What takes long runs on threads, not on the event loop.

    Where nothing moved since the last sync that found nothing to send, no book is opened. Raises
    what `LoadedProject.open`, `Organisation.prepare` and `apply` raise, StalePlan when it is not
    the saved plan, and UnsafePlan when a guard refuses it.
    """
    if way.plain:
        plan = await asyncio.to_thread(plan_at_rest, project, name, clock)
        if plan is not None:
            if way.command == "apply":
                await verify_target(project, name, clock)
            watcher.planned(plan)
            return plan, NOTHING_SENT
    sight = await asyncio.to_thread(take_sight, project, name, clock)
    opened = await asyncio.to_thread(project.open, name, clock)
    try:
        if way.retry_rejected:
            opened.journal.clear_rejects()
        plan, outcome = await deliver(opened, way, watcher)
        await asyncio.to_thread(keep_rest, project, opened, sight, plan, outcome)
    finally:
        await asyncio.to_thread(opened.close)
    return plan, outcome


async def deliver(opened: Organisation, way: Way, watcher: Watcher) -> tuple[Plan, DeliveryOutcome]:
    """As `sync_once`, of an organisation that is open; everything is read."""
    plan = await _planned(opened, way, watcher)
    first = opened.binding.is_first_in_production and not plan.empty
    confirmed = way.confirmed or (first and watcher.confirms())
    outcome = await _applied(opened, plan, way, watcher, confirmed)
    while outcome.sliced and way.through:
        watcher.sliced(outcome)
        plan = await _planned(opened, way, watcher)
        outcome = (await _applied(opened, plan, way, watcher, confirmed)).after(outcome)
    return plan, outcome


async def _planned(opened: Organisation, way: Way, watcher: Watcher) -> Plan:
    await opened.prepare()
    plan = await asyncio.to_thread(opened.plan, way.scope)
    if way.saved is not None:
        way.saved.raise_if_stale(opened.saved(plan, way.scope))
    if way.changes:
        plan = await asyncio.to_thread(opened.with_changes, plan, way.changes)
    watcher.planned(plan)
    if not way.force:
        plan.raise_if_unsafe()
    return plan


async def _applied(
    opened: Organisation, plan: Plan, way: Way, watcher: Watcher, confirmed: bool
) -> DeliveryOutcome:
    try:
        return await opened.apply(
            plan, way.command, watcher.sending, way.patience, way.whole, confirmed
        )
    finally:
        await watcher.ended()
