"""Whether the process is alive, and whether it is ready: for service managers."""

from __future__ import annotations

from typing import Any

from headrace.alerts.watchman import Watchman

_HANGS_S = 60.0
"""Seconds without a turn of the loop after which it counts as hanging."""


def health(watchman: Watchman) -> tuple[int, dict[str, Any]]:
    """Return status and body of `/healthz`: 503 when a restart would help.

    That is when the loop no longer turns, or a round makes no progress for longer than `stuck`.
    An organisation that fails is no reason: a restart would not mend it.
    """
    if watchman.silent_for() > _HANGS_S:
        return 503, {"status": "hanging", "reason": "the loop does not turn"}
    stuck = [
        view.facts.organisation
        for view in watchman.view()
        if any(one.kind == "stuck" and one.recovered_at is None for one in view.alerts)
    ]
    if stuck:
        return 503, {"status": "hanging", "reason": "a round makes no progress"}
    return 200, {"status": "alive"}


def readiness(watchman: Watchman) -> tuple[int, dict[str, Any]]:
    """Return status and body of `/readyz`: 200 once the loop turns and has organisations."""
    views = watchman.view()
    if not views or watchman.silent_for() > _HANGS_S:
        return 503, {"status": "starting"}
    return 200, {"status": "ready", "organisations": len(views)}
