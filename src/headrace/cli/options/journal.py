"""Opens the journal of one organisation, for commands that work during a running sync."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from headrace.fleet.project import load_project
from headrace.model.clock import SYSTEM_CLOCK
from headrace.sync.journal import Journal


@contextmanager
def opened_journal(project: Path, organisation: Sequence[str] | None) -> Iterator[Journal]:
    """Open the journal of the chosen organisation, or of the only one. Raises
    ConfigurationError."""
    loaded = load_project(project)
    journal = Journal(loaded.journal_place(loaded.only(organisation)), SYSTEM_CLOCK)
    try:
        yield journal
    finally:
        journal.close()
