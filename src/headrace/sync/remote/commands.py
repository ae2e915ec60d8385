"""Commands that read from the API: reconcile, drift, collected, adopt.

Only `link` changes records of the API: it gives them their external ids.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime

from headrace.book.book import Book
from headrace.model.clock import Clock, format_instant
from headrace.model.errors import ApiError
from headrace.model.project import OrganisationSettings
from headrace.sync.binding import Binding
from headrace.sync.collection.collected import Collected, Lists
from headrace.sync.connection import ONLY_READ, Connection
from headrace.sync.journal import Journal
from headrace.sync.remote.adopt import Adopter, Adoption
from headrace.sync.remote.drift import DriftFinder, DriftReport
from headrace.sync.remote.link import Linked, Linker
from headrace.sync.remote.proof import Reconciled
from headrace.sync.remote.proposals import Proposal
from headrace.sync.remote.reconcile import Reconciler


class RemoteCommands:
    """Compares the API with the book and the journal of one opened organisation."""

    def __init__(
        self,
        name: str,
        settings: OrganisationSettings,
        book: Book,
        journal: Journal,
        connection: Connection,
        binding: Binding,
        clock: Clock,
    ) -> None:
        self.name = name
        self.settings = settings
        self.book = book
        self.journal = journal
        self.connection = connection
        self.binding = binding
        self._clock = clock

    async def reconcile(self) -> Reconciled:
        """Compare the book, as it was last built, with the API."""
        async with self.connection.reading() as reader:
            reconciler = Reconciler(
                self.book.connection,
                reader,
                self._clock,
                self.journal.decisions(),
                self.settings.claim_days,
            )
            return await reconciler.prove(self.name)

    async def collected(self, since: datetime | None = None) -> list[Collected]:
        """Return the collected records, the newest first; only those created from `since` on."""
        moment = format_instant(since) if since is not None else ""
        async with self.connection.reading() as reader:
            return await Lists(self.journal, reader).all(moment)

    async def drift(
        self, watch: Callable[[str, int], None] = lambda entity, read: None
    ) -> DriftReport:
        """Compare the API with the journal, and record the drifted records there."""
        async with self.connection.reading() as reader:
            finder = DriftFinder(self.book, self.journal, reader, self._clock)
            report = await finder.find(self.name, watch)
        self.journal.replace_drifts(report.drifted)
        return report

    def repair(self, report: DriftReport) -> None:
        """Make the next plan send drifted records and create missing ones again."""
        self.journal.send_again((drift.entity, drift.external_id) for drift in report.drifted)
        self.journal.forget((gone.entity, gone.external_id) for gone in report.gone)
        self.binding.renew()

    async def adopt(
        self, write: bool, watch: Callable[[str, int], None] = lambda entity, read: None
    ) -> Adoption:
        """Match the API's records with the book by external id; `write` records the matches."""
        safe = "the matches so far are recorded, nothing was sent" if write else ONLY_READ
        async with self.connection.reading(safe=safe) as reader:
            adopter = Adopter(self.book, self.journal, reader, write)
            return await adopter.find(self.name, watch)

    async def link(self, proposals: Sequence[Proposal]) -> Linked:
        """Give records of the API the external ids that `proposals` have for them."""
        safe = "the records linked so far are recorded"
        async with self.connection.reading(safe=safe) as reader:
            linker = Linker(self.book, self.journal, reader)
            self.journal.begin_run("adopt", len(proposals), 0)
            outcome = "failed"
            try:
                linked = await linker.link(proposals)
                outcome = "done"
            except ApiError as error:
                outcome = f"stopped: {error}"
                raise
            finally:
                self.journal.end_run(outcome, None)
        return linked
