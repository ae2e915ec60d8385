"""`headrace plan`."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Annotated

import typer

from headrace.cli.exit_codes import ExitCode
from headrace.cli.show.console import (
    JsonOption,
    OrganisationOption,
    ProjectOption,
    console,
    print_json,
)
from headrace.cli.show.plans import show_plan
from headrace.fleet.project import load_project
from headrace.model.clock import SYSTEM_CLOCK


def command(
    project: ProjectOption = Path(),
    organisation: OrganisationOption = None,
    changes: Annotated[
        int, typer.Option(help="How many of the operations to spell out, field by field.")
    ] = 10,
    detailed_exitcode: Annotated[
        bool, typer.Option("--detailed-exitcode", help="Exit with 2 when changes are pending.")
    ] = False,
    json: JsonOption = False,
) -> None:
    """Show what `apply` would send; nothing is sent.

    Reads the source, runs the models and the checks, compares with what the API acknowledged, and
    prints counts, money per currency, requests, the time they take, problems and what stays behind.

    Example: headrace plan --organisation acme --detailed-exitcode
    """
    loaded = load_project(project)
    plans = []
    for name in loaded.names(organisation):
        with loaded.open(name, SYSTEM_CLOCK) as opened:
            asyncio.run(opened.prepare())
            plans.append(opened.with_first_changes(opened.plan(), changes))
        if not json:
            show_plan(console, plans[-1])
    if json:
        print_json(plans)
    if any(plan.errors for plan in plans):
        raise typer.Exit(ExitCode.PROBLEMS_IN_DATA)
    if detailed_exitcode and not all(plan.empty for plan in plans):
        raise typer.Exit(ExitCode.CHANGES_PENDING)
