"""One round of one organisation: its plan and outcome, or the error that ended it."""

from __future__ import annotations

from contextlib import closing, suppress

import msgspec
from msgspec import Struct

from headrace.fleet.project import LoadedProject
from headrace.model.clock import Clock
from headrace.model.errors import ApprovalNeeded, Busy, HeadraceError, UnsafePlan
from headrace.sync.delivery.outcome import DeliveryOutcome
from headrace.sync.journal import Journal, Kind, RoundFigures
from headrace.sync.planning.plan import Plan


class Round(Struct, frozen=True):
    """The result of one sync of one organisation."""

    organisation: str
    plan: Plan | None
    outcome: DeliveryOutcome | None
    error: HeadraceError | None = None
    started_at: float = 0.0
    """Seconds since 1970; 0 if unknown."""
    seconds: float = 0.0

    @property
    def pending(self) -> int | None:
        """Number of operations that stay planned; None if unknown."""
        if self.outcome is not None:
            return self.outcome.left + self.outcome.held
        return self.plan.requests if self.plan is not None else None

    def figures(self, command: str) -> RoundFigures:
        """Return what the journal records of it."""
        plan, outcome = self.plan, self.outcome
        return RoundFigures(
            command=command,
            started_at=self.started_at,
            seconds=self.seconds,
            error=type(self.error).__name__ if self.error is not None else "",
            said=self.summary,
            clauses=self._clauses,
            sent=outcome.sent if outcome else 0,
            rejected=outcome.rejected if outcome else 0,
            withheld=len(plan.withheld) if plan else None,
            pending=self.pending,
        )

    @property
    def _clauses(self) -> list[str]:
        """Figures about the error, without data of records."""
        if isinstance(self.error, ApprovalNeeded):
            return self.error.clauses
        unsafe = self.plan is not None and isinstance(self.error, UnsafePlan)
        return self.plan.objections if self.plan is not None and unsafe else []

    @property
    def summary(self) -> str:
        """The result in a few words, or the error's message."""
        if self.error is not None:
            return str(self.error)
        if self.outcome is None or self.plan is None:
            return "nothing was done"
        nothing = "nothing to send now" if self.plan.staying else "nothing to send"
        text = f"{self.outcome.sent:,} sent" if self.plan.requests else nothing
        for count, word in (
            (self.outcome.rejected, "rejected"),
            (self.outcome.held, "held"),
            (self.outcome.left, "left"),
            (len(self.plan.staying), "staying behind"),
        ):
            text += f", {count:,} {word}" if count else ""
        return text


def note_round(loaded: LoadedProject, round: Round, command: str, clock: Clock) -> None:
    """Record in the journal how the round ended, for `headrace status`.

    If the journal can't be written, nothing is recorded; `status` then reports that error itself.
    """
    if isinstance(round.error, Busy):  # the process that is at work records its own round
        return
    with (
        suppress(Exception),
        closing(Journal(loaded.journal_place(round.organisation), clock)) as journal,
    ):
        kind: Kind = "success" if round.error is None else "failure"
        journal.note_round(kind, command, round.summary, round.pending)
        figures = round.figures(command)
        now = clock.now().timestamp()
        journal.log_round(msgspec.structs.replace(figures, started_at=round.started_at or now))
