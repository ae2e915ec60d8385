"""The journal's section of alerts: which troubles are announced, and which are about to be."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec
from msgspec import Struct

from headrace.sync.journal.section import Section


class Alert(Struct, frozen=True):
    """A trouble from the moment it is noticed until its end is announced.

    Times are in seconds since 1970.
    """

    kind: str
    since: float
    raised_at: float
    count: int
    """Number of rounds, records or plans that it is about."""
    clauses: list[str]
    seen: list[str]
    """Hashes of the records that it is about."""
    announced_at: float | None = None
    recovered_at: float | None = None
    reached: list[str] = []
    """References of the addresses that have the current message, or had the last one."""
    next_try_at: float = 0.0
    tries: int = 0
    said: str = ""
    """Why the current message did not reach all addresses; empty if it did."""

    @property
    def waits(self) -> bool:
        """Whether a message about it is still to be sent."""
        return self.announced_at is None or self.recovered_at is not None


def _encoded(values: Sequence[str]) -> str:
    return msgspec.json.encode(list(values)).decode()


def _alert(row: Sequence[Any]) -> Alert:
    values: list[Any] = list(row)
    for place in (4, 5, 8):
        values[place] = msgspec.json.decode(values[place], type=list[str])
    return Alert(*values)


class AlertsSection(Section):
    """Alerts, at most one of each kind. Several processes may work on them at the same time."""

    def alerts(self) -> list[Alert]:
        """Return all alerts, the oldest first."""
        return [_alert(row) for row in self._db.run("alerts").fetchall()]

    def raise_alert(self, alert: Alert) -> bool:
        """Record a new trouble; returns False if its kind is recorded already."""
        values = (
            *(alert.kind, alert.since, alert.raised_at, alert.count),
            *(_encoded(alert.clauses), _encoded(alert.seen)),
        )
        return self._db.run("raise_alert", values).fetchone() is not None

    def renew_alert(self, alert: Alert) -> bool:
        """Record what was added to a trouble that is announced, so that it is announced again.

        Returns False if it is not announced yet, or over.
        """
        values = (alert.count, _encoded(alert.clauses), _encoded(alert.seen), alert.raised_at)
        return self._db.run("renew_alert", (*values, alert.kind)).fetchone() is not None

    def recover_alert(self, kind: str) -> bool:
        """Record that a trouble is over; returns False if it was before."""
        now = self._clock.now().timestamp()
        return self._db.run("recover_alert", (now, kind)).fetchone() is not None

    def resume_alert(self, kind: str) -> None:
        """Record that a trouble goes on whose end was not announced yet."""
        self._db.run("resume_alert", (kind,))

    def claim_alert(self, kind: str, wait: float) -> int:
        """Take over sending a message, for `wait` seconds; returns the number of tries so far.

        Returns 0 if another process sends it, or if it is too early for another try.
        """
        now = self._clock.now().timestamp()
        row = self._db.run("claim_alert", (now + wait, kind, now)).fetchone()
        return int(row[0]) if row else 0

    def note_reached(
        self, kind: str, reached: Sequence[str], complete: bool, wait: float, said: str
    ) -> None:
        """Record which addresses have the message; the others are tried again after `wait` seconds.

        `complete` says that it is all of them. The message about the end of a trouble is the last:
        its alert is then deleted.
        """
        now = self._clock.now().timestamp()
        alert = next((one for one in self.alerts() if one.kind == kind), None)
        if alert is None:
            return
        if complete and alert.recovered_at is not None:
            self._db.run("drop_alert", (kind,))
            return
        announced = now if complete else alert.announced_at
        self._db.run(
            "note_reached",
            (_encoded(reached), announced, 0 if complete else now + wait, said, kind),
        )

    def drop_alert(self, kind: str) -> None:
        """Delete an alert without a message."""
        self._db.run("drop_alert", (kind,))
