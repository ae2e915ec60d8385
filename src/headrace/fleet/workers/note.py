"""What the register has of rounds, and of the organisation that a round is for."""

from __future__ import annotations

from pathlib import Path

from msgspec import Struct

from headrace.fleet.project import LoadedProject, load_file
from headrace.fleet.register.database import FleetDatabase
from headrace.fleet.register.members import members, settings_of
from headrace.fleet.round import Round
from headrace.model.errors import Busy

KEPT_ROUNDS = 100
"""Rounds that the history of an organisation has."""
_BUSY_S = 5.0
"""Seconds after which an organisation that another process uses is tried again."""


def project_with(path: Path, database: FleetDatabase, name: str) -> LoadedProject | None:
    """Return the project with the organisation as it is in the register now, or as it is in the
    project file; None if it is in neither, or is paused. Raises ConfigurationError."""
    loaded = load_file(path)
    found = members(database, name)
    if found:
        if found[0].paused:
            return None
        return loaded.joined({name: settings_of(loaded.settings, found[0])})
    return loaded if name in loaded.settings.organisation else None


class Noted(Struct, frozen=True):
    """What the register keeps of a round."""

    sent: int = 0
    pending: int | None = None
    summary: str = ""
    error: str = ""
    soon: float | None = None
    """Seconds until the next round; None for the organisation's interval."""


def noted(round: Round) -> Noted:
    """Return what the register keeps of a round."""
    outcome = round.outcome
    sent = outcome.sent if outcome is not None else 0
    if round.error is not None:
        soon = _BUSY_S if isinstance(round.error, Busy) else None
        return Noted(sent, round.pending, "", str(round.error), soon)
    sliced = outcome is not None and (outcome.sliced or outcome.interrupted)
    return Noted(sent, round.pending, round.summary, "", 0.0 if sliced else None)


def note(database: FleetDatabase, name: str, worker: str, seconds: float, what: Noted) -> None:
    """Write a round into the register, and set the time of the next one."""
    with database.transaction():
        database.run(
            "note",
            name=name,
            worker=worker,
            seconds=seconds,
            sent=what.sent,
            pending=what.pending,
            summary=what.summary,
            error=what.error,
        )
        database.run("trim", name=name, keep=KEPT_ROUNDS)
        database.run(
            "ended",
            name=name,
            seconds=seconds,
            pending=what.pending,
            summary=what.summary,
            error=what.error,
            worker=worker,
            soon=what.soon,
        )
