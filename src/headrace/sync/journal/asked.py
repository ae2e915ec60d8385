"""The journal's section of asked operations: sent, or about to be sent, with no answer seen.

The answer of a request may be lost in a crash or on the network, although the API carried it out.
So each operation is recorded before it is sent, and the record is removed with the answer. After a
crash, the operations that remain are exactly those whose outcome is unknown.

Example: headrace sends the new invoice I and is killed. The source then deletes I. Without the
record, the next plan would see neither I in the source nor I in the journal, and I might remain at
the API for ever. With it, the plan deletes I; if the API never had it, that has no effect.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable

from msgspec import Struct

from headrace.sync.journal.acknowledged import AcknowledgedSection
from headrace.sync.journal.records import Key


class Asked(Struct, frozen=True):
    """An operation that was sent or is about to be sent, with no answer seen."""

    entity: str
    external_id: str
    action: str
    customer: str
    claiming: bool = False
    """Whether it claims or links a record that the API has without an external id."""
    asked_at: float = 0.0
    payload: bytes | None = None
    """Payload of a creation: the API may have the record with these fields."""

    @property
    def key(self) -> Key:
        """Key of the record."""
        return self.entity, self.external_id


class AskedSection(AcknowledgedSection):
    """Asked operations, at most one for each record: the last one."""

    def ask(self, question: Asked) -> None:
        """Record an operation that is about to be sent; the caller flushes before sending it."""
        payload = question.payload if self._keep_payloads else None
        self._db.later(
            "ask",
            (
                *question.key,
                question.action,
                question.customer,
                int(question.claiming),
                self._clock.now().timestamp(),
                payload,
            ),
        )

    def decided(self, key: Key) -> None:
        """Record, with the next flush, that the API refused the operation."""
        self._db.later("drop_asked", key)

    def asked(self) -> dict[Key, Asked]:
        """Return all asked operations; outside of a delivery these are the unanswered ones."""
        found = (
            Asked(entity, external_id, action, customer, bool(claiming), asked_at, payload)
            for entity, external_id, action, customer, claiming, asked_at, payload in self._db.run(
                "asked"
            )
        )
        return {one.key: one for one in found}

    def mark_unanswered(self, questions: Iterable[Asked], there: Collection[Key]) -> None:
        """Treat the state of these records at the API as unknown.

        The next plan then sends what the source requires of them: the record as it is now, or its
        deletion. `there` are the keys that the source has. New records among these are simply
        created again, because creating a record twice has no effect.
        """
        doubted = list(questions)
        acknowledged = self.acknowledged([one.key for one in doubted])
        with self._db.transaction():
            for one in doubted:
                before = acknowledged.get(one.key)
                if before is None:
                    if one.key not in there:
                        self._suppose(one)
                    continue
                if before.hash:
                    self._db.run("send_again", (b"", self._next_change(), *one.key))
                if one.action != "delete" and before.payload != one.payload:
                    # The API has the earlier fields or the requested ones; the journal can't tell.
                    self._db.run("drop_payload", one.key)

    def _suppose(self, one: Asked) -> None:
        now = self._clock.now().timestamp()
        values = (None, b"", one.customer, now, self.run_id, self._next_change())
        self._db.run("apply", (*one.key, *values))
        if one.payload is not None:
            self._db.run("keep_payload", (*one.key, one.payload))
