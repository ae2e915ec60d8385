"""Rejects during planning: which ones still apply, and which records they hold back."""

from __future__ import annotations

from collections.abc import Sequence
from importlib import resources
from typing import Any

import duckdb

from headrace.book.queries.rows import KEY_COLUMNS, make_table
from headrace.model.entity import DOCUMENTS
from headrace.model.repeated import run
from headrace.sync.journal import Journal, Key, Reject
from headrace.sync.planning.tables import columns_of, make_empty

_SQL = {
    name: resources.files("headrace.sync.planning")
    .joinpath("sql", f"{name}.sql")
    .read_text("utf-8")
    for name in ("standing", "around", "hold", "hold_with", "hold_left", "held")
}

_BLOCKED = (
    "select entity, external_id from book.withheld "
    f"where entity in ({', '.join(repr(entity.name) for entity in DOCUMENTS)})"
)


class Rejects:
    """Creates `plan.rejects`, `plan.around` and `plan.held`.

    A reject applies as long as neither the record's row nor its neighbours have changed. The
    neighbours count because the API often refuses a record because of them. Example: a payment was
    refused because its invoice was covered already. The payment's row stays the same, but it should
    be sent again once the other payment of that invoice is deleted.
    """

    def __init__(self, connection: duckdb.DuckDBPyConnection, journal: Journal) -> None:
        self._connection = connection
        self._journal = journal

    def load(self) -> bool:
        """Create `plan.rejects`, marking those that still apply; returns whether any exist."""
        rejects = self._journal.rejects()
        make_table(
            self._connection,
            "table plan.rejects",
            columns_of("plan.rejects"),
            (
                (*one.key, one.fingerprint, one.message, one.ignored, one.around, False)
                for one in rejects
            ),
        )
        if rejects:
            self._mark_around([reject.key for reject in rejects], rejects)
            run(self._connection, _SQL["standing"])
        return bool(rejects)

    def _mark_around(self, keys: Sequence[Key], rejects: Sequence[Reject]) -> None:
        make_table(self._connection, "temp table rejected", KEY_COLUMNS, keys)
        blocked = self._rows(_BLOCKED) + [reject.key for reject in rejects]
        places = self._journal.customers_of([*keys, *blocked])
        columns = [*KEY_COLUMNS, "customer varchar"]
        make_table(self._connection, "temp table places", columns, places)
        make_table(self._connection, "temp table blocked", KEY_COLUMNS, blocked)
        run(self._connection, _SQL["around"])

    def note_around(self) -> None:
        """Record the current neighbours of the records that were just refused."""
        rejects = self._journal.rejects()
        unnoted = [one.key for one in rejects if one.around is None]
        if unnoted:
            self._journal.load_into(self._connection)
            self._mark_around(unnoted, rejects)
            self._journal.note_around(
                ((entity, external_id), mark)
                for entity, external_id, mark in self._rows("from plan.around")
            )

    def settled(self) -> list[Key]:
        """Return rejected records that no longer differ from the API, so the reject is obsolete."""
        return self._rows(
            "select entity, external_id from plan.rejects "
            "anti join plan.differences as difference using (entity, external_id)"
        )

    def hold(self, waiting: bool) -> None:
        """Create `plan.held`; `waiting` says whether anything but rejects holds back records."""
        waiting = waiting or bool(self._rows("from plan.rejects limit 1"))
        leaving = self._rows("from plan.gone where entity = 'customer' limit 1")
        # In the common case there are neither.
        if waiting:
            run(self._connection, _SQL["hold"])
            if self._rows("from missing limit 1"):
                run(self._connection, _SQL["hold_with"])
        else:
            make_empty(self._connection, "plan.held")
        if leaving:
            run(self._connection, _SQL["hold_left"])
        if waiting or leaving:
            run(self._connection, _SQL["held"])

    def _rows(self, sql: str) -> list[Any]:
        return run(self._connection, sql).fetchall()
