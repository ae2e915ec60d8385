"""`headrace status`."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from headrace.cli.show.console import (
    JsonOption,
    OrganisationOption,
    ProjectOption,
    console,
    duration_text,
    print_json,
    several,
)
from headrace.fleet.project import LoadedProject, load_project
from headrace.model.clock import SYSTEM_CLOCK
from headrace.sync.journal import Journal, Reject, Run

_REJECTS_SHOWN = 20


def command(
    project: ProjectOption = Path(),
    organisation: OrganisationOption = None,
    json: JsonOption = False,
) -> None:
    """Show what the API has, the last runs, and what it refused; works beside a running sync.

    Example: headrace status --json
    """
    loaded = load_project(project)
    reports = [_report(loaded, name) for name in loaded.names(organisation)]
    if json:
        print_json(reports)
        return
    for report in reports:
        _show(report)


def _report(loaded: LoadedProject, name: str) -> dict[str, Any]:
    journal = Journal(loaded.journal_place(name), SYSTEM_CLOCK)
    try:
        return {
            "organisation": name,
            "records": journal.count(),
            "runs": journal.runs(),
            "rejects": journal.rejects(),
        }
    finally:
        journal.close()


def _show(report: dict[str, Any]) -> None:
    console.print(f"[bold]{report['organisation']}[/bold]")
    counts = report["records"]
    said = ", ".join(several(count, entity) for entity, count in counts.items())
    console.print(f"  the API has: {said or 'nothing yet'}")
    for run in report["runs"]:
        console.print(f"  {_run_text(run)}", markup=False)
    rejects: list[Reject] = report["rejects"]
    if rejects:
        console.print(f"  [red]{len(rejects):,} rejected[/red]")
    for reject in rejects[:_REJECTS_SHOWN]:
        console.print(
            f"    {reject.entity} {reject.external_id}: {reject.status} {reject.message}",
            markup=False,
        )


def _run_text(run: Run) -> str:
    started = datetime.fromtimestamp(run.started_at, UTC)
    text = f"run {run.id}, {started:%Y-%m-%d %H:%M:%S} UTC: {run.sent:,} of {run.planned:,} sent"
    if run.rejected:
        text += f", {run.rejected:,} rejected"
    if run.ended_at is None:
        passed = SYSTEM_CLOCK.now().timestamp() - run.started_at
        return f"{text}, running for {duration_text(passed)} or ended without a word"
    return f"{text} in {duration_text(run.ended_at - run.started_at)}, {run.outcome}"
