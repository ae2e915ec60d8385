"""Rounds: how the last ones of `apply` and `run` ended, those too that had nothing to send."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

from headrace.sync.journal.section import Section

Kind = Literal["success", "failure"]


class NotedRound(Struct, frozen=True):
    """The last success, or the last failure with its sentence; `at` in seconds since 1970, UTC."""

    kind: Kind
    at: float
    command: str
    said: str
    pending: int | None
    """Operations that stay planned, as far as that is known."""


class RoundsSection(Section):
    """One success and one failure."""

    def note_round(self, kind: Kind, command: str, said: str, pending: int | None) -> None:
        """Notes it in the place of the one before."""
        now = self._clock.now().timestamp()
        self._db.run("note_round", (kind, now, command, said.replace("\0", ""), pending))

    def last_rounds(self) -> list[NotedRound]:
        """The last success and the last failure, the newer one first."""
        return [NotedRound(*row) for row in self._db.run("last_rounds")]

    def rest_mark(self) -> str:
        """Returns a mark that changes when acknowledgements, refusals or decisions do."""
        row = self._db.run("rest_mark").fetchone()
        return f"{self._identity} {self._last_change()} {tuple(row)}"
