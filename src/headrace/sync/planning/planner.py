"""Makes plans: the difference between the source and what the API acknowledged.

Unchanged rows never leave the engine. Only rows with a changed fingerprint become payloads, and
only payloads whose hash differs from the acknowledged one become operations.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from importlib import resources
from typing import Any

import duckdb
import msgspec

from headrace.book.book import Book
from headrace.book.models.made import CORRECTED
from headrace.book.payloads.payloads import Built, Payloads, encode_payload
from headrace.book.queries.filled import filled
from headrace.book.queries.rows import KEY_COLUMNS, make_table
from headrace.model.clock import Clock, format_instant
from headrace.model.guards import GuardSettings
from headrace.model.project import DeletionRule
from headrace.model.repeated import run
from headrace.sync.collection.claiming import Claimer
from headrace.sync.journal import Journal, Key
from headrace.sync.operations.pdf_digests import PdfDigests
from headrace.sync.ordering.links import SETTLEMENTS, Linkage, linkage_of
from headrace.sync.ordering.resolver import MAX_MOVED, resolve
from headrace.sync.planning.changes import Changes
from headrace.sync.planning.comparison import PayloadComparison
from headrace.sync.planning.neighbourhood import Neighbourhood
from headrace.sync.planning.parent_pins import ParentPins
from headrace.sync.planning.phases import spread
from headrace.sync.planning.pins import Pins
from headrace.sync.planning.plan import Plan
from headrace.sync.planning.rejects import Rejects
from headrace.sync.planning.scope import WHOLE, Scope, cut, narrow
from headrace.sync.planning.shift import ShiftMeter
from headrace.sync.planning.summary import Summary, left_out
from headrace.sync.planning.tables import COMPARED, WITHOUT_CHANGES, make_empty
from headrace.sync.planning.turnover import Turnover

_SQL = {
    name: resources.files("headrace.sync.planning")
    .joinpath("sql", f"{name}.sql")
    .read_text("utf-8")
    for name in (
        "moved_shares",
        "differences",
        "doubtful",
        "examined",
        "departed_records",
        "changes",
        "nodes",
        "place",
        "waits",
        "staying",
        "asked",
        "links_to_refused",
    )
}
_MANY = 10_000
"""Records that may differ above which all are compared."""
_STILL_DOUBTFUL = (
    "create or replace table book.doubtful as "
    "select (hash(entity, external_id) >> 1)::bigint as key from plan.differences"
)
"""All other records are equal until their fingerprint or the journal changes."""


class Planner:
    """Plans one organisation; writes the operations to the book's schema `plan`."""

    def __init__(
        self,
        book: Book,
        journal: Journal,
        clock: Clock,
        deletion_rules: Mapping[str, DeletionRule] = {},
        guards: GuardSettings = GuardSettings(),
        claimer: Claimer | None = None,
    ) -> None:
        """Plan from `book` and `journal`.

        `deletion_rules` are by entity; records of other entities are deleted when they leave the
        source. Without a `claimer`, no record is matched with collected money.
        """
        self._guards = guards
        self._connection = book.connection
        self._book = book
        self._journal = journal
        self._clock = clock
        self._deletion_rules = deletion_rules
        self._claimer = claimer or Claimer(book.connection, journal, "off")
        self._payloads = Payloads(book.connection, book.columns)
        self._rejects = Rejects(book.connection, journal)
        self._pdfs = PdfDigests(book.connection, book.pdf_places)
        self.unchanged: list[tuple[int | None, str, str]] = []
        """(fingerprint, entity, external id) of rows that changed while their payload did not."""
        self.built: Mapping[Key, Built] = {}
        """Payloads that the last plan's comparison built, as long as the book stays as it is."""
        self.settled_rejects: list[Key] = []
        """Rejected records that now equal what the API acknowledged, so the reject is obsolete."""
        self._waiting: dict[Key, Linkage] = {}
        """Records that stay as the API has them because of errors in or around their rows."""

    def compare(self) -> None:
        """Find the differences between the book and the journal, and apply pins and rejects."""
        self._mark_unanswered()
        self._journal.load_into(self._connection)
        self._apply_pins()
        self._compare()
        if self._rejects.load() and self._leave_links_out():
            self._compare()

    def _mark_unanswered(self) -> None:
        """Make the plan send asked records without an answer again, or delete them.

        The API may or may not have carried out such a request. The comparison therefore treats the
        record as different from the source, whatever the journal has of it.
        """
        if asked := self._journal.asked():
            self._keys("asked", asked)
            there = self._rows(_SQL["asked"])
            self._journal.mark_unanswered(asked.values(), set(there))

    def _compare(self) -> None:
        self._book.mark()
        if self._differs():
            run(self._connection, _SQL["examined"])
            if self._rows(
                "from plan.differences where entity = 'customer' and action = 'delete' limit 1"
            ):
                run(self._connection, _SQL["departed_records"])
        else:
            make_empty(self._connection, *COMPARED)
        run(self._connection, _STILL_DOUBTFUL)

    def _differs(self) -> bool:
        """Create `plan.differences`; returns whether there are any."""
        known = self._rows("select count(*), count(*) filter (key is null) from book.doubtful")[0]
        if known[1] or known[0] > _MANY:
            run(self._connection, _SQL["moved_shares"])
            if not self._rows("from moved_shares limit 1"):
                return False
            run(self._connection, _SQL["differences"])
        else:
            run(self._connection, _SQL["doubtful"])
        return bool(self._rows("from plan.differences limit 1"))

    def _leave_links_out(self) -> bool:
        """Withhold links to records that the API refused to create; returns whether there are any.

        Their settlements are sent without these links.
        """
        before = self._rows("select count(*) from book.waiting_links")
        run(self._connection, _SQL["links_to_refused"])
        if before == self._rows("select count(*) from book.waiting_links"):
            return False
        self._book.unmark(frozenset({"waiting_links"}))
        return True

    def _apply_pins(self) -> None:
        """Keep what the API holds of records in error, and withhold what would contradict it."""
        self._waiting = {}
        if not self._rows(
            "select 1 from book.withheld union all select 1 from book.flawed_links "
            "union all select 1 from book.flawed_parents limit 1"
        ):
            return
        around = Neighbourhood(self._connection, self._journal)
        parents = ParentPins(self._book, around)
        regrouped = parents.settle()
        pins = Pins(self._connection, around)
        pins.settle(regrouped, parents.needed)
        while blocked := parents.make_way(pins.waiting):
            pins.regroup(blocked)
        pins.write()
        self._book.unmark(filled(self._connection, *CORRECTED))
        held = {key: pins.linkage(key) for key in pins.waiting}
        # The documents that they settle may be deleted in this run. The API then removes those
        # links, and the journal can't tell which. So these records are sent again later.
        unknown = [
            key for key, linkage in held.items() if linkage is None and key[0] in SETTLEMENTS
        ]
        self._journal.send_again(unknown)
        self._waiting = {key: linkage for key, linkage in held.items() if linkage is not None}

    def make(
        self,
        organisation: str,
        rate: int,
        in_flight: int,
        latency: float | None = None,
        scope: Scope = WHOLE,
    ) -> Plan:
        """Order and count the operations after `compare`; sends nothing.

        `latency` overrides the estimated seconds per answer.
        """
        run(self._connection, _SQL["staying"])
        run(self._connection, _SQL["changes"])
        meter = ShiftMeter(self._connection)
        turnover = Turnover(self._connection)
        compared = PayloadComparison(
            self._connection, self._journal, self._payloads, self._pdfs, turnover, meter
        )
        compared.drop_unchanged()
        compared.load_gone()
        compared.take_family_links()
        self.unchanged, self.built = compared.unchanged, compared.built
        narrow(self._connection, scope, self._deletion_rules)
        self._settle_claims()
        self._load_staying_children()
        self.settled_rejects = self._rejects.settled()
        self._rejects.hold(bool(self._claimer.verdicts.awaiting or left_out(self._connection)))
        if self._rows("from plan.changes limit 1"):
            run(self._connection, _SQL["nodes"])
            spread(self._connection)
            moved = compared.moved if len(compared.moved) <= MAX_MOVED else {}
            resolve(self._connection, moved, self._waiting)
            run(self._connection, _SQL["place"])
            self._find_waits()
            cut(self._connection, scope)
        else:
            # Most plans of a fleet are empty.
            make_empty(self._connection, *WITHOUT_CHANGES)
        summary = Summary(self._book, self._journal, self._claimer)
        made_at = format_instant(self._clock.now())
        plan = summary.read(organisation, made_at, turnover, rate, in_flight)
        return msgspec.structs.replace(
            plan,
            latency=plan.latency if latency is None else latency,
            shift=meter.read(self._journal.is_imported()),
            guards=self._guards,
            whole=scope.whole,
        )

    def _find_waits(self) -> None:
        """Create `plan.waits`; operations wait for those of other customers only."""
        if self._rows("select min(customer) <> max(customer) from plan.lanes") == [(True,)]:
            run(self._connection, _SQL["waits"])
        else:
            make_empty(self._connection, "plan.waits")

    def _settle_claims(self) -> None:
        """Match new payments and refunds with collected ones.

        A record that was refused as a new record is sent once it is a claim, because a claim is a
        different request.
        """
        self._claimer.settle()
        if claimed := self._claimer.unsent():
            self._keys("claimed", claimed)
            self._connection.execute(
                "delete from plan.rejects where (entity, external_id) in "
                "(select (entity, external_id) from claimed)"
            )

    def digest(self) -> int:
        """Return a number that identifies the operations and the rows behind them.

        Planning the same rows again with the same version of DuckDB returns the same number.
        """
        row = self._rows(
            "select coalesce(bit_xor(hash(number, entity, external_id, action, fingerprint, "
            "claims.id)), 0) from plan.operations left join plan.claims as claims "
            "using (entity, external_id)"
        )[0]
        return int(row[0])

    def _keys(self, table: str, keys: Iterable[Key]) -> None:
        make_table(self._connection, f"temp table {table}", KEY_COLUMNS, keys)

    def _load_staying_children(self) -> None:
        """Add customers to `plan.acknowledged_children` that may keep a deleted parent.

        These are customers that this plan does not update: their rows are in error, they were
        refused, or they are outside the scope.
        """
        if not self._rows("from plan.gone where entity = 'customer' limit 1"):
            return
        staying: list[Key] = self._rows(
            "select entity, external_id from book.withheld where entity = 'customer' "
            "union select entity, external_id from plan.rejects where entity = 'customer' "
            "union select entity, external_id from plan.left_out where entity = 'customer'"
        )
        acknowledged = self._journal.acknowledged(staying) if staying else {}
        linked = (
            (key[1], linkage_of(record.payload).parent)
            for key, record in acknowledged.items()
            if record.payload is not None
        )
        children = [one for one in linked if one[1]]
        self._connection.execute(
            "insert into plan.acknowledged_children "
            "select unnest($1::varchar[]), unnest($2::varchar[])",
            [[child for child, _ in children], [parent for _, parent in children]],
        )

    def note_around(self) -> None:
        """Record the current neighbours of the records that were just refused."""
        self._rejects.note_around()

    def gone_pdfs(self) -> list[Key]:
        """Return the PDFs that the journal has and the source no longer names."""
        return self._rows(
            "select entity, external_id from plan.differences "
            "where action = 'delete' and entity in ('invoice_pdf', 'credit_note_pdf')"
        )

    def changes(self) -> Changes:
        """Return a reader of the operations for people."""
        return Changes(self._connection, self._payloads, self._journal)

    def samples(self) -> dict[str, bytes]:
        """Return one payload of each entity in the book."""
        found = {}
        for entity, external_id in self._rows(
            "select entity, min(external_id) from book.fingerprints "
            "anti join book.withheld using (entity, external_id) "
            "where entity not like '%pdf' group by entity order by entity"
        ):
            found[entity] = encode_payload(
                self._payloads.fetch(entity, [external_id])[external_id]
            )[0]
        return found

    def _rows(self, sql: str) -> list[Any]:
        try:
            return run(self._connection, sql).fetchall()
        except duckdb.Error as error:  # pragma: no cover - our own defect; shows the query
            raise RuntimeError(f"{error}\nin: {sql}") from error
