"""Alerts as text and as JSON."""

from __future__ import annotations

from typing import Any

import msgspec

from headrace.alerts.kinds import KINDS
from headrace.alerts.texts import when
from headrace.cli.show.console import several
from headrace.sync.journal import Alert


def alert_document(alert: Alert) -> dict[str, Any]:
    """Return the alert for JSON, without the hashes by which new records are recognised."""
    document: dict[str, Any] = msgspec.to_builtins(alert)
    del document["seen"]
    return {"title": KINDS[alert.kind].title, **document}


def alert_text(alert: Alert) -> str:
    """Return the alert in a line: what, since when, how many, and what became of the message."""
    kind = KINDS[alert.kind]
    over = alert.recovered_at is not None
    text = f"{'over: ' if over else ''}{kind.title} since {when(alert.since)}"
    if kind.counts and alert.count > 1 and not over:
        text += f", {several(alert.count, kind.counts)}"
    if alert.waits:
        return f"{text}; alert not sent{f': {alert.said}' if alert.said else ' yet'}"
    if not alert.reached:
        return f"{text}; nobody gets a message: [alerts] has no address"
    return f"{text}; announced {when(alert.announced_at or 0.0)}"
