"""`headrace drift`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from headrace.cli.each import Failures
from headrace.cli.exit_codes import ExitCode
from headrace.cli.interruptible import run_work
from headrace.cli.show.console import (
    JsonOption,
    OrganisationOption,
    ProjectOption,
    console,
    print_json,
    reading,
    several,
)
from headrace.fleet.project import LoadedProject, load_project
from headrace.model.clock import SYSTEM_CLOCK
from headrace.sync.remote.drift import DriftReport

_SHOWN = 20


def command(
    project: ProjectOption = Path(),
    organisation: OrganisationOption = None,
    repair: Annotated[
        bool,
        typer.Option("--repair", help="Let the next `apply` send what differs or is gone."),
    ] = False,
    json: JsonOption = False,
) -> None:
    """Compare what the API holds with what it acknowledged, field by field.

    Lists every record of the API and compares it with the journal. Whatever somebody changed or
    deleted there is shown with both values (exit code 9). Records that people created there are
    counted and left alone. Nothing is changed; with --repair the next `headrace apply` sends the
    differing records again.

    Example: headrace drift --organisation acme --repair
    """
    loaded = load_project(project)
    names = loaded.names(organisation)
    failures = Failures(loaded, names, json)
    reports = []
    for _, report in failures.each(lambda name: _compare(loaded, name, repair)):
        reports.append(report)
        if not json:
            _show(report, repair)
    if json:
        documents = [{"drifted": not report.empty, "report": report} for report in reports]
        print_json([*documents, *failures.documents()])
    drifted = [report.organisation for report in reports if not report.empty]
    failures.sum_up("without drift", [("with drift", drifted)])
    failures.exit([ExitCode.DIFFERS] if drifted and not repair else [])


def _compare(loaded: LoadedProject, name: str, repair: bool) -> DriftReport:
    with loaded.open(name, SYSTEM_CLOCK) as opened:
        run_work(opened.prepare(bound=False))
        report = reading(opened.name, opened.remote.drift)
        if repair:
            opened.remote.repair(report)
        return report


def _show(report: DriftReport, repair: bool) -> None:
    state = "[bold green]no drift[/bold green]" if report.empty else "[bold red]drift[/bold red]"
    console.print(f"{state}  {report.organisation}: {several(report.compared, 'record')} compared")
    for drift in report.drifted[:_SHOWN]:
        console.print(f"  {drift.entity} {drift.external_id}", markup=False)
        for name, sent, kept in drift.fields:
            console.print(
                f"      {name}: sent {sent or 'empty'}, now {kept or 'empty'}", markup=False
            )
    if len(report.drifted) > _SHOWN:
        console.print(f"  … and {len(report.drifted) - _SHOWN:,} more (--json has all)")
    for gone in report.gone[:_SHOWN]:
        console.print(f"  {gone.entity} {gone.external_id} is no longer there", markup=False)
    if len(report.gone) > _SHOWN:
        console.print(f"  … and {len(report.gone) - _SHOWN:,} more are gone (--json has all)")
    if report.not_looked_up:
        console.print(
            f"  {report.not_looked_up:,} of these were not looked up by themselves: if the API's "
            "data changed while they were read, run it again"
        )
    if report.strangers:
        said = several(len(report.strangers), "record")
        console.print(f"  {said} there that headrace did not send (--json lists them)")
    if repair and not report.empty:
        count = len(report.drifted) + len(report.gone)
        console.print(f"  {several(count, 'record')} will be sent by the next `headrace apply`")
