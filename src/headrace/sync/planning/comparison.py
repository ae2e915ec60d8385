"""Compares the payloads of changed rows with those that the API acknowledged."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from importlib import resources
from typing import Any

import duckdb

from headrace.book.payloads.payloads import Built, Payloads, encode_payload
from headrace.book.queries.rows import KEY_COLUMNS, make_table
from headrace.model.repeated import run
from headrace.sync.journal import Acknowledged, Journal, Key
from headrace.sync.operations.pdf_digests import PDF_OF, PdfDigests
from headrace.sync.operations.update import with_emptied_values
from headrace.sync.ordering.links import Linkage, linkage_of
from headrace.sync.ordering.resolver import MAX_MOVED
from headrace.sync.planning.payload_changes import shrinks
from headrace.sync.planning.shift import ShiftMeter
from headrace.sync.planning.tables import columns_of
from headrace.sync.planning.turnover import Turnover

_CHUNK = 5_000
_KEPT = 10_000
_FAMILY_LINKS = (
    resources.files("headrace.sync.planning").joinpath("sql", "family_links.sql").read_text("utf-8")
)


class PayloadComparison:
    """The payload comparison of one plan.

    Removes records from `plan.changes` whose payload equals the acknowledged one, and measures the
    changes that remain.
    """

    def __init__(
        self,
        connection: duckdb.DuckDBPyConnection,
        journal: Journal,
        payloads: Payloads,
        pdfs: PdfDigests,
        turnover: Turnover,
        meter: ShiftMeter,
    ) -> None:
        self._connection = connection
        self._journal = journal
        self._payloads = payloads
        self._pdfs = pdfs
        self._turnover = turnover
        self._meter = meter
        self.unchanged: list[tuple[int | None, str, str]] = []
        """(fingerprint, entity, external id) of rows that changed while their payload did not."""
        self.moved: dict[Key, tuple[Linkage, Linkage | None]] = {}
        """Linkage before and after of records whose linkage changes; None after a deletion.

        Only records whose earlier payload was kept. It stops growing beyond `MAX_MOVED` entries,
        because no order is searched for more.
        """
        self.built: dict[Key, Built] = {}
        """Payloads of changed records, up to `_KEPT`, so that the delivery need not build them."""
        self._shrinking: list[Key] = []

    def drop_unchanged(self) -> None:
        """Build the payload of every changed row, and drop rows whose payload did not change."""
        for entity, rows in self._candidates():
            acknowledged = self._journal.acknowledged([(entity, row[0]) for row in rows])
            if entity in PDF_OF:
                for external_id, fingerprint in rows:
                    known = acknowledged[entity, external_id].hash
                    if self._pdfs.digest(entity, external_id) == known:
                        self.unchanged.append((fingerprint, entity, external_id))
            else:
                self._compare(entity, rows, acknowledged)
        if self.unchanged:
            self._keys("dropped", [(entity, x) for _, entity, x in self.unchanged])
            run(
                self._connection,
                "delete from plan.changes using dropped where changes.entity = dropped.entity "
                "and changes.external_id = dropped.external_id",
            )
        if self._shrinking:
            self._keys("shrinking", self._shrinking)
            self._connection.execute(
                "update plan.changes set shrinks = true from shrinking "
                "where changes.entity = shrinking.entity "
                "and changes.external_id = shrinking.external_id"
            )

    def _compare(
        self, entity: str, rows: list[tuple[str, int]], acknowledged: dict[Key, Acknowledged]
    ) -> None:
        records = self._payloads.fetch(entity, [row[0] for row in rows])
        for external_id, fingerprint in rows:
            record = records[external_id]
            body, hash = encode_payload(record)
            before = acknowledged[entity, external_id]
            if hash == before.hash and not self._empties(entity, external_id, body, before):
                self.unchanged.append((fingerprint, entity, external_id))
                continue
            if len(self.built) < _KEPT:
                self.built[entity, external_id] = Built(record, body, hash)
            if before.payload is not None:
                if shrinks(before.payload, body):
                    self._shrinking.append((entity, external_id))
                self._note_moved((entity, external_id), before.payload, body)

    def _empties(self, entity: str, external_id: str, body: bytes, before: Acknowledged) -> bool:
        """Whether an update would clear a custom value although the payload is unchanged.

        A value whose row could not be read stays at the API. Once the row can be read and is
        empty, the payload is the same as before, but the value must be cleared.
        """
        if entity != "customer" or not before.payload or b'"customFields"' not in before.payload:
            return False
        _, emptied = with_emptied_values(
            body, body, before.payload, lambda: self._payloads.unread_fields(external_id)
        )
        return emptied != body

    def _note_moved(self, key: Key, before: bytes, after: bytes) -> None:
        if key[0] == "contact":
            return
        old, new = linkage_of(before), linkage_of(after)
        self._meter.update(key, before, after, old, new)
        self._turnover.update(key, old, new)
        if old != new and len(self.moved) <= MAX_MOVED:
            self.moved[key] = old, new

    def _candidates(self) -> Iterator[tuple[str, list[tuple[str, int]]]]:
        """Yield entities with the (external id, fingerprint) of their changed rows, in chunks."""
        cursor = self._connection.cursor()
        run(
            cursor,
            "select entity, external_id, fingerprint from plan.changes where action = 'update' "
            "order by entity, external_id",
        )
        while rows := cursor.fetchmany(_CHUNK):
            for entity in sorted({row[0] for row in rows}):
                yield entity, [(row[1], row[2]) for row in rows if row[0] == entity]

    def load_gone(self) -> None:
        """Create the tables about deleted records, which only the journal still knows.

        These are `plan.gone`, `plan.acknowledged_children` and `plan.acknowledged_documents`.
        """
        gone = self._rows("select entity, external_id from plan.changes where action = 'delete'")
        acknowledged = self._journal.acknowledged(gone) if gone else {}
        children: list[tuple[str, str]] = []
        for key, record in acknowledged.items():
            if record.payload is None or key[0] == "contact" or key[0] in PDF_OF:
                continue
            old = linkage_of(record.payload)
            self._meter.delete(key, old)
            self._turnover.delete(key, old)
            if old.parent:
                children.append((key[1], old.parent))
            if len(self.moved) <= MAX_MOVED:
                self.moved[key] = old, None
        whose = ((*key, record.customer) for key, record in acknowledged.items())
        make_table(self._connection, "table plan.gone", columns_of("plan.gone"), whose)
        columns = columns_of("plan.acknowledged_children")
        make_table(self._connection, "table plan.acknowledged_children", columns, children)
        departing = [external_id for entity, external_id in gone if entity == "customer"]
        theirs = self._journal.documents_of(departing) if departing else []
        columns = columns_of("plan.acknowledged_documents")
        make_table(self._connection, "table plan.acknowledged_documents", columns, theirs)

    def take_family_links(self) -> None:
        """Add unchanged settlements that must be unlinked while a customer changes its family.

        The API refuses a new parent while a link connects the customer with its old family. Such a
        settlement joins the plan with the same linkage before and after: its link is given back
        first and set again behind the customer's update.
        """
        leaving = [
            key[1]
            for key, (before, after) in self.moved.items()
            if key[0] == "customer" and after and before.parent not in ("", after.parent)
        ]
        if not leaving:
            return
        self._keys("leaving_family", [("customer", external_id) for external_id in leaving])
        self._connection.execute(_FAMILY_LINKS)
        keys: list[Key] = self._rows("select entity, external_id from family_links")
        for key, acknowledged in self._journal.acknowledged(keys).items():
            if acknowledged.payload is not None:
                self.moved[key] = (linkage_of(acknowledged.payload),) * 2

    def _keys(self, table: str, keys: Iterable[Key]) -> None:
        make_table(self._connection, f"temp table {table}", KEY_COLUMNS, keys)

    def _rows(self, sql: str) -> list[Any]:
        return run(self._connection, sql).fetchall()
