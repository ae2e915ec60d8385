"""`headrace apply`."""

from __future__ import annotations

import asyncio
import signal
import sys
from collections.abc import Callable, Coroutine, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer
from msgspec import Struct

from headrace.alerts.checking import OutsideView
from headrace.alerts.post import ApprisePost
from headrace.cli.each import Failures
from headrace.cli.exit_codes import ExitCode
from headrace.cli.interruptible import run_work
from headrace.cli.options.record import with_options
from headrace.cli.options.scope import ScopeOptions
from headrace.cli.show.console import (
    JsonOption,
    OrganisationOption,
    ProjectOption,
    console,
    print_json,
)
from headrace.cli.show.plans import show_outcome, show_plan
from headrace.cli.show.progress import DeliveryWatch
from headrace.fleet.project import LoadedProject, load_project
from headrace.fleet.round import Round, note_round
from headrace.fleet.sync import SyncOptions, Watcher, sync_once
from headrace.model.clock import SYSTEM_CLOCK, parse_interval
from headrace.model.errors import HeadraceError
from headrace.sync.binding import FIRST_IN_PRODUCTION
from headrace.sync.delivery.outcome import DeliveryOutcome
from headrace.sync.delivery.progress import Progress
from headrace.sync.delivery.scheduler import Delivery
from headrace.sync.planning.plan import Plan
from headrace.sync.planning.saved_plan import read_plan


class Applied(Struct, frozen=True):
    """One organisation's plan and its outcome, or why there is none."""

    organisation: str
    plan: Plan | None
    outcome: DeliveryOutcome | None
    error: str | None = None
    exit_code: ExitCode = ExitCode.DONE


class Options(ScopeOptions, frozen=True, kw_only=True):
    """Options of `headrace apply`."""

    file: Annotated[
        Path | None,
        typer.Argument(
            help="A plan that `headrace plan --out` saved: sent as it was seen, or refused when "
            "the source or the journal has moved on.",
            show_default=False,
        ),
    ] = None
    project: ProjectOption = Path()
    organisation: OrganisationOption = None
    force: Annotated[
        bool, typer.Option("--force", help="Deliver a plan that is refused as unsafe.")
    ] = False
    yes: Annotated[
        bool, typer.Option("--yes", help="Don't ask before the first delivery to Upflow itself.")
    ] = False
    retry_rejected: Annotated[
        bool, typer.Option("--retry-rejected", help="Try again what the API refused earlier.")
    ] = False
    patience: Annotated[
        str, typer.Option(help="How long the API may be down before the run stops.")
    ] = "1m"
    json: JsonOption = False


@with_options(Options)
def command(options: Options) -> None:
    """Plan, then send what the API lacks.

    Every record that the API acknowledges is noted at once, so it can be stopped at any instant,
    also by Ctrl-C or a crash: the next `apply` goes on where it stopped, and one right after a
    complete run sends nothing.

    Example: headrace apply --organisation acme
    """
    sync_options = _sync_options(options)
    loaded = load_project(options.project)
    chosen = [sync_options.saved.organisation] if sync_options.saved else options.organisation
    plans: dict[str, Plan] = {}
    rounds: list[Round] = []

    def note(name: str, error: HeadraceError) -> None:
        end(Round(name, plans.get(name), None, error))

    def end(round: Round) -> None:
        note_round(loaded, round, "apply", SYSTEM_CLOCK)
        rounds.append(round)

    def sync(name: str) -> tuple[Plan, DeliveryOutcome]:
        return bring_up_to_date(
            lambda watcher: sync_once(loaded, name, sync_options, SYSTEM_CLOCK, watcher),
            options.json,
            lambda plan: plans.update({name: plan}),
        )

    failures = Failures(loaded, loaded.names(chosen), options.json, note)
    results: list[Applied] = []
    try:
        for name, (plan, outcome) in failures.each(sync):
            end(Round(name, plan, outcome))
            results.append(Applied(name, plan, outcome, exit_code=_code(plan, outcome)))
            if outcome.interrupted:
                break
    finally:
        _announce(loaded, rounds)
    if options.json:
        failed = [
            Applied(one.organisation, None, None, one.error, one.exit_code) for one in failures.all
        ]
        print_json([*results, *failed])
    behind = [one.organisation for one in results if one.exit_code is not ExitCode.DONE]
    failures.sum_up("in step", [("not in step", behind)])
    failures.exit(one.exit_code for one in results)


def _announce(loaded: LoadedProject, rounds: Sequence[Round]) -> None:
    """Announce what these rounds brought, to the organisations' addresses for alerts."""
    names = [one.organisation for one in rounds if loaded.settings_of(one.organisation).alerts.to]
    if names:
        OutsideView(SYSTEM_CLOCK, ApprisePost()).look(loaded, names, rounds)


class _Screen(Watcher):
    """Shows a sync on the terminal, and asks for confirmation of a first delivery."""

    def __init__(self, quiet: bool, planned: Callable[[Plan], None]) -> None:
        self._quiet = quiet
        self._planned = planned
        self._delivery = DeliveryWatch(console, quiet)
        self._plans = 0

    def planned(self, plan: Plan) -> None:
        """Show the first plan; those after a slice only continue it."""
        self._planned(plan)
        self._plans += 1
        if self._plans == 1 and not self._quiet:
            show_plan(console, plan)

    def confirms(self) -> bool:
        """Ask at a terminal; without one, `Organisation.apply` refuses with its own message."""
        if self._quiet or not sys.stdin.isatty():
            return False
        console.print(FIRST_IN_PRODUCTION, markup=False)
        # asyncio's signal handler would only cancel this task, which is blocked waiting for input.
        before = signal.signal(signal.SIGINT, signal.default_int_handler)
        try:
            return typer.confirm("Send it?")
        except typer.Abort as error:
            console.print("\nNothing was sent.")
            if isinstance(error.__context__, KeyboardInterrupt):
                raise
            return False  # end of input counts as no
        finally:
            signal.signal(signal.SIGINT, before)

    def sending(self, progress: Progress, delivery: Delivery) -> None:
        """Show the progress."""
        self._delivery(progress, delivery)

    async def ended(self) -> None:
        """Restore the terminal."""
        await self._delivery.finish()

    def sliced(self, outcome: DeliveryOutcome) -> None:
        """Show why there is a pause."""
        if not self._quiet:
            console.print(f"{outcome.sent:,} sent; planning again, {outcome.left:,} were left …")


def bring_up_to_date(
    run: Callable[[Watcher], Coroutine[Any, Any, tuple[Plan, DeliveryOutcome]]],
    quiet: bool,
    planned: Callable[[Plan], None] = lambda plan: None,
) -> tuple[Plan, DeliveryOutcome]:
    """Run a sync and show it, unless `quiet`; `planned` is called with each plan."""
    try:
        plan, outcome = run_work(run(_Screen(quiet, planned)))
    except asyncio.CancelledError:  # by a second Ctrl-C
        raise KeyboardInterrupt from None
    if not quiet:
        show_outcome(console, plan, outcome)
    return plan, outcome


def _sync_options(options: Options) -> SyncOptions:
    saved = read_plan(options.file) if options.file is not None else None
    if saved is not None and not options.scope.whole:
        raise typer.BadParameter(
            "a saved plan has its own scope: leave --only, --customer and --limit out"
        )
    return SyncOptions(
        command="apply",
        force=options.force,
        patience=_seconds(options.patience),
        scope=saved.scope if saved is not None else options.scope,
        saved=saved,
        confirmed=options.yes or saved is not None,
        retry_rejected=options.retry_rejected,
    )


def _code(plan: Plan, outcome: DeliveryOutcome) -> ExitCode:
    if outcome.interrupted:
        return ExitCode.INTERRUPTED
    if outcome.rejected or outcome.drifted or plan.held:
        return ExitCode.REJECTED_RECORDS
    if outcome.left or outcome.held:
        return ExitCode.UNREACHABLE
    return ExitCode.PROBLEMS_IN_DATA if plan.errors else ExitCode.DONE


def _seconds(text: str) -> float:
    try:
        return parse_interval(text).total_seconds()
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint="--patience") from None
