"""Where alerts are recorded: in the organisation's journal, or beside it if that can't be used."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from headrace.alerts.kinds import KINDS
from headrace.fleet.project import LoadedProject
from headrace.model.clock import Clock
from headrace.model.errors import HeadraceError
from headrace.sync.journal import Alert, Journal

_FOLDER = ".alerts"
UNUSABLE = (HeadraceError, OSError, sqlite3.Error)
"""Errors of a journal that can't be opened or written now."""


def substitute_of(loaded: LoadedProject, name: str) -> Path:
    """Return the journal in which alerts are recorded while the organisation's can't be used."""
    try:
        folder = loaded.data_folder(name).parent
    except HeadraceError:  # the folder's name contains the API's address, which is not set
        folder = loaded.folder
    return folder / _FOLDER / name / "journal.db"


@contextmanager
def opened(loaded: LoadedProject, name: str, clock: Clock) -> Iterator[Journal]:
    """Open the organisation's journal. Raises HeadraceError."""
    journal = Journal(loaded.journal_place(name), clock)
    try:
        yield journal
    finally:
        journal.close()


@contextmanager
def opened_substitute(loaded: LoadedProject, name: str, clock: Clock) -> Iterator[Journal]:
    """Open the substitute; creates it if needed. Raises HeadraceError."""
    journal = Journal(substitute_of(loaded, name), clock)
    try:
        yield journal
    finally:
        journal.close()


def is_begun(loaded: LoadedProject, name: str) -> bool:
    """Whether the organisation may have a journal. To look into one makes it, which for hundreds of
    new organisations would hold up the first rounds."""
    try:
        place = loaded.journal_place(name)
        return not isinstance(place, Path) or place.exists()
    except (HeadraceError, OSError):  # whoever opens it is told why it can't be used
        return True


def recorded_alerts(loaded: LoadedProject, name: str, clock: Clock) -> list[Alert]:
    """Return the alerts of an organisation, the oldest first; of journals that can be read."""
    found: dict[str, Alert] = {}
    if substitute_of(loaded, name).exists():
        with opened_substitute(loaded, name, clock) as journal:
            found |= {one.kind: one for one in journal.alerts() if one.kind == "journal"}
    with suppress(*UNUSABLE), opened(loaded, name, clock) as journal:
        found |= {one.kind: one for one in journal.alerts() if one.kind in KINDS}
    return sorted(found.values(), key=lambda one: one.raised_at)
