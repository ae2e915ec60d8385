"""`headrace check`."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path
from typing import Any

from headrace.cli.each import Failures
from headrace.cli.exit_codes import ExitCode
from headrace.cli.interruptible import run_work
from headrace.cli.show.console import (
    JsonOption,
    OrganisationOption,
    ProjectOption,
    console,
    listed,
    print_json,
)
from headrace.cli.show.problems import show_problems
from headrace.fleet.hinting import described_hints
from headrace.fleet.project import LoadedProject, load_project
from headrace.model.clock import SYSTEM_CLOCK
from headrace.model.errors import ApiError, Unauthorised
from headrace.sources.registry import open_source
from headrace.sources.source import not_read
from headrace.sync.session import Organisation


def command(
    project: ProjectOption = Path(),
    organisation: OrganisationOption = None,
    json: JsonOption = False,
) -> None:
    """Try everything that a sync needs, and send nothing.

    The configuration and its secrets, the source and its tables, the models (run twice: rows that
    differ are named), the data (every problem with its table, external id and remedy), the API and
    its keys; with a sample of what would be sent, and how `headrace run` notices changes.

    Example: headrace check --organisation acme
    """
    loaded = load_project(project)
    names = loaded.names(organisation)
    failures = Failures(loaded, names, json)
    reports, probes = [], []
    for _, (report, probe) in failures.each(lambda name: _check(loaded, name)):
        reports.append(report)
        probes.append(probe)
        if not json:
            _show(report)
    if json:
        print_json([*reports, *failures.documents()])
    troubled = [
        report["organisation"]
        for report, probe in zip(reports, probes, strict=True)
        if _code(report, probe) is not ExitCode.DONE
    ]
    failures.sum_up("fine", [("with problems", troubled)])
    failures.exit(map(_code, reports, probes))


def _check(loaded: LoadedProject, name: str) -> tuple[dict[str, Any], ApiError | None]:
    with loaded.open(name, SYSTEM_CLOCK) as opened:
        staged = run_work(opened.prepare())
        opened.book.run_again()
        probe = _probe(opened)
        report = _report(opened, staged, probe)
    with closing(open_source(loaded.source(name), loaded.folder)) as source:
        report["unread"] = not_read(source)
    report["hints"] = run_work(described_hints(loaded, name, SYSTEM_CLOCK))
    return report, probe


def _code(report: dict[str, Any], failure: ApiError | None) -> ExitCode:
    """Return the exit code. Refused keys come first, as in `apply`: nothing can be sent."""
    if isinstance(failure, Unauthorised):
        return ExitCode.CONFIGURATION
    if any(problem.severity == "error" for problem in report["problems"]):
        return ExitCode.PROBLEMS_IN_DATA
    return ExitCode.UNREACHABLE if failure is not None else ExitCode.DONE


def _probe(opened: Organisation) -> ApiError | None:
    """Return why the API can't be used, None when it can."""
    try:
        run_work(opened.probe())
    except ApiError as error:
        return error
    return None


def _report(
    opened: Organisation, staged: dict[str, int], failure: ApiError | None
) -> dict[str, Any]:
    return {
        "organisation": opened.name,
        "staged": staged,
        "records": opened.book.counts(),
        "uncovered": opened.book.uncovered(),
        "problems": opened.book.problems(),
        "samples": opened.samples(),
        "api": "ok" if failure is None else str(failure),
    }


def _show(report: dict[str, Any]) -> None:
    console.print(f"[bold]{report['organisation']}[/bold]")
    tables = ", ".join(f"{name} {rows:,}" for name, rows in report["staged"].items())
    console.print(f"  source: {tables}")
    if report["unread"]:
        console.print(f"  not read: {listed(report['unread'])}", markup=False)
    records = ", ".join(f"{count:,} {name}" for name, count in report["records"].items())
    console.print(f"  models: {records}")
    for one in report["uncovered"]:
        console.print(
            f"  in no model: {one.missing:,} of {one.rows:,} rows of {one.table} "
            f"({', '.join(one.models)})",
            markup=False,
        )
    console.print(f"  API: {report['api']}", markup=False)
    console.print(f"  hints: {report['hints']}", markup=False)
    for entity, payload in report["samples"].items():
        console.print(f"  sample {entity}: {payload.decode()}", markup=False)
    show_problems(console, report["problems"])
    if not report["problems"]:
        console.print("  no problems")
