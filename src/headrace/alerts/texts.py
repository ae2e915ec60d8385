"""Messages in plain words. They hold no secret and no data of records: figures only."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Literal

from msgspec import Struct

from headrace.alerts.kinds import KINDS
from headrace.sync.journal import Alert

_NAMED = 20
"""Organisations that a message names."""
Importance = Literal["failure", "warning", "success", "info"]
_SERIOUS = frozenset({"rejected", "withheld", "lag"})
"""Kinds that are a warning: the others stop the sync."""


class Message(Struct, frozen=True):
    """A message to send."""

    title: str
    body: str
    importance: Importance


def message_of(alerts: Sequence[tuple[str, Alert]], now: float) -> Message:
    """Return one message about alerts of the same kind, of one or several organisations.

    All are new, or all are over.
    """
    kind = KINDS[alerts[0][1].kind]
    over = alerts[0][1].recovered_at is not None
    whose = alerts[0][0] if len(alerts) == 1 else f"{len(alerts):,} organisations"
    title = f"headrace: {whose}: {kind.title}"
    if over:
        title = f"headrace: {whose}: over: {kind.title}"
    lines = [f"What: {kind.title}."] if not over else [f"Over: {kind.title}."]
    for name, alert in alerts[:_NAMED]:
        lines.append(_line(name, alert, now))
        lines += [f"  - {clause}" for clause in alert.clauses if not over]
    if len(alerts) > _NAMED:
        lines.append(f"and {len(alerts) - _NAMED:,} more organisations")
    if not over:
        one = alerts[0][0] if len(alerts) == 1 else "NAME"
        lines += [f"For finance: {kind.means}", f"What to do: {kind.remedy.replace('{}', one)}"]
    importance: Importance = "warning" if kind.name in _SERIOUS else "failure"
    return Message(title, "\n".join(lines), "success" if over else importance)


def _line(name: str, alert: Alert, now: float) -> str:
    kind = KINDS[alert.kind]
    if alert.recovered_at is not None:
        lasted = duration(alert.recovered_at - alert.since)
        return f"{name}: from {when(alert.since)} to {when(alert.recovered_at)} ({lasted})"
    line = f"{name}: since {when(alert.since)} ({duration(now - alert.since)})"
    if not kind.counts:
        return line
    return f"{line}; {alert.count:,} {kind.counts}{'' if alert.count == 1 else 's'}"


def when(moment: float) -> str:
    """Return a time as `2026-11-27 16:55 UTC`."""
    return f"{datetime.fromtimestamp(moment, UTC):%Y-%m-%d %H:%M} UTC"


def duration(seconds: float) -> str:
    """Return a duration as `5 min`, `3 h 20 min` or `2 d 4 h`."""
    minutes = max(0, int(seconds)) // 60
    if minutes < 60:
        return f"{minutes} min"
    hours, minutes = divmod(minutes, 60)
    if hours < 48:
        return f"{hours} h {minutes} min" if minutes else f"{hours} h"
    days, hours = divmod(hours, 24)
    return f"{days} d {hours} h" if hours else f"{days} d"
