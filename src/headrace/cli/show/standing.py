"""The standing of organisations as text: a summary of all, and a few lines for each."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime

from headrace.cli.show.console import duration_text, several
from headrace.fleet.standing import TROUBLE_FIRST, Standing


def summary_text(standings: Sequence[Standing]) -> str:
    """Return a summary of all organisations, with their states and what is left.

    Example: `300 organisations: 3 failed, 297 in step; 12 operations pending, 4 records refused`.
    """
    counts = Counter(standing.state for standing in standings)
    said = ", ".join(f"{counts[state]:,} {state}" for state in TROUBLE_FIRST if counts[state])
    pending = sum(standing.pending or 0 for standing in standings)
    rejects = sum(standing.rejects for standing in standings)
    more = [f"{several(pending, 'operation')} pending"] if pending else []
    more += [f"{several(rejects, 'record')} refused"] if rejects else []
    withheld = sum(standing.withheld for standing in standings)
    more += [f"{several(withheld, 'record')} withheld"] if withheld else []
    total = several(len(standings), "organisation")
    return f"{total}: {said}{'; ' if more else ''}{', '.join(more)}"


def standing_text(standing: Standing, now: float) -> str:
    """Return the state with its message, then times, what is left, and the next round."""
    trouble = f": {standing.trouble}" if standing.trouble else ""
    parts = [f"last success {_when(standing.last_success)}"]
    if standing.last_failure is not None:
        known = standing.last_failure_message == standing.trouble
        said = "" if known else f" ({standing.last_failure_message})"
        parts.append(f"last failure {_when(standing.last_failure)}{said}")
    if standing.pending:
        parts.append(f"{standing.pending:,} pending")
    if standing.rejects:
        parts.append(f"{standing.rejects:,} refused")
    if standing.withheld:
        parts.append(f"{standing.withheld:,} withheld")
    if standing.next_round is not None:
        late = now - standing.next_round
        overdue = f", {duration_text(late)} ago" if late > 0 else ""
        parts.append(f"next round due {_when(standing.next_round)}{overdue}")
    return f"{standing.organisation}: {standing.state}{trouble}\n  {', '.join(parts)}"


def _when(moment: float | None) -> str:
    if moment is None:
        return "never"
    return f"{datetime.fromtimestamp(moment, UTC):%Y-%m-%d %H:%M:%S} UTC"
