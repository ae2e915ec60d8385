"""What the register shows: organisations, workers, rounds."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from msgspec import Struct

from headrace.fleet.register.database import FleetDatabase

State = Literal["failed", "paused", "running", "waiting", "behind", "new", "in step"]
TROUBLE_FIRST: tuple[State, ...] = (
    *("failed", "behind", "running", "waiting", "new", "paused", "in step"),
)


class Entry(Struct, frozen=True):
    """An organisation, with how its last round ended. Times are aware; None if unknown."""

    organisation: str
    template: str
    of_file: bool
    """Whether its settings are in headrace.toml."""
    paused_because: str
    paused_at: datetime | None
    due_at: datetime
    seconds: float
    """Expected seconds of a round."""
    pending: int | None
    failures: int
    """Number of failed rounds in a row."""
    summary: str
    error: str
    ended_at: datetime | None
    job: str | None
    """`todo` if a round waits, `doing` if one runs."""
    worker: str | None

    @property
    def state(self) -> State:
        """The state in a word."""
        if self.paused_at is not None:
            return "paused"
        if self.error:
            return "failed"
        if self.job == "doing":
            return "running"
        if self.ended_at is None:
            return "waiting" if self.job else "new"
        return "behind" if self.pending else "in step"


class WorkerEntry(Struct, frozen=True):
    """A worker."""

    name: str
    version: str
    started_at: datetime
    at_once: int
    beat_at: datetime
    alive: bool
    rounds: int
    """Rounds that it is at work on."""


class PastRound(Struct, frozen=True):
    """A round of the past."""

    started_at: datetime
    ended_at: datetime
    worker: str
    sent: int
    pending: int | None
    summary: str
    error: str


def entries(database: FleetDatabase) -> list[Entry]:
    """Return all organisations, those with trouble first."""
    found = [Entry(*row) for row in database.run("list")]
    return sorted(found, key=lambda one: (TROUBLE_FIRST.index(one.state), one.organisation))


def workers(database: FleetDatabase) -> list[WorkerEntry]:
    """Return the workers, those that stopped answering too until they are forgotten."""
    return [WorkerEntry(*row) for row in database.run("workers")]


def history(database: FleetDatabase, name: str, limit: int) -> list[PastRound]:
    """Return the last rounds of an organisation, newest first."""
    return [PastRound(*row) for row in database.run("history", name=name, limit=limit)]
