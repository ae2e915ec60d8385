"""The summary of a plan: reads the finished plan from the book's schema `plan` as a value."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import duckdb

from headrace.book.book import Book
from headrace.book.checks.checks import WITHHELD_KEYS
from headrace.book.queries.filled import filled
from headrace.model.repeated import run
from headrace.sync.collection.claiming import Claimer
from headrace.sync.journal import Journal
from headrace.sync.planning.names import Names
from headrace.sync.planning.plan import Count, Plan, Withheld
from headrace.sync.planning.turnover import Turnover


class Summary:
    """Reads the tables that the planner created."""

    def __init__(self, book: Book, journal: Journal, claimer: Claimer) -> None:
        self._book = book
        self._connection = book.connection
        self._journal = journal
        self._claimer = claimer
        self._names = Names(book.connection, journal)

    def read(
        self, organisation: str, made_at: str, turnover: Turnover, rate: int, in_flight: int
    ) -> Plan:
        """Return the plan; its shift, guards and scope are left to the caller."""
        one = self._rows("select count(*), count(*) filter (where phase < 2) from plan.operations")[
            0
        ]
        # Usually nothing is.
        flawed = bool(filled(self._connection, "withheld", "flawed_links", "waiting_links"))
        longest_open, longest = self._rows(
            "select coalesce(max(early), 0), coalesce(max(late), 0) from (select "
            "sum(last - first + 1) filter (where phase < 2)::bigint as early, "
            "sum(last - first + 1) filter (where phase = 2)::bigint as late "
            "from plan.lanes group by customer)"
        )[0]
        return Plan(
            organisation=organisation,
            made_at=made_at,
            rate=rate,
            in_flight=in_flight,
            counts=[
                Count(*row)
                for row in self._rows(
                    "select entity, action, count(*) from plan.operations group by all order by all"
                )
            ],
            money=turnover.read(),
            requests=one[0],
            open_requests=one[1],
            longest_lane=longest,
            longest_open_lane=longest_open,
            problems=self._book.problems(),
            withheld=self._named(
                "select entity, external_id, reason from plan.staying order by all"
            )
            if flawed
            else [],
            held=self._named(
                "select entity, external_id, reason from plan.held where fate <> 'is ignored' "
                "order by all"
            ),
            drifted=self._names.named(
                [
                    Withheld(one.entity, one.external_id, one.sentence)
                    for one in self._journal.drifts()
                ]
            ),
            departed=self._named(
                "select entity, external_id, 'left the source' from plan.departed "
                "where rule = 'report' order by all"
            ),
            left_out=left_out(self._connection),
            claims=self._names.named(self._claimer.planned),
            unread=self._claimer.verdicts.unread,
            applied=dict(
                self._rows("select entity, count(*) from staging.acknowledged group by entity")
            ),
            desired=self._desired(flawed),
        )

    def _desired(self, flawed: bool) -> dict[str, int]:
        """Return the number of records that are not withheld, by entity."""
        stopped = {}
        if flawed:
            stopped = dict(
                self._rows(
                    "select entity, count(*) from book.fingerprints "
                    "semi join book.withheld using (entity, external_id) "
                    f"where key in ({WITHHELD_KEYS}) group by entity"
                )
            )
        sizes = self._rows("from book.sizes where rows > 0")
        return {entity: rows - stopped.get(entity, 0) for entity, rows in sizes}

    def _named(self, sql: str) -> list[Withheld]:
        return self._names.named([Withheld(*row) for row in self._rows(sql)])

    def _rows(self, sql: str, values: Sequence[object] = ()) -> list[Any]:
        return run(self._connection, sql, values).fetchall()


def left_out(connection: duckdb.DuckDBPyConnection) -> int:
    """Return the number of changes outside the scope."""
    return int(run(connection, "select count(*) from plan.left_out").fetchall()[0][0])
