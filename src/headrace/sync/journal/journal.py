"""The journal, opened on either engine."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from headrace.model.clock import Clock
from headrace.sync.journal.alerts import AlertsSection
from headrace.sync.journal.approvals import ApprovalsSection
from headrace.sync.journal.asked import AskedSection
from headrace.sync.journal.collected import CollectedSection
from headrace.sync.journal.database import JournalDatabase
from headrace.sync.journal.forgetting import ForgettingSection
from headrace.sync.journal.postgres import PostgresDatabase, PostgresPlace
from headrace.sync.journal.rejects import RejectsSection
from headrace.sync.journal.round_log import RoundLogSection
from headrace.sync.journal.rounds import RoundsSection
from headrace.sync.journal.runs import RunsSection
from headrace.sync.journal.sqlite import SqliteDatabase

Place = Path | PostgresPlace


class Journal(
    AskedSection,
    RejectsSection,
    RunsSection,
    RoundsSection,
    RoundLogSection,
    AlertsSection,
    ApprovalsSection,
    CollectedSection,
    ForgettingSection,
):
    """One organisation's journal.

    While one process delivers, others can read the journal and decide about rejects.
    """

    def __init__(self, place: Place, clock: Clock, keep_payloads: bool = True) -> None:
        """Open the journal; creates or migrates it if needed. Raises ConfigurationError."""
        database: JournalDatabase = (
            SqliteDatabase(place) if isinstance(place, Path) else PostgresDatabase(place)
        )
        super().__init__(database, clock, keep_payloads)

    def lock(self) -> None:
        """Lock the journal for delivery until it is closed. Raises Busy, naming the holder."""
        self._db.lock()

    def source_rows(self) -> dict[str, int]:
        """Return how many rows each of the source's files had at the last accepted plan."""
        return dict(self._db.run("source_rows").fetchall())

    def keep_source_rows(self, rows: Mapping[str, int]) -> None:
        """Store the rows of these files."""
        with self._db.transaction():
            self._db.run_all("keep_source_rows", rows.items())

    def remember(self, directory: bytes) -> None:
        """Store the API's directory, for plans that are made while the API is unreachable."""
        with self._db.transaction():
            self._db.run("clear_directory")
            self._db.run("keep_directory", (directory,))

    def remembered(self) -> bytes | None:
        """Return the directory stored last; None before the first."""
        row = self._db.run("directory").fetchone()
        return bytes(row[0]) if row else None

    def close(self) -> None:
        """Close the connection, which also releases the lock."""
        self._db.close()
