"""A planner over rows that a test gives, and a journal without an API."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from books import fill
from headrace.book.book import Book
from headrace.book.payloads.payloads import Payloads, encode_payload
from headrace.model.clock import SYSTEM_CLOCK
from headrace.sync.journal import Acknowledgement, Journal
from headrace.sync.planning.plan import Plan
from headrace.sync.planning.planner import Planner
from headrace.sync.planning.scope import WHOLE, Scope


class Desk:
    """A book and a journal over rows, without an API: what is planned can be taken as told."""

    def __init__(self, folder: Path, keep_payloads: bool = True) -> None:
        self.folder = folder
        self.book = Book(folder / "cache.duckdb", folder, readable=[folder])
        self.journal = Journal(folder / "journal.db", SYSTEM_CLOCK, keep_payloads)
        self.planner = Planner(self.book, self.journal, SYSTEM_CLOCK)

    def plan(self, scope: Scope = WHOLE, **tables: Any) -> Plan:
        fill(self.book, self.folder, **tables)
        self.book.check()
        self.planner.compare()
        return self.planner.make("acme", 600, 5, scope=scope)

    def operations(self) -> list[tuple[str, str, str]]:
        rows = self.book.connection.execute(
            "select action, entity, external_id from plan.operations order by number"
        ).fetchall()
        return [(action, entity, external_id) for action, entity, external_id in rows]

    def waits(self) -> set[tuple[str, str]]:
        rows = self.book.connection.execute(
            "select one.external_id, other.external_id from plan.waits "
            "join plan.operations as one using (number) "
            "join plan.operations as other on other.number = on_number"
        ).fetchall()
        return {(one, other) for one, other in rows}

    def take_all(self) -> None:
        """As if the API had acknowledged every operation."""
        rows = self.book.connection.execute(
            "select action, entity, external_id, customer, fingerprint from plan.operations"
        ).fetchall()
        payloads = Payloads(self.book.connection, self.book.columns)
        for action, entity, external_id, owner, fingerprint in rows:
            body = hash = None
            if action != "delete":
                body, hash = encode_payload(payloads.fetch(entity, [external_id])[external_id])
            self.journal.acknowledge(
                [Acknowledgement(entity, external_id, owner, fingerprint, hash, body)]
            )
        self.journal.refresh(self.planner.unchanged)
