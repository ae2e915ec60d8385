"""What the API collected itself, as it was last read, and what was decided about it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Literal

import msgspec
from msgspec import Struct

from headrace.sync.journal.records import Key
from headrace.sync.journal.section import Section

Verdict = Literal["accepted", "rejected", "claimed"]


class Decision(Struct, frozen=True):
    """What holds of a booked record and one of the API; an empty external id means any."""

    entity: str
    external_id: str
    id: str
    verdict: Verdict
    decided_at: float = 0.0


class ListState(Struct, frozen=True):
    """How far a list of the API was read: its newest ids then, and how many records it had."""

    newest: list[str]
    total: int


class CollectedSection(Section):
    """Records of the API without an external id. What is kept is a hint: plans look again at what
    they build on."""

    def collected(self, entity: str) -> list[bytes]:
        """All that are kept of one entity, as `keep_collected` was given them."""
        return [bytes(content) for (content,) in self._db.run("collected", (entity,))]

    def list_state(self, entity: str) -> ListState | None:
        """Where the last reading stood; None before the first."""
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
        """Notes (id, content) of what was read, in one transaction; `whole` replaces all."""
        with self._db.transaction():
            if whole:
                self._db.run("clear_collected", (entity,))
            self._db.run_all("drop_collected", [(entity, id) for id in gone])
            self._db.run_all("keep_collected", [(entity, id, content) for id, content in found])
            if state is not None:
                newest = msgspec.json.encode(state.newest)
                self._db.run("note_collected_list", (entity, newest, state.total))

    def decide(self, decisions: Iterable[Decision]) -> None:
        """Notes them; a later one on the same pair takes the place of an earlier one."""
        now = self._clock.now().timestamp()
        with self._db.transaction():
            self._db.run_all(
                "decide", [(d.entity, d.external_id, d.id, d.verdict, now) for d in decisions]
            )

    def drop_decisions(self, keys: Sequence[Key]) -> None:
        """Forgets what was decided of these booked records."""
        with self._db.transaction():
            self._db.run_all("drop_decisions", list(keys))

    def decisions(self) -> list[Decision]:
        """All of them, the oldest first."""
        return [Decision(*row) for row in self._db.run("decisions")]
