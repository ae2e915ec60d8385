"""What the API was asked and has not decided on, as far as it is known."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from msgspec import Struct

from headrace.sync.journal.acknowledged import AcknowledgedSection
from headrace.sync.journal.records import Key


class Asked(Struct, frozen=True):
    """An operation that was sent, or is about to be, and whose answer was not seen."""

    entity: str
    external_id: str
    action: str
    customer: str
    claiming: bool = False
    """Whether it takes over a record that the API has without an external id."""
    asked_at: float = 0.0
    payload: bytes | None = None
    """Of what is created, for it may be there with these fields."""

    @property
    def key(self) -> Key:
        """The record."""
        return self.entity, self.external_id


class AskedSection(AcknowledgedSection):
    """At most one question for a record: the last one."""

    def ask(self, question: Asked) -> None:
        """Notes that it is about to be sent. Flush before it leaves."""
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
        """The API said that it did not carry it out, with the next flush."""
        self._db.later("drop_asked", key)

    def asked(self) -> dict[Key, Asked]:
        """Every open question. While nothing is being delivered, these are the unanswered ones."""
        found = (
            Asked(entity, external_id, action, customer, bool(claiming), asked_at, payload)
            for entity, external_id, action, customer, claiming, asked_at, payload in self._db.run(
                "asked"
            )
        )
        return {one.key: one for one in found}

    def doubt(self, questions: Iterable[Asked], there: Collection[Key]) -> None:
        """Takes these records for such as the API may have in any state, so that the next plan
        sends what the source wants of them, a deletion included. `there` are keys that the source
        has: what was to be created of those is simply created again."""
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
                if one.action != "delete":
                    # It has the fields of before or those that were asked for, or some of each.
                    self._db.run("drop_payload", one.key)

    def _suppose(self, one: Asked) -> None:
        now = self._clock.now().timestamp()
        values = (None, b"", one.customer, now, self.run_id, self._next_change())
        self._db.run("apply", (*one.key, *values))
        if one.payload is not None:
            self._db.run("keep_payload", (*one.key, one.payload))
