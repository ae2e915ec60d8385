"""The journal's section of rejected and drifted records."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import msgspec

from headrace.sync.journal.records import Drift, Fields, Key, Reject
from headrace.sync.journal.section import Section


class RejectsSection(Section):
    """Rejects and drifts, at most one of each for a record."""

    def reject(self, reject: Reject, action: str = "create") -> None:
        """Record a reject, until the record is acknowledged or its row changes.

        `action` is the plan's action.
        """
        now = self._clock.now().timestamp()
        key = (reject.entity, reject.external_id)
        # Text in PostgreSQL can't contain this character.
        message = reject.message.replace("\0", "")
        payload = reject.payload if self._keep_payloads else None
        self._troubled().add(key)
        with self._db.transaction():
            self._db.run(
                "reject",
                (*key, reject.fingerprint, reject.status, message, payload, now, self.run_id),
            )
            self._db.run("note_sent", (self.run_id, now, *key, action, message))
            self._db.run("count_rejected", (self.run_id,))
            self._db.run("drop_failing", key)

    def note_failing(self, key: Key, said: str) -> int:
        """Record that a record got no decision in this run; returns in how many runs so far."""
        self._troubled().add(key)
        return int(self._db.run("note_failing", (*key, said.replace("\0", ""))).fetchone()[0])

    def rejects(self) -> list[Reject]:
        """Return all rejects."""
        found = (Reject(*row) for row in self._db.run("rejects"))
        return [msgspec.structs.replace(one, ignored=bool(one.ignored)) for one in found]

    def note_around(self, marks: Iterable[tuple[Key, int]]) -> None:
        """Record the hash of rejected records' neighbours; they are sent again when it changes."""
        with self._db.transaction():
            self._db.run_all("note_around", ((mark, *key) for key, mark in marks))

    def ignore_rejects(self, keys: Iterable[Key]) -> None:
        """Hide these rejects from reports until their rows change."""
        with self._db.transaction():
            self._db.run_all("ignore_reject", list(keys))

    def drop_rejects(self, keys: Iterable[Key]) -> None:
        """Delete the rejects of these records."""
        with self._db.transaction():
            self._db.run_all("drop_reject", list(keys))

    def clear_rejects(self) -> None:
        """Delete all rejects and refused positions, so that the next plan sends them again."""
        with self._db.transaction():
            self._db.run("clear_rejects")
            self._db.run("clear_positions")

    def refuse_position(self, name: str, message: str) -> None:
        """Record that the API refuses this contact position."""
        self._db.run("refuse_position", (name, message.replace("\0", "")))

    def refused_positions(self) -> dict[str, str]:
        """Return the contact positions that the API refused, with its messages."""
        return dict(self._db.run("refused_positions").fetchall())

    def mark_drifted(self, drifts: Iterable[Drift]) -> None:
        """Record that the API stores these records differently."""
        with self._db.transaction():
            self._mark(drifts)

    def _mark(self, drifts: Iterable[Drift]) -> None:
        now = self._clock.now().timestamp()
        for drift in drifts:
            self._troubled().add((drift.entity, drift.external_id))
            fields = msgspec.json.encode(drift.fields)
            self._db.run(
                "mark_drifted", (drift.entity, drift.external_id, fields, now, self.run_id)
            )

    def replace_drifts(self, drifts: Sequence[Drift]) -> None:
        """Replace all drifts by these, which a full comparison found."""
        with self._db.transaction():
            self._db.run("clear_drifts")
            self._mark(drifts)

    def drifts(self) -> list[Drift]:
        """Return all drifts."""
        return [
            Drift(entity, external_id, msgspec.json.decode(fields, type=Fields), found_at)
            for entity, external_id, fields, found_at in self._db.run("drifts")
        ]
