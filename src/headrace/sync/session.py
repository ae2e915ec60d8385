"""One organisation opened exclusively: refreshes its book, plans, and applies plans."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import msgspec

from headrace.book.book import Book
from headrace.book.models.models import Model
from headrace.client.retry import ATTEMPTS, GLANCES, PATIENCE
from headrace.client.transport import HttpTransport
from headrace.model.clock import Clock
from headrace.model.entity import CUSTOMER
from headrace.model.errors import ApiError, StalePlan, UnsafePlan
from headrace.model.project import OrganisationSettings
from headrace.model.steps import step
from headrace.sources.moved import Staged
from headrace.sources.registry import readable_folders
from headrace.sync.binding import CONFIRM, FIRST_IN_PRODUCTION, Binding
from headrace.sync.collection.claiming import Claimer
from headrace.sync.connection import Connection, Keys, only_read
from headrace.sync.delivery.loader import Loader
from headrace.sync.delivery.outcome import DeliveryOutcome, outcome_of
from headrace.sync.delivery.progress import Progress
from headrace.sync.delivery.scheduler import Delivery
from headrace.sync.explain import explain
from headrace.sync.journal import Journal, Place
from headrace.sync.planning.plan import Change, Plan
from headrace.sync.planning.planner import Planner
from headrace.sync.planning.row_counts import RowCounts
from headrace.sync.planning.saved_plan import SavedPlan
from headrace.sync.planning.scope import WHOLE, Scope
from headrace.sync.remote.commands import RemoteCommands
from headrace.sync.remote.known_names import KnownNames
from headrace.sync.staging import Stage

LOOP = "run"
"""The command of the loop, which does not verify the target in rounds that send nothing."""

_PLANS = itertools.count(1)

Watch = Callable[[Progress, Delivery], None]
"""Called with a delivery before its first request, to show its progress and to interrupt it."""


class Organisation:
    """One organisation: its source, book, journal and API.

    Opens it exclusively. Raises Busy if another process has opened it, on this or another machine.
    `folder` is the project's folder, `data` the organisation's own; both are created if missing.
    Without `may_send` it can only be read, and the journal is shared with whoever delivers.
    """

    def __init__(
        self,
        name: str,
        settings: OrganisationSettings,
        keys: Keys,
        folder: Path,
        data: Path,
        clock: Clock,
        journal: Place,
        may_send: Callable[[], None] | None = lambda: None,
    ) -> None:
        self.name = name
        self.settings = settings
        self.data = data
        self._clock = clock
        self._stage = Stage(name, settings, folder)
        rules = settings.contacts, settings.family_payments, settings.documents
        readable = readable_folders(settings.source, folder)
        self.book = Book(data / "cache.duckdb", folder, *rules, readable, settings.rounding)
        self.book.set_parameters(settings.parameters)
        try:
            self.journal = self._open_journal(journal, may_send is not None)
        except BaseException:
            self.book.close()
            raise
        send = may_send or only_read
        self.connection = Connection(settings.target, keys, folder, self.journal, clock, send)
        self.binding = Binding(self.journal, self.connection, clock, settings.sweep_interval)
        self._names = KnownNames(settings, self.book, self.journal, self.connection)
        self.remote = RemoteCommands(
            name, settings, self.book, self.journal, self.connection, self.binding, clock
        )
        self._claimer = Claimer(
            self.book.connection, self.journal, settings.claims, settings.claim_days
        )
        self._planner = Planner(
            self.book, self.journal, clock, settings.deletion_rules, settings.guards, self._claimer
        )
        self.staged: Staged | None = None
        """What the staged tables contain; None before they were read."""
        self._row_counts = RowCounts(self.journal, settings.source)
        self._scope = WHOLE
        self.made: Plan | None = None
        """The plan whose operations are in the book."""
        self._latency = self.journal.latency()
        self.models: list[Model] = []
        """Models of the last refresh."""

    def _open_journal(self, place: Place, alone: bool) -> Journal:
        journal = Journal(place, self._clock, self.settings.keep_payloads)
        try:
            if alone:
                journal.lock()
        except BaseException:
            journal.close()
            raise
        return journal

    def refresh(self, whole: bool = True) -> dict[str, int]:
        """Read the source and build the book; returns the number of rows per staged table.

        Unless `whole`, only tables that moved since the last time are read again, and only what
        depends on them is made again; the result is the same. At every `sweep` everything is read.
        Raises SourceError when the source can't be read, ModelError when a model can't run.
        """
        now = self._clock.now().timestamp()
        with step("stage"):
            self.models, staged = self._stage.read(self.book, now, whole)
        self.staged = staged
        self._row_counts.note(staged.rows)
        self.rebuild(staged.whole)
        return staged.rows

    async def prepare(self, bound: bool = True, whole: bool = True) -> dict[str, int]:
        """Refresh the book, and read from the API what planning needs.

        These are users, dunning plans and custom fields that models name, and collected records. If
        the API can't be reached, the names of the last time are used, and the plan says that the
        collected records were not read.

        Raises AnotherTarget if the API is not the journal's target. `bound=False` skips this check,
        for commands that repair the journal. `whole` is as for `refresh`, which raises as well.
        """
        if bound:
            await self.binding.verify()
        rows = await asyncio.to_thread(self.refresh, whole)
        if self.book.uses_names and await self._names.look_up():
            await asyncio.to_thread(self.rebuild)
        with suppress(ApiError):  # the plan then says that they were not read
            await self._look_at_collected(GLANCES)
        return rows

    async def _look_at_collected(self, attempts: int) -> None:
        """Read the collected records if the source has a new payment or refund."""
        if not self._claimer.needs_a_look():
            return
        async with self.connection.open() as transport:
            await self._claimer.look(self.connection.reader(transport, attempts))

    async def _looked_again(self, plan: Plan, patience: float) -> Plan:
        """Return the plan, made again if the collected records could not be read before.

        Raises ApiError if they still can't: a collected payment sent as a new one counts twice.
        """
        if not plan.unread:
            return plan
        try:
            await self._look_at_collected(min(ATTEMPTS, int(patience + 1).bit_length()))
        except ApiError as error:
            raise explain(error, self.settings.target.url, "nothing was sent") from None
        return self.plan(self._scope)

    def rebuild(self, whole: bool = False) -> None:
        """Build and check the book from the staged tables, then compare it with the journal.

        Unless `whole`, only what depends on tables that moved since the last time is made again.
        """
        self.book.leave_positions_out(self.journal.refused_positions())
        contents, changed = (one.contents, one.changed) if (one := self.staged) else (None, {})
        with step("models"):
            if self.book.build(self.models, contents, changed, whole):
                self.book.check()
        self.compare()

    def compare(self) -> None:
        """Compare the book, as it was last built, with the journal as it is now."""
        with step("plan"):
            self._planner.compare()
        self._claimer.forget()

    def plan(self, scope: Scope = WHOLE) -> Plan:
        """Return the plan that follows from the last comparison; sends nothing."""
        target = self.settings.target
        self._scope = scope
        with step("plan"):
            rate, in_flight = target.rate, target.in_flight
            plan = self._planner.make(self.name, rate, in_flight, self._latency, scope)
        new_fields = [f"{field.label} ({field.data_type})" for field in self._names.new_fields]
        self.made = msgspec.structs.replace(
            plan,
            id=f"{plan.made_at} {next(_PLANS)}",
            new_fields=new_fields,
            rebound=self.binding.rebound,
            shrunk=[] if plan.empty else self._row_counts.shrunk(self.settings.guards.rows),
        )
        return self.made

    def with_changes(self, plan: Plan, limit: int | None) -> Plan:
        """Return the plan with its first `limit` operations as field changes; None for all."""
        return msgspec.structs.replace(plan, changes=list(self.changes(limit)))

    def changes(self, limit: int | None) -> Iterator[Change]:
        """Yield the first `limit` operations of the last plan as field changes; None for all."""
        return self._planner.changes().read(limit)

    def saved(self, plan: Plan, scope: Scope) -> SavedPlan:
        """Return the last plan as a value that can be written to a file and applied later."""
        position, digest = self.journal.position(), self._planner.digest()
        return SavedPlan(
            organisation=self.name, scope=scope, journal=position, digest=digest, plan=plan
        )

    async def apply(
        self,
        plan: Plan,
        command: str,
        watch: Watch | None = None,
        patience: float = PATIENCE,
        whole: bool = True,
        confirmed: bool = False,
    ) -> DeliveryOutcome:
        """Deliver the plan, which must be the last one made here.

        `command` names the run in the journal, and `watch` is called before the first request. The
        delivery stops when the API is down for `patience` seconds. Unless `whole`, it ends after a
        slice of the settings' length, so that the caller can prepare and plan again: changes in the
        source are then sent before the rest of the history.

        Raises StalePlan for any other plan, whose operations the book no longer has. Raises
        UnsafePlan for the first delivery to Upflow's production unless it is `confirmed`. Raises
        ApiError when the API made the delivery stop early; acknowledged records stay recorded.
        """
        if self.made is None or plan.id != self.made.id:
            raise StalePlan(
                f"Nothing was sent: a later plan of {self.name} has replaced this one "
                f"({plan.made_at}). Apply the later one, or plan again."
            )
        if self.binding.is_first_in_production and not confirmed and not plan.empty:
            raise UnsafePlan(f"{FIRST_IN_PRODUCTION} {CONFIRM}")
        # A delivery would notice another organisation by its answers. An empty plan sends nothing,
        # so the target is verified to make sure that "nothing to send" is true there.
        await self.binding.verify(always=command != LOOP and plan.empty)
        plan = await self._looked_again(plan, patience)
        self._row_counts.accept()
        self.journal.refresh(self._planner.unchanged)
        self.journal.drop_rejects(self._planner.settled_rejects)
        self.journal.forget(self._planner.gone_pdfs())
        if plan.empty:
            self._note_imported(plan)
            return outcome_of(Progress(plan, self._clock, self.connection.pace()), False)
        async with self.connection.open() as transport:
            # A payload names a custom field by its id as soon as there is one.
            built = {} if self._names.new_fields else self._planner.built
            await self._names.create_fields(transport)
            await self._remove_merged(transport)
            self._claimer.note_sent()
            pace = self.connection.pace()
            progress = Progress(plan, self._clock, pace)
            loader = Loader(self.book, self.journal, built)
            delivery = Delivery(
                loader, transport, pace, self.journal, self._clock, progress, patience
            )
            if not whole:
                delivery.end_after(self.settings.slice_seconds)
            if watch is not None:
                watch(progress, delivery)
            await self._deliver(plan, command, delivery, progress)
        self._latency = progress.latency or self._latency
        if delivery.stopped is not None:
            stay = "stays" if progress.left == 1 else "stay"
            safe = (
                f"{progress.done:,} records are delivered and recorded, {progress.left:,} {stay} "
                "planned, and nothing is lost"
            )
            raise explain(delivery.stopped, self.settings.target.url, safe)
        if not progress.left:
            self._note_imported(plan)
        return outcome_of(progress, delivery.interrupted, delivery.sliced)

    async def _deliver(
        self, plan: Plan, command: str, delivery: Delivery, progress: Progress
    ) -> None:
        """Run the delivery and record it as a run in the journal, however it ends."""
        self.binding.note()
        self.journal.begin_run(command, plan.requests, plan.open_requests)
        outcome = "failed"
        try:
            await delivery.run()
            outcome = "interrupted" if delivery.interrupted else "done"
            if delivery.sliced:
                outcome = "planned again"
            if delivery.stopped is not None:
                outcome = f"stopped: {delivery.stopped}"
        except asyncio.CancelledError:
            outcome = "interrupted"
            raise
        finally:
            self.journal.end_run(outcome, progress.latency)
        self._planner.note_around()

    def _note_imported(self, plan: Plan) -> None:
        """Record that the first import is complete; from now on the guard `creations` applies."""
        if plan.whole and plan.desired:
            self.journal.note_imported()

    async def _remove_merged(self, transport: HttpTransport) -> None:
        """Delete collected records that were booked together as one, after a person's decision.

        Raises ApiError; nothing else was sent by then.
        """
        try:
            await self._claimer.remove_merged(self.connection.reader(transport))
        except ApiError as error:
            safe = "payments that were booked together are not linked yet; nothing else was sent"
            raise explain(error, self.settings.target.url, safe) from None

    def samples(self) -> dict[str, bytes]:
        """Return one payload of each entity, as it would be sent."""
        return self._planner.samples()

    async def probe(self) -> None:
        """Send two harmless requests, the second on the open connection to measure the latency.
        Raises ApiError when the API can't be used with these keys."""
        async with self.connection.reading(attempts=1) as reader:
            started = 0.0
            for _ in range(2):
                started = self._clock.monotonic()
                await reader.get(f"{CUSTOMER.path}?limit=1")
            self.journal.note_latency(self._clock.monotonic() - started)
        self._latency = self.journal.latency()

    def close(self) -> None:
        """Close the journal and the book, which releases the lock."""
        self.journal.close()
        self.book.close()

    def __enter__(self) -> Organisation:
        return self

    def __exit__(self, *raised: object) -> None:
        self.close()
