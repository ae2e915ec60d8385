"""One organisation at work: its source, book, journal and API, and what to do with them."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import msgspec

from headrace.book.book import Book
from headrace.book.models import Model
from headrace.client.retry import ATTEMPTS, GLANCES, PATIENCE
from headrace.client.transport import HttpTransport
from headrace.model.clock import Clock
from headrace.model.entity import CUSTOMER
from headrace.model.errors import ApiError, StalePlan, UnsafePlan
from headrace.model.project import OrganisationSettings
from headrace.sources.registry import open_source, readable_folders
from headrace.sync.binding import CONFIRM, FIRST_IN_PRODUCTION, Binding
from headrace.sync.collection.claiming import Claimer
from headrace.sync.connection import Connection, Keys
from headrace.sync.delivery.loader import Loader
from headrace.sync.delivery.outcome import DeliveryOutcome, outcome_of
from headrace.sync.delivery.progress import Progress
from headrace.sync.delivery.scheduler import Delivery
from headrace.sync.explain import explain
from headrace.sync.journal import Journal, Place
from headrace.sync.planning.plan import Plan
from headrace.sync.planning.planner import Planner
from headrace.sync.planning.saved_plan import SavedPlan
from headrace.sync.planning.scope import WHOLE, Scope
from headrace.sync.remote.commands import RemoteCommands
from headrace.sync.remote.known_names import KnownNames

_PLANS = itertools.count(1)


Watch = Callable[[Progress, Delivery], None]
"""Told of a delivery before its first request, to show it and to interrupt it."""


class Organisation:
    """The only one at work while it is open: Busy when another command is, on another machine too.

    `folder` is the project's, `data` the organisation's own; both exist or are made.
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
    ) -> None:
        self.name = name
        self.settings = settings
        self._folder = folder
        self._clock = clock
        rules = settings.contacts, settings.family_payments, settings.documents
        readable = readable_folders(settings.source, folder)
        self.book = Book(data / "cache.duckdb", folder, *rules, readable)
        try:
            self.journal = self._open_journal(journal)
        except BaseException:
            self.book.close()
            raise
        self.connection = Connection(settings.target, keys, folder, self.journal, clock)
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
        self._scope = WHOLE
        self._planned = ""
        """The id of the plan whose operations the book has."""
        self._latency = self.journal.latency()
        self.models: list[Model] = []
        """The models of the last refresh."""

    def _open_journal(self, place: Place) -> Journal:
        journal = Journal(place, self._clock, self.settings.keep_payloads)
        try:
            journal.lock()
        except BaseException:
            journal.close()
            raise
        return journal

    def refresh(self) -> dict[str, int]:
        """Reads the source and builds the book; rows per staged table.

        SourceError when the source can't be read, ModelError when a model can't run.
        """
        source = open_source(self.settings.source, self._folder)
        try:
            offered = source.tables()
            models = self.book.load(self._folder / self.settings.models, offered)
            wanted = sorted(set().union(*(model.reads for model in models)))
            with self.book.staging() as connection:
                rows = source.stage(connection, wanted)
            self.book.allot(sum(rows.values()))
        finally:
            source.close()
        self.models = models
        self.rebuild()
        return rows

    async def prepare(self, bound: bool = True) -> dict[str, int]:
        """As `refresh`, with the names of the API's side looked up where models use them.

        While the API can't be asked, the names that it had the last time serve. AnotherTarget,
        unless that is what is to be mended and it need not be `bound`.
        """
        if bound:
            await self.binding.verify()
        rows = await asyncio.to_thread(self.refresh)
        if self.book.uses_names and await self._names.look_up():
            await asyncio.to_thread(self.rebuild)
        with suppress(ApiError):  # the plan then says that nobody has looked
            await self._look_at_collected(GLANCES)
        return rows

    async def _look_at_collected(self, attempts: int) -> None:
        """Reads what Upflow collected, when the source has a new payment or refund."""
        if not self._claimer.needs_a_look():
            return
        async with self.connection.open() as transport:
            await self._claimer.look(self.connection.reader(transport, attempts))

    async def _looked_again(self, plan: Plan, patience: float) -> Plan:
        """The plan, made again if the API could not be asked what it collected. ApiError when it
        still can't: a payment that was collected must not be sent as a new one."""
        if not plan.unlooked:
            return plan
        try:
            await self._look_at_collected(min(ATTEMPTS, int(patience + 1).bit_length()))
        except ApiError as error:
            raise explain(error, self.settings.target.url, "nothing was sent") from None
        return self.plan(self._scope)

    def rebuild(self) -> None:
        """Builds and checks the book over what is staged."""
        self.book.leave_positions_out(self.journal.refused_positions())
        self.book.build(self.models)
        self.book.check()
        self.compare()

    def compare(self) -> None:
        """Finds what differs, over the book as it was last built, by the journal as it is now."""
        self._planner.compare()
        self._claimer.forget()

    def plan(self, scope: Scope = WHOLE) -> Plan:
        """What the API lacks, over the book as it was last built, by the journal as it was then."""
        target = self.settings.target
        self._scope = scope
        plan = self._planner.make(self.name, target.rate, target.in_flight, self._latency, scope)
        new_fields = [f"{field.label} ({field.data_type})" for field in self._names.new_fields]
        self._planned = f"{plan.made_at} {next(_PLANS)}"
        return msgspec.structs.replace(
            plan, id=self._planned, new_fields=new_fields, rebound=self.binding.word
        )

    def with_changes(self, plan: Plan, limit: int | None) -> Plan:
        """The plan with its first operations, or all, spelled out field by field."""
        return msgspec.structs.replace(plan, changes=list(self._planner.changes().read(limit)))

    def saved(self, plan: Plan, scope: Scope) -> SavedPlan:
        """The plan that was made last, as a value that can be applied later."""
        return SavedPlan(
            organisation=self.name,
            scope=scope,
            journal=self.journal.position(),
            digest=self._planner.digest(),
            plan=plan,
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
        """Delivers the plan, which must be the last one made here: StalePlan for any other, whose
        operations the book no longer has. ApiError when the API made it stop early.

        UnsafePlan for the first one ever to Upflow's production, unless it is `confirmed`.

        Unless `whole`, it ends after a slice of the settings' length, for the caller to prepare and
        plan again: what changed at the source meanwhile then goes ahead of history.
        """
        if plan.id != self._planned:
            raise StalePlan(
                f"Nothing was sent: a later plan of {self.name} has taken the place of this one "
                f"({plan.made_at}). Apply that one, or plan again."
            )
        if self.binding.is_first_in_production and not confirmed and not plan.empty:
            raise UnsafePlan(f"{FIRST_IN_PRODUCTION} {CONFIRM}")
        # What is sent shows by its answers whether it is the organisation; nothing shows nothing.
        await self.binding.verify(always=command == "apply" and plan.empty)
        plan = await self._looked_again(plan, patience)
        self.journal.refresh(self._planner.unchanged)
        self.journal.drop_rejects(self._planner.settled_rejects)
        self.journal.forget(self._planner.gone_pdfs())
        if plan.empty:
            self._note_imported(plan)
            return outcome_of(Progress(plan, self._clock, self.connection.pace()), False)
        async with self.connection.open() as transport:
            await self._names.create_fields(transport)
            await self._remove_merged(transport)
            self._claimer.note_sent()
            pace = self.connection.pace()
            progress = Progress(plan, self._clock, pace)
            loader = Loader(self.book, self.journal)
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
                f"{progress.done:,} records are delivered and noted, {progress.left:,} {stay} "
                "planned and nothing is lost"
            )
            raise explain(delivery.stopped, self.settings.target.url, safe)
        if not progress.left:
            self._note_imported(plan)
        return outcome_of(progress, delivery.interrupted, delivery.sliced)

    async def _deliver(
        self, plan: Plan, command: str, delivery: Delivery, progress: Progress
    ) -> None:
        """Runs the delivery as a run of the journal, however it ends."""
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
        """From now on, many new records at a time are unusual."""
        if plan.whole and plan.desired:
            self.journal.note_imported()

    async def _remove_merged(self, transport: HttpTransport) -> None:
        """What a person said was booked in one; ApiError before anything else went."""
        try:
            await self._claimer.remove_merged(self.connection.reader(transport))
        except ApiError as error:
            safe = "what was booked together is not linked yet, and nothing else was sent"
            raise explain(error, self.settings.target.url, safe) from None

    def samples(self) -> dict[str, bytes]:
        """One payload per entity, as it would be sent."""
        return self._planner.samples()

    async def probe(self) -> None:
        """Two harmless requests: ApiError when the API can't be used with these keys.

        The second one, on a connection that stands, tells the first plan how long answers take.
        """
        async with self.connection.reading(attempts=1) as reader:
            started = 0.0
            for _ in range(2):
                started = self._clock.monotonic()
                await reader.get(f"{CUSTOMER.path}?limit=1")
            self.journal.note_latency(self._clock.monotonic() - started)
        self._latency = self.journal.latency()

    def close(self) -> None:
        """Releases the book and the journal."""
        self.journal.close()
        self.book.close()

    def __enter__(self) -> Organisation:
        return self

    def __exit__(self, *raised: object) -> None:
        self.close()
