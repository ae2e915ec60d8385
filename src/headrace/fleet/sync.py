"""One sync of one organisation: refresh, plan, check the guards, deliver.

The commands and the loop use the same function; `SyncOptions` and `Watcher` hold what differs.
"""

from __future__ import annotations

import asyncio

import msgspec
from msgspec import Struct

from headrace.fleet.approving import approval_for, requester, summary_of, waiting_id
from headrace.fleet.open_books import OpenBooks
from headrace.fleet.picture import picture_is_missing
from headrace.fleet.picture_writing import keep_picture
from headrace.fleet.project import LoadedProject
from headrace.fleet.rest import NOTHING_SENT, keep_rest, plan_at_rest, take_sight, verify_target
from headrace.model.clock import Clock
from headrace.model.errors import ApprovalNeeded, UnsafePlan
from headrace.sync.delivery.outcome import DeliveryOutcome
from headrace.sync.delivery.progress import Progress
from headrace.sync.delivery.scheduler import Delivery
from headrace.sync.journal import Approval
from headrace.sync.planning.plan import Plan
from headrace.sync.planning.saved_plan import SavedPlan
from headrace.sync.planning.scope import WHOLE, Scope
from headrace.sync.session import LOOP, Organisation


class SyncOptions(Struct, frozen=True, kw_only=True):
    """Options of a sync."""

    command: str
    """What syncs, such as `apply`, for the journal's list of runs. All but `LOOP` verify the target
    even if nothing is to be sent."""
    force: bool = False
    """Whether to deliver a plan that the guards refuse."""
    changes: int = 0
    """Number of operations to read as field changes."""
    patience: float = 60.0
    """Seconds for which the API may be down before the delivery stops."""
    scope: Scope = WHOLE
    saved: SavedPlan | None = None
    """A saved plan that the new plan must equal."""
    confirmed: bool = False
    """Whether the user confirmed the first delivery to Upflow's production."""
    retry_rejected: bool = False
    """Whether to send rejected records again."""
    approved: str = ""
    """Id of the plan that a person has just approved: only this one is delivered."""
    through: bool = True
    """Whether to plan again after each slice until nothing is left; else stop after one slice."""

    @property
    def plain(self) -> bool:
        """Whether no option asks for more than an ordinary sync."""
        special = self.force or self.changes or self.retry_rejected or self.approved
        special = special or self.saved is not None
        return not special and self.scope == WHOLE

    whole: bool = False
    """Whether to deliver the plan in one slice in any case."""
    pictures: bool = False
    """Whether to keep each plan for the pages."""
    open_book: bool = False
    """Whether to open the book even if nothing has changed."""

    @property
    def in_one(self) -> bool:
        """Whether to deliver the plan in one slice.

        A saved plan and the first requests of `--limit` must not change through planning again.
        """
        return self.whole or self.saved is not None or bool(self.scope.limit)


class Watcher:
    """Callbacks of a sync. These do nothing; override those that are needed."""

    def planned(self, plan: Plan) -> None:
        """Called with each plan before anything of it is sent; an exception stops the sync."""

    def confirms(self) -> bool:
        """Return whether the user confirms the first delivery to Upflow's production."""
        return False

    def sending(self, progress: Progress, delivery: Delivery) -> None:
        """Called before the first request of a delivery."""

    def may_send(self) -> None:
        """Called before each request; an exception ends the sync instead."""

    async def ended(self) -> None:
        """Called at the end of a delivery, also after an error."""

    def sliced(self, outcome: DeliveryOutcome) -> None:
        """Called after each slice, before the rest is planned again."""


async def sync_once(
    project: LoadedProject,
    name: str,
    options: SyncOptions,
    clock: Clock,
    watcher: Watcher,
    books: OpenBooks | None = None,
) -> tuple[Plan, DeliveryOutcome]:
    """Sync one organisation. Long steps run on threads, so the event loop is not blocked.

    If nothing has changed since a sync that found nothing to send, the book is not opened. With
    `books`, it is taken from there, and kept there unless the sync fails. Raises StalePlan if the
    plan is not the saved one, UnsafePlan if a guard refuses it, ApprovalNeeded if it waits for a
    person, and whatever
    `LoadedProject.open`, `Organisation.prepare` and `Organisation.apply` raise.
    """
    if options.plain and not _needs_the_book(project, name, options):
        plan = await asyncio.to_thread(plan_at_rest, project, name, clock)
        if plan is not None:
            if options.command != LOOP:
                await verify_target(project, name, clock)
            watcher.planned(plan)
            return plan, NOTHING_SENT
    sight = await asyncio.to_thread(take_sight, project, name, clock)
    opened = await asyncio.to_thread(_opened, project, name, clock, watcher, books)
    done = False
    try:
        if options.retry_rejected:
            opened.journal.clear_rejects()
        plan, outcome = await deliver(opened, options, watcher)
        await asyncio.to_thread(keep_rest, project, opened, sight, plan, outcome)
        done = True
    except UnsafePlan as error:
        done = type(error) is UnsafePlan  # the book is complete, and its plan can be looked at
        raise
    except ApprovalNeeded:
        done = True
        raise
    finally:
        if books is None:
            await asyncio.to_thread(opened.close)
        elif done:
            await asyncio.to_thread(books.keep, project, opened)
        else:
            await asyncio.to_thread(books.give_back, opened)
    return plan, outcome


def _needs_the_book(project: LoadedProject, name: str, options: SyncOptions) -> bool:
    missing = options.pictures and picture_is_missing(project.data_folder(name))
    return options.open_book or missing


def _opened(
    project: LoadedProject, name: str, clock: Clock, watcher: Watcher, books: OpenBooks | None
) -> Organisation:
    if books is not None:
        return books.take(project, name)
    return project.open(name, clock, may_send=watcher.may_send)


async def deliver(
    opened: Organisation, options: SyncOptions, watcher: Watcher
) -> tuple[Plan, DeliveryOutcome]:
    """Sync an organisation that is open, like `sync_once`; the source is always read."""
    plan, approval = await _planned(opened, options, watcher)
    first = opened.binding.is_first_in_production and not plan.empty
    confirmed = options.confirmed or approval is not None or (first and watcher.confirms())
    if approval is not None:  # as it was approved, and so in one slice
        options = msgspec.structs.replace(options, whole=True)
    outcome = await _applied(opened, plan, options, watcher, confirmed)
    if approval is not None and not outcome.interrupted:
        detail = f"{outcome.sent:,} sent, {outcome.rejected:,} rejected, {outcome.left:,} left"
        opened.journal.note_applied(approval, requester(options.command), detail)
    while outcome.sliced and options.through:
        watcher.sliced(outcome)
        plan, _ = await _planned(opened, options, watcher)
        outcome = (await _applied(opened, plan, options, watcher, confirmed)).after(outcome)
    return plan, outcome


async def _planned(
    opened: Organisation, options: SyncOptions, watcher: Watcher
) -> tuple[Plan, Approval | None]:
    await opened.prepare(whole=options.command != LOOP)
    plan = await asyncio.to_thread(opened.plan, options.scope)
    if options.saved is not None:
        options.saved.raise_if_stale(opened.saved(plan, options.scope))
    if options.changes:
        plan = await asyncio.to_thread(opened.with_changes, plan, options.changes)
    watcher.planned(plan)
    if options.pictures:
        id = await asyncio.to_thread(waiting_id, opened, plan, options.scope)
        await asyncio.to_thread(keep_picture, opened, plan, id)
    who = requester(options.command)
    if opened.settings.approve != "never" or options.approved:
        approval = await asyncio.to_thread(
            approval_for, opened, plan, options.scope, who, options.approved
        )
        return plan, approval
    if not options.force:
        plan.raise_if_unsafe()
    elif plan.objections:
        opened.journal.audit("forced", who, "", "", summary_of(plan))
    return plan, None


async def _applied(
    opened: Organisation, plan: Plan, options: SyncOptions, watcher: Watcher, confirmed: bool
) -> DeliveryOutcome:
    try:
        return await opened.apply(
            plan, options.command, watcher.sending, options.patience, options.in_one, confirmed
        )
    finally:
        await watcher.ended()
