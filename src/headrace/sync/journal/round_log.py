"""The journal's section of rounds in order, and of the last comparison of balances."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec
from msgspec import Struct

from headrace.sync.journal.section import Section

_KEPT = 100
"""Number of rows to keep; each may stand for many uneventful rounds."""


class RoundFigures(Struct, frozen=True, kw_only=True):
    """What is recorded of a round; None for a number that is unknown."""

    command: str
    started_at: float
    """Seconds since 1970."""
    seconds: float
    error: str = ""
    """Name of the error's class; empty for a success."""
    said: str = ""
    clauses: list[str] = []
    """What is wrong, with figures, without data of records."""
    sent: int = 0
    rejected: int = 0
    withheld: int | None = None
    pending: int | None = None


class LoggedRound(Struct, frozen=True):
    """A round, or several uneventful ones in a row. Times are in seconds since 1970."""

    id: int
    command: str
    error: str
    said: str
    clauses: list[str]
    first_at: float
    """Start of the first of these rounds."""
    at: float
    """End of the last one."""
    times: int
    seconds: float
    """Duration of the last one."""
    sent: int
    rejected: int
    withheld: int | None
    pending: int | None
    failures: int
    """Number of rounds in a row that failed, this one included."""
    failing_since: float | None
    error_since: float | None
    """Start of the first of the rounds in a row that failed with the same error."""
    behind_since: float | None
    """Start of the round that first saw something which is not acknowledged yet, at the latest."""
    in_step_at: float | None
    """Start of the last round after which nothing was left to send."""
    succeeded_at: float | None
    """End of the last round that did not fail."""


class Proof(Struct, frozen=True):
    """The last comparison of all balances with the API's."""

    at: float
    balanced: bool
    differences: int
    """Number of customers and documents that differ."""


def _next(before: LoggedRound | None, now: RoundFigures, at: float) -> LoggedRound:
    """Return the row for a round that follows `before`."""
    failed = bool(now.error)
    in_step = not failed and now.pending == 0
    behind = before.behind_since if before is not None else None
    if in_step:
        behind = None
    elif now.pending and behind is None:
        behind = now.started_at
    row = LoggedRound(
        id=0,
        command=now.command,
        error=now.error,
        said=now.said.replace("\0", ""),
        clauses=now.clauses,
        first_at=now.started_at,
        at=at,
        times=1,
        seconds=now.seconds,
        sent=now.sent,
        rejected=now.rejected,
        withheld=now.withheld,
        pending=now.pending,
        failures=1 if failed else 0,
        failing_since=now.started_at if failed else None,
        error_since=now.started_at if failed else None,
        behind_since=behind,
        in_step_at=now.started_at if in_step else None,
        succeeded_at=None if failed else at,
    )
    return row if before is None else _after(before, row, failed, in_step)


def _after(before: LoggedRound, row: LoggedRound, failed: bool, in_step: bool) -> LoggedRound:
    """Return the row with what it carries on from the one before."""
    again = failed and before.error == row.error
    uneventful = not (row.sent or row.rejected or before.sent or before.rejected)
    same = (before.command, before.error) == (row.command, row.error)
    same = same and uneventful and (before.withheld, before.pending) == (row.withheld, row.pending)
    return msgspec.structs.replace(
        row,
        id=before.id if same else 0,
        first_at=before.first_at if same else row.first_at,
        times=before.times + 1 if same else 1,
        failures=before.failures + 1 if failed else 0,
        failing_since=(before.failing_since or row.failing_since) if failed else None,
        error_since=before.error_since if again else row.error_since,
        in_step_at=row.in_step_at if in_step else before.in_step_at,
        succeeded_at=before.succeeded_at if failed else row.succeeded_at,
    )


def _logged(row: Sequence[Any]) -> LoggedRound:
    values: list[Any] = list(row)
    values[4] = msgspec.json.decode(values[4], type=list[str])
    return LoggedRound(*values)


class RoundLogSection(Section):
    """The last rounds in order, and the last comparison of balances."""

    def log_round(self, figures: RoundFigures) -> LoggedRound:
        """Record a round that ends now; returns its row."""
        before = next(iter(self.logged_rounds(1)), None)
        row = _next(before, figures, self._clock.now().timestamp())
        with self._db.transaction():
            values = msgspec.structs.astuple(row)[1:]
            values = (*values[:3], msgspec.json.encode(row.clauses).decode(), *values[4:])
            if row.id:
                self._db.run("continue_round", (*values, row.id))
            else:
                self._db.run("log_round", values)
                self._db.run("drop_old_rounds", (_KEPT,))
        return row

    def logged_rounds(self, limit: int = 10) -> list[LoggedRound]:
        """Return the last rounds, the newest first."""
        return [_logged(row) for row in self._db.run("newest_logged", (limit,)).fetchall()]

    def note_proof(self, balanced: bool, differences: int) -> None:
        """Record a comparison of all balances; replaces the earlier one."""
        with self._db.transaction():
            self._db.run("clear_proofs")
            self._db.run("note_proof", (self._clock.now().timestamp(), int(balanced), differences))

    def proof(self) -> Proof | None:
        """Return the last comparison of balances; None before the first."""
        row = self._db.run("proof").fetchone()
        return Proof(row[0], bool(row[1]), row[2]) if row else None
