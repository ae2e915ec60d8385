"""The journal's section of rounds: how the last ones of `apply` and `run` ended."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

from headrace.sync.journal.section import Section

Kind = Literal["success", "failure"]


class NotedRound(Struct, frozen=True):
    """The last success or failure, with its message; `at` is in seconds since 1970, UTC."""

    kind: Kind
    at: float
    command: str
    message: str
    pending: int | None
    """Number of operations that stay planned; None if unknown."""


class RoundsSection(Section):
    """The last success and the last failure, including rounds that had nothing to send."""

    def note_round(self, kind: Kind, command: str, message: str, pending: int | None) -> None:
        """Record a round; replaces the earlier one of the same kind."""
        now = self._clock.now().timestamp()
        self._db.run("note_round", (kind, now, command, message.replace("\0", ""), pending))

    def last_rounds(self) -> list[NotedRound]:
        """Return the last success and the last failure, the newer one first."""
        return [NotedRound(*row) for row in self._db.run("last_rounds")]

    def rest_mark(self) -> str:
        """Return a mark that changes with acknowledgements, rejects and decisions."""
        row = self._db.run("rest_mark").fetchone()
        return f"{self._identity} {self._last_change()} {tuple(row)}"
