"""The journal's section of plans that wait for a person."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

from headrace.sync.journal.audit import AuditSection

ApprovalState = Literal["waiting", "approved", "applied", "lapsed"]


class Approval(Struct, frozen=True):
    """A plan that needed, or needs, a person's approval. Times are in seconds since 1970."""

    id: str
    digest: str
    state: ApprovalState
    requested_at: float
    requested_by: str
    summary: str
    """Its size and why it needs approval, in figures."""
    decided_at: float | None = None
    decided_by: str | None = None


class ApprovalsSection(AuditSection):
    """Approvals; every change of one is in the audit log."""

    def approvals(self, state: ApprovalState | None = None) -> list[Approval]:
        """Return the approvals in a state, or all, the oldest first."""
        found = [Approval(*row) for row in self._db.run("approvals").fetchall()]
        return [one for one in found if state in (None, one.state)]

    def approval(self, id: str) -> Approval | None:
        """Return one approval; None if there is none with this id."""
        return next((one for one in self.approvals() if one.id == id), None)

    def request_approval(self, id: str, digest: str, who: str, summary: str) -> None:
        """Record that a plan waits, unless it does already."""
        now = self._clock.now().timestamp()
        if self._db.run("request_approval", (id, digest, now, who, summary)).fetchone():
            self.audit("requested", who, id, digest, summary)

    def approve(self, approval: Approval, who: str) -> None:
        """Record that a person approves a plan that waits."""
        self._decide(approval, "approved", who, approval.summary)

    def note_applied(self, approval: Approval, who: str, detail: str) -> None:
        """Record that an approved plan was delivered."""
        self._decide(approval, "applied", who, detail)

    def lapse_approvals(self, keep: str, who: str) -> None:
        """Record that the source would make another plan than those that wait; `keep` is the id of
        the plan that it makes now, or empty."""
        for one in self.approvals():
            if one.state in ("waiting", "approved") and one.id != keep:
                self._decide(one, "lapsed", who, "the source makes another plan")

    def _decide(self, approval: Approval, state: ApprovalState, who: str, detail: str) -> None:
        now = self._clock.now().timestamp()
        values = (state, now, who, approval.id, approval.state)
        if self._db.run("decide_approval", values).fetchone():
            self.audit(state, who, approval.id, approval.digest, detail)
