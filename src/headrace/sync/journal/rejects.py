"""The section of refused and drifted records."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import msgspec

from headrace.sync.journal.records import Drift, Fields, Key, Reject
from headrace.sync.journal.section import Section


class RejectsSection(Section):
    """Refusals and drifts, at most one of each for a record."""

    def reject(self, reject: Reject, action: str = "create") -> None:
        """Keeps a refusal until the record is acknowledged or its row changes.

        `action` is what the plan wanted of the record.
        """
        now = self._clock.now().timestamp()
        key = (reject.entity, reject.external_id)
        # PostgreSQL's text can't hold the character.
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
        """Notes that a record got no decision in this run; in how many by now."""
        self._troubled().add(key)
        return int(self._db.run("note_failing", (*key, said.replace("\0", ""))).fetchone()[0])

    def rejects(self) -> list[Reject]:
        """Every refusal that stands."""
        return [
            msgspec.structs.replace(Reject(*row[:-2]), ignored=bool(row[-2]), around=row[-1])
            for row in self._db.run("rejects")
        ]

    def note_around(self, marks: Iterable[tuple[Key, int]]) -> None:
        """Notes what stands around refused records; they are tried again when it changes."""
        with self._db.transaction():
            self._db.run_all("note_around", ((mark, *key) for key, mark in marks))

    def ignore_rejects(self, keys: Iterable[Key]) -> None:
        """Keeps these refusals to itself, until their rows change."""
        with self._db.transaction():
            self._db.run_all("ignore_reject", list(keys))

    def drop_rejects(self, keys: Iterable[Key]) -> None:
        """Forgets the refusals of these records."""
        with self._db.transaction():
            self._db.run_all("drop_reject", list(keys))

    def clear_rejects(self) -> None:
        """Forgets the refusals, so that the next plan tries them again."""
        with self._db.transaction():
            self._db.run("clear_rejects")
            self._db.run("clear_positions")

    def refuse_position(self, name: str, message: str) -> None:
        """Notes that the API does not have this contact position."""
        self._db.run("refuse_position", (name, message.replace("\0", "")))

    def refused_positions(self) -> dict[str, str]:
        """Contact positions that the API refused, with its sentence."""
        return dict(self._db.run("refused_positions").fetchall())

    def mark_drifted(self, drifts: Iterable[Drift]) -> None:
        """Records that the API keeps records differently from what was sent."""
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
        """Notes these, found by looking at everything, in place of what was known before."""
        with self._db.transaction():
            self._db.run("clear_drifts")
            self._mark(drifts)

    def drifts(self) -> list[Drift]:
        """Every record that is known to have drifted."""
        return [
            Drift(entity, external_id, msgspec.json.decode(fields, type=Fields), found_at)
            for entity, external_id, fields, found_at in self._db.run("drifts")
        ]
