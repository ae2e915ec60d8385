"""`headrace plan`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import msgspec
import typer

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
from headrace.cli.show.diff import show_diff
from headrace.cli.show.markdown import plan_as_markdown
from headrace.cli.show.plans import show_plan
from headrace.fleet.project import LoadedProject, load_project
from headrace.fleet.rest import plan_at_rest
from headrace.model.clock import SYSTEM_CLOCK
from headrace.model.shown_text import shown
from headrace.sync.planning.plan import Plan


class Options(ScopeOptions, frozen=True, kw_only=True):
    """Options of `headrace plan`."""

    project: ProjectOption = Path()
    organisation: OrganisationOption = None
    changes: Annotated[
        int, typer.Option(min=0, help="How many of the operations to spell out, field by field.")
    ] = 10
    diff: Annotated[
        bool,
        typer.Option("--diff", help="Spell out every change, by customer, for a person to read."),
    ] = False
    out: Annotated[
        Path | None, typer.Option(help="Save the plan to this file, for `headrace apply FILE`.")
    ] = None
    markdown: Annotated[
        bool, typer.Option("--markdown", "--md", help="Print Markdown, as for a pull request.")
    ] = False
    detailed_exitcode: Annotated[
        bool, typer.Option("--detailed-exitcode", help="Exit with 2 when changes are pending.")
    ] = False
    json: JsonOption = False


@with_options(Options)
def command(options: Options) -> None:
    """Show what `apply` would send; nothing is sent.

    Reads the source, runs the models and the checks, compares with what the API acknowledged, and
    prints counts, money per currency, requests, the time they take, problems, what stays behind,
    and why `apply` would refuse it as unsafe.

    Example: headrace plan --organisation acme --diff --out monday.plan
    """
    loaded = load_project(options.project)
    names = loaded.names(options.organisation)
    if options.out is not None:
        names = [loaded.only(options.organisation)]
    failures = Failures(loaded, names, options.json or options.markdown)
    plans = []
    for _, plan in failures.each(lambda name: _plan(loaded, name, options)):
        plans.append(plan)
        if options.markdown:
            print(shown(plan_as_markdown(plan)))
        elif not options.json:
            _show(plan, options)
    if options.json:
        print_json([*map(_document, plans), *failures.documents()])
    elif options.markdown:
        for failed in failures.all:
            print(f"**{failed.organisation}** failed: {failed.error}\n")
    pending = [plan.organisation for plan in plans if not plan.empty]
    failures.sum_up("with nothing to send", [("with changes", pending)])
    codes = [ExitCode.PROBLEMS_IN_DATA for plan in plans if plan.errors]
    if options.detailed_exitcode and pending:
        codes.append(ExitCode.CHANGES_PENDING)
    failures.exit(codes)


def _plan(loaded: LoadedProject, name: str, options: Options) -> Plan:
    if options.scope.whole and options.out is None:
        resting = plan_at_rest(loaded, name, SYSTEM_CLOCK)
        if resting is not None:
            return resting
    with loaded.open(name, SYSTEM_CLOCK) as opened:
        run_work(opened.prepare())
        plan = opened.plan(options.scope)
        plan = opened.with_changes(plan, None if options.diff else options.changes)
        if options.out is not None:
            opened.saved(plan, options.scope).write(options.out)
    return plan


def _document(plan: Plan) -> dict[str, Any]:
    return {**msgspec.structs.asdict(plan), "objections": plan.objections}


def _show(plan: Plan, options: Options) -> None:
    if options.diff:
        show_diff(console, plan)
    else:
        show_plan(console, plan)
    if options.out is not None:
        console.print(f"  saved: apply it with `headrace apply {options.out}`", markup=False)
