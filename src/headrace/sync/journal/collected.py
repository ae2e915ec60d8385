"""The journal's section of collected records, as last read, and of decisions about them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Literal

import msgspec
from msgspec import Struct

from headrace.sync.journal.records import Key
from headrace.sync.journal.section import Section

Verdict = Literal["accepted", "rejected", "claimed"]


class Decision(Struct, frozen=True):
    """A decision about a booked and a collected record; an empty external id means any record."""

    entity: str
    external_id: str
    id: str
    verdict: Verdict
    decided_at: float = 0.0


class ListState(Struct, frozen=True):
    """The state of a list of the API when it was last read: its newest ids and its length."""

    newest: list[str]
    total: int


class CollectedSection(Section):
    """Collected records, and decisions about them.

    The records may be out of date: a plan reads those again on which its verdicts depend.
    """

    def collected(self, entity: str) -> list[bytes]:
        """Return the records of one entity, as passed to `keep_collected`."""
        return [bytes(content) for (content,) in self._db.run("collected", (entity,))]

    def list_state(self, entity: str) -> ListState | None:
        """Return the state at the last read of the list; None before the first."""
        row = self._db.run("collected_list", (entity,)).fetchone()
        return ListState(msgspec.json.decode(row[0]), int(row[1])) if row else None

    def keep_collected(
        self,
        entity: str,
        found: Iterable[tuple[str, bytes]],
        gone: Iterable[str],
        state: ListState | None = None,
        *,
        whole: bool = False,
    ) -> None:
        """Record (id, content) of the records read, in one transaction; `whole` replaces all."""
        with self._db.transaction():
            if whole:
                self._db.run("clear_collected", (entity,))
            self._db.run_all("drop_collected", [(entity, id) for id in gone])
            self._db.run_all("keep_collected", [(entity, id, content) for id, content in found])
            if state is not None:
                newest = msgspec.json.encode(state.newest)
                self._db.run("note_collected_list", (entity, newest, state.total))

    def decide(self, decisions: Iterable[Decision]) -> None:
        """Record decisions; a later one about the same pair replaces the earlier one."""
        now = self._clock.now().timestamp()
        with self._db.transaction():
            self._db.run_all(
                "decide", [(d.entity, d.external_id, d.id, d.verdict, now) for d in decisions]
            )

    def drop_decisions(self, keys: Sequence[Key]) -> None:
        """Delete the decisions about these booked records."""
        with self._db.transaction():
            self._db.run_all("drop_decisions", list(keys))

    def decisions(self) -> list[Decision]:
        """Return all decisions, the oldest first."""
        return [Decision(*row) for row in self._db.run("decisions")]
