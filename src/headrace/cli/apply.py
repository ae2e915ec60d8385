"""`headrace apply`."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Annotated

import typer
from msgspec import Struct

from headrace.cli.exit_codes import ExitCode
from headrace.cli.show.console import (
    JsonOption,
    OrganisationOption,
    ProjectOption,
    console,
    print_json,
)
from headrace.cli.show.plans import show_outcome, show_plan
from headrace.cli.show.progress import DeliveryWatch
from headrace.fleet.project import load_project
from headrace.model.clock import SYSTEM_CLOCK, parse_interval
from headrace.sync.organisation import Organisation, Outcome
from headrace.sync.plan import Plan


class Applied(Struct, frozen=True):
    """One organisation's plan, and what became of it."""

    plan: Plan
    outcome: Outcome


def command(
    project: ProjectOption = Path(),
    organisation: OrganisationOption = None,
    force: Annotated[
        bool, typer.Option("--force", help="Deliver a plan that is refused as unsafe.")
    ] = False,
    retry_rejected: Annotated[
        bool, typer.Option("--retry-rejected", help="Try again what the API refused earlier.")
    ] = False,
    patience: Annotated[
        str, typer.Option(help="How long the API may be down before the run stops.")
    ] = "1m",
    json: JsonOption = False,
) -> None:
    """Plan, then send what the API lacks.

    Every record that the API acknowledges is noted at once, so it can be stopped at any instant,
    also by Ctrl-C or a crash: the next `apply` goes on where it stopped, and one right after a
    complete run sends nothing.

    Example: headrace apply --organisation acme
    """
    waiting = _seconds(patience)
    loaded = load_project(project)
    results = []
    for name in loaded.names(organisation):
        with loaded.open(name, SYSTEM_CLOCK) as opened:
            if retry_rejected:
                opened.journal.clear_rejects()
            plan, outcome = deliver(opened, force=force, quiet=json, patience=waiting)
            results.append(Applied(plan, outcome))
            if outcome.interrupted:
                break
    if json:
        print_json(results)
    exit_with(results)


def deliver(
    opened: Organisation,
    *,
    force: bool = False,
    quiet: bool = False,
    changes: int = 0,
    patience: float = 60.0,
) -> tuple[Plan, Outcome]:
    """Refreshes, plans, shows and applies one organisation. UnsafePlan unless forced."""
    opened.refresh()
    plan = opened.plan()
    if changes:
        plan = opened.with_first_changes(plan, changes)
    if not quiet:
        show_plan(console, plan)
    if not force:
        plan.raise_if_unsafe()
    outcome = asyncio.run(_watched(opened, plan, quiet, patience))
    if not quiet:
        show_outcome(console, plan, outcome)
    return plan, outcome


async def _watched(opened: Organisation, plan: Plan, quiet: bool, patience: float) -> Outcome:
    watch = DeliveryWatch(console, quiet)
    try:
        return await opened.apply(plan, "apply", watch, patience)
    finally:
        await watch.finish()


def exit_with(results: list[Applied]) -> None:
    """The exit code of what happened, the worst first."""
    plans = [result.plan for result in results]
    outcomes = [result.outcome for result in results]
    if any(outcome.interrupted for outcome in outcomes):
        raise typer.Exit(ExitCode.INTERRUPTED)
    if any(outcome.rejected for outcome in outcomes) or any(plan.held for plan in plans):
        raise typer.Exit(ExitCode.REJECTED_RECORDS)
    if any(outcome.left or outcome.held for outcome in outcomes):
        raise typer.Exit(ExitCode.UNREACHABLE)
    if any(plan.errors for plan in plans):
        raise typer.Exit(ExitCode.PROBLEMS_IN_DATA)


def _seconds(text: str) -> float:
    try:
        return parse_interval(text).total_seconds()
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint="--patience") from None
