"""`headrace run`."""

from __future__ import annotations

import asyncio
import signal
from pathlib import Path
from typing import Annotated, Any

import typer

from headrace.cli.exit_codes import ExitCode, code_of
from headrace.cli.show.console import (
    JsonOption,
    OrganisationOption,
    ProjectOption,
    console,
    print_json,
)
from headrace.cli.show.problems import show_problems
from headrace.fleet.loop import Loop, Round
from headrace.fleet.project import load_project
from headrace.model.clock import SYSTEM_CLOCK, format_instant


def command(
    project: ProjectOption = Path(),
    organisation: OrganisationOption = None,
    once: Annotated[
        bool, typer.Option("--once", help="Sync every organisation once, then end.")
    ] = False,
    json: JsonOption = False,
) -> None:
    """Keep every organisation in step, each at its own interval, until stopped.

    Each round reads the source, plans and applies; a line per round says what was sent. An
    organisation that fails is tried again at its next interval and never stops the others. Ctrl-C
    and SIGTERM let requests in flight finish. With --json, one JSON document per round and line.

    Example: headrace run --project /srv/billing-sync
    """
    loaded = load_project(project)
    rounds: list[Round] = []

    def report(round: Round) -> None:
        rounds[:] = [other for other in rounds if other.organisation != round.organisation]
        rounds.append(round)
        if json:
            print_json(_document(round))
        else:
            _show(round)

    loop = Loop(loaded, loaded.names(organisation), SYSTEM_CLOCK, report)
    asyncio.run(_stoppable(loop, once))
    if once:
        _exit_with(rounds)


async def _stoppable(loop: Loop, once: bool) -> None:
    running = asyncio.get_running_loop()
    for name in (signal.SIGINT, signal.SIGTERM):
        running.add_signal_handler(name, loop.stop)
    await loop.run(once)


def _document(round: Round) -> dict[str, Any]:
    plan = round.plan
    return {
        "organisation": round.organisation,
        "at": format_instant(SYSTEM_CLOCK.now()),
        "requests": plan.requests if plan else None,
        "problems": plan.problems if plan else [],
        "outcome": round.outcome,
        "error": str(round.error) if round.error else None,
    }


def _show(round: Round) -> None:
    when = f"{SYSTEM_CLOCK.now():%H:%M:%S}"
    if round.error is not None:
        console.print(f"{when} {round.organisation}: {round.error}", markup=False)
        return
    outcome, plan = round.outcome, round.plan
    if outcome is None or plan is None:
        return
    nothing = "nothing to send now" if plan.staying else "nothing to send"
    said = f"{outcome.sent:,} sent" if plan.requests else nothing
    for count, word in (
        (outcome.rejected, "rejected"),
        (outcome.held, "held"),
        (outcome.left, "left"),
        (len(plan.staying), "staying behind"),
    ):
        said += f", {count:,} {word}" if count else ""
    console.print(f"{when} {round.organisation}: {said}", markup=False)
    show_problems(console, plan.problems)


def _exit_with(rounds: list[Round]) -> None:
    for round in rounds:
        if round.error is not None:
            raise typer.Exit(code_of(round.error))
    if any(r.outcome and (r.outcome.rejected or r.outcome.held) for r in rounds):
        raise typer.Exit(ExitCode.REJECTED_RECORDS)
    if any(r.plan and r.plan.errors for r in rounds):
        raise typer.Exit(ExitCode.PROBLEMS_IN_DATA)
