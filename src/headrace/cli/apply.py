"""`headrace apply`."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import msgspec
import typer
from msgspec import Struct

from headrace.cli.each import Failures
from headrace.cli.exit_codes import ExitCode
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
from headrace.fleet.rest import NOTHING_SENT, keep_rest, plan_at_rest, take_sight, verify_target
from headrace.fleet.round import Round, note_round
from headrace.model.clock import SYSTEM_CLOCK, parse_interval
from headrace.model.errors import HeadraceError
from headrace.sync.binding import FIRST_IN_PRODUCTION
from headrace.sync.organisation import Organisation, Outcome
from headrace.sync.plan import Plan
from headrace.sync.saved_plan import SavedPlan, read_plan
from headrace.sync.scope import WHOLE, Scope


class Applied(Struct, frozen=True):
    """One organisation's plan and what became of it, or why there is none."""

    organisation: str
    plan: Plan | None
    outcome: Outcome | None
    error: str | None = None
    exit_code: ExitCode = ExitCode.DONE


class Options(ScopeOptions, frozen=True, kw_only=True):
    """What `headrace apply` is told."""

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
    how = _how(options)
    loaded = load_project(options.project)
    chosen = [how.saved.organisation] if how.saved else options.organisation
    plans: dict[str, Plan] = {}

    def note(name: str, error: HeadraceError) -> None:
        note_round(loaded, Round(name, plans.get(name), None, error), "apply", SYSTEM_CLOCK)

    failures = Failures(loaded, loaded.names(chosen), options.json, note)
    results: list[Applied] = []
    for name, outcome in failures.each(lambda name: _apply(loaded, name, how, plans)):
        plan = plans[name]
        note_round(loaded, Round(name, plan, outcome), "apply", SYSTEM_CLOCK)
        results.append(Applied(name, plan, outcome, exit_code=_code(plan, outcome)))
        if outcome.interrupted:
            break
    if options.json:
        failed = [
            Applied(one.organisation, None, None, one.error, one.exit_code) for one in failures.all
        ]
        print_json([*results, *failed])
    behind = [one.organisation for one in results if one.exit_code is not ExitCode.DONE]
    failures.sum_up("in step", [("not in step", behind)])
    failures.exit(one.exit_code for one in results)


def _apply(loaded: LoadedProject, name: str, how: How, plans: dict[str, Plan]) -> Outcome:
    """Brings one organisation up to date; `plans` has its plan as soon as there is one."""
    if how.plain and (resting := plan_at_rest(loaded, name, SYSTEM_CLOCK)) is not None:
        asyncio.run(verify_target(loaded, name, SYSTEM_CLOCK))
        plans[name] = resting
        if not how.quiet:
            show_plan(console, resting)
            show_outcome(console, resting, NOTHING_SENT)
        return NOTHING_SENT
    sight = take_sight(loaded, name, SYSTEM_CLOCK)
    with loaded.open(name, SYSTEM_CLOCK) as opened:
        if how.retry_rejected:
            opened.journal.clear_rejects()
        plan, outcome = deliver(opened, how, lambda plan: plans.update({name: plan}))
        keep_rest(loaded, opened, sight, plan, outcome)
    return outcome


class How(Struct, frozen=True, kw_only=True):
    """In which way an organisation is brought up to date."""

    force: bool = False
    quiet: bool = False
    changes: int = 0
    """How many of the operations to spell out."""
    patience: float = 60.0
    """Seconds for which the API may be down."""
    scope: Scope = WHOLE
    saved: SavedPlan | None = None
    """The plan that must still be the one."""
    confirmed: bool = False
    """Whether the first delivery to Upflow's production is meant."""
    retry_rejected: bool = False

    @property
    def plain(self) -> bool:
        """Whether nothing is asked for but to be in step."""
        special = self.force or self.changes or self.retry_rejected or self.saved is not None
        return not special and self.scope == WHOLE


def _how(options: Options) -> How:
    saved = read_plan(options.file) if options.file is not None else None
    if saved is not None and not options.scope.whole:
        raise typer.BadParameter(
            "a saved plan has its own scope: leave --only, --customer and --limit out"
        )
    return How(
        force=options.force,
        quiet=options.json,
        patience=_seconds(options.patience),
        scope=saved.scope if saved is not None else options.scope,
        saved=saved,
        confirmed=options.yes or saved is not None,
        retry_rejected=options.retry_rejected,
    )


def deliver(
    opened: Organisation, how: How, planned: Callable[[Plan], None] = lambda plan: None
) -> tuple[Plan, Outcome]:
    """Refreshes, plans, shows and applies one organisation; `planned` is told of each plan.

    UnsafePlan unless forced; StalePlan when it is not the saved plan.
    """
    asyncio.run(opened.prepare())
    plan = opened.plan(how.scope)
    planned(plan)
    if how.saved is not None:
        how.saved.raise_if_stale(opened.saved(plan, how.scope))
    if how.changes:
        plan = opened.with_changes(plan, how.changes)
    if not how.quiet:
        show_plan(console, plan)
    if not how.force:
        plan.raise_if_unsafe()
    how = msgspec.structs.replace(how, confirmed=how.confirmed or _confirmed(opened, plan, how))
    outcome = asyncio.run(_watched(opened, plan, how))
    while outcome.sliced:
        if not how.quiet:
            console.print(f"{outcome.sent:,} sent; planning again, {outcome.left:,} were left …")
        asyncio.run(opened.prepare())
        plan = opened.plan(how.scope)
        planned(plan)
        if not how.force:
            plan.raise_if_unsafe()
        outcome = asyncio.run(_watched(opened, plan, how)).after(outcome)
    if not how.quiet:
        show_outcome(console, plan, outcome)
    return plan, outcome


def _confirmed(opened: Organisation, plan: Plan, how: How) -> bool:
    """Asks a person who is there; a machine is told by `Organisation.apply`."""
    if plan.empty or not opened.binding.is_first_in_production or how.quiet:
        return False
    if not sys.stdin.isatty():
        return False
    console.print(FIRST_IN_PRODUCTION, markup=False)
    try:
        return typer.confirm("Send it?")
    except typer.Abort as error:
        console.print("\nNothing was sent.")
        if isinstance(error.__context__, KeyboardInterrupt):
            raise
        return False  # no more input is no answer


async def _watched(opened: Organisation, plan: Plan, how: How) -> Outcome:
    watch = DeliveryWatch(console, how.quiet)
    # The first so many requests, or those of a saved plan, are not to become others.
    whole = how.saved is not None or bool(how.scope.limit)
    try:
        return await opened.apply(plan, "apply", watch, how.patience, whole, how.confirmed)
    finally:
        await watch.finish()


def _code(plan: Plan, outcome: Outcome) -> ExitCode:
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
