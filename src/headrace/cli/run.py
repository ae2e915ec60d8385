"""`headrace run`."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Annotated

import typer

from headrace.cli.exit_codes import ExitCode, code_of, worst
from headrace.cli.interruptible import leave_reading
from headrace.cli.long_run import run_long
from headrace.cli.show.console import (
    JsonOption,
    OrganisationOption,
    ProjectOption,
    console,
    listed,
    several,
)
from headrace.cli.show.long_rounds import LongRounds
from headrace.cli.show.rounds import RoundLines
from headrace.cli.signals import SignalCallbacks
from headrace.fleet.loop import Loop
from headrace.fleet.observer import Observers
from headrace.fleet.project import LoadedProject
from headrace.fleet.round import Round
from headrace.fleet.secrets import resolve
from headrace.fleet.watch import WatchedProject
from headrace.model.clock import SYSTEM_CLOCK
from headrace.watching.watch import Pages, Watch

_PORT = "9464"
"""Where the pages are if no address is given; on this machine only."""


def command(
    project: ProjectOption = Path(),
    organisation: OrganisationOption = None,
    once: Annotated[
        bool, typer.Option("--once", help="Sync every organisation once, then end.")
    ] = False,
    metrics: Annotated[
        str,
        typer.Option(
            help="Serve metrics, health checks and the status page at this address, such as 9464 "
            "for a port of this machine only; without it, that of [run] in headrace.toml.",
            metavar="ADDRESS",
            show_default=False,
        ),
    ] = "",
    pages: Annotated[
        bool,
        typer.Option(
            "--pages",
            help="Serve the sync pages at that address, or at port 9464 of this machine.",
        ),
    ] = False,
    json: JsonOption = False,
) -> None:
    """Keep every organisation in step, each at its own interval, until stopped.

    Each round reads the source, plans and applies; a line per round says what was sent, after one
    that says how many organisations there are, if there are several. What is wrong is shown in full
    once an hour, and what is new at once. A round that takes long says every minute how far it is,
    or what it waits for. An organisation that fails is tried again at its next interval and never
    stops the others. As many as the setting `at_once` says are open at a time, the longest overdue
    first. Organisations that are added to headrace.toml or removed from it are taken up while it
    runs. Ctrl-C and SIGTERM let requests in flight finish. With --json, one JSON document per round
    and line.

    Example: headrace run --project /srv/billing-sync
    """
    rounds: dict[str, Round] = {}
    lines = RoundLines(SYSTEM_CLOCK, json=json)

    def report(round: Round) -> None:
        rounds[round.organisation] = round
        lines.show(round)

    def complain(sentence: str) -> None:
        print(f"error: {sentence}", file=sys.stderr, flush=True)

    watched = WatchedProject(project, complain)
    settings = watched.project.settings.run
    pages = pages or settings.pages
    address = metrics or settings.listen or (_PORT if pages else "")
    watch = Watch(address, SYSTEM_CLOCK, _pages(watched.project) if pages else None)
    observers = Observers(watch.observers, LongRounds(SYSTEM_CLOCK, lines.say))
    loop = Loop(watched, organisation, SYSTEM_CLOCK, report, complain, observers, pages)
    watch.attend(loop)
    count = len(watched.project.names(organisation))
    if not json and count > 1:  # the first round may take as long as a whole slice
        at_once = min(count, watched.project.at_once)
        console.print(f"{several(count, 'organisation')}, {at_once} at a time", markup=False)
    with watch:
        if watch.url:
            served = "pages, metrics and health" if pages else "status, metrics and health"
            print(f"{served} at {watch.url}", file=sys.stderr, flush=True)
        run_long(_stoppable(loop, once, watch))
    if not json and len(rounds) > 1:
        console.print(_summary(list(rounds.values())), markup=False)
    if once:
        code = worst(map(_code, rounds.values()))
        if code is not ExitCode.DONE:
            raise typer.Exit(code)


def _pages(project: LoadedProject) -> Pages:
    settings = project.settings.run
    people = {
        name: resolve(secret, f"[run.people] {name}", project.folder, os.environ)
        for name, secret in settings.people.items()
    }
    return Pages(hosts=settings.hosts, people=people)


async def _stoppable(loop: Loop, once: bool, watch: Watch) -> None:
    signals = SignalCallbacks(lambda number: loop.stop())
    try:
        left = await loop.run(once)
    finally:
        signals.restore()
    if left:
        leave_reading(left, watch.stop)


def _summary(rounds: list[Round]) -> str:
    """Return `297 in step, 3 failed: …`: the state of each organisation after its last round."""
    failed = [one.organisation for one in rounds if one.error is not None]
    behind = [
        one.organisation for one in rounds if one.error is None and _code(one) is not ExitCode.DONE
    ]
    said = [f"{len(rounds) - len(failed) - len(behind):,} in step"]
    for word, names in (("not in step", behind), ("failed", failed)):
        said += [f"{len(names):,} {word}: {listed(names)}"] if names else []
    return f"{several(len(rounds), 'organisation')}: {', '.join(said)}"


def _code(round: Round) -> ExitCode:
    if round.error is not None:
        return code_of(round.error)
    outcome = round.outcome
    if outcome and outcome.interrupted:
        return ExitCode.INTERRUPTED
    if outcome and (outcome.rejected or outcome.held):
        return ExitCode.REJECTED_RECORDS
    if outcome and outcome.left:
        return ExitCode.UNREACHABLE
    if round.plan and round.plan.errors:
        return ExitCode.PROBLEMS_IN_DATA
    return ExitCode.DONE
