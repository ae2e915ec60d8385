"""`headrace test`: the unit tests of a project's models."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Annotated

import msgspec
import typer

from headrace.book.models.models import Model, load_models
from headrace.cli.exit_codes import ExitCode
from headrace.cli.show.console import JsonOption, ProjectOption, console, print_json, several
from headrace.drafting.model_tests import Result, run_tests
from headrace.drafting.test_files import load_tests
from headrace.fleet.project import LoadedProject, load_project
from headrace.model.errors import ConfigurationError


def command(
    only: Annotated[
        list[str] | None,
        typer.Argument(metavar="[WORD]...", help="Run tests whose file, model or name has a WORD."),
    ] = None,
    project: ProjectOption = Path(),
    json: JsonOption = False,
) -> None:
    """Run the unit tests of the models: given rows of the source, expected rows.

    Tests are in tests/*.yaml and tests/*.sql of the project (docs/models.md has the formats). They
    need no source, no keys and no network, so they can run wherever the models are changed. The
    exit code is 3 if a test fails.

    Example: headrace test invoices
    """
    loaded = load_project(project)
    words = [word.lower() for word in only or []]
    tests = {
        file: [
            test
            for test in several_
            if not words or any(w in f"{file} {test.model} {test.test}".lower() for w in words)
        ]
        for file, several_ in load_tests(loaded.folder / "tests").items()
    }
    if not any(tests.values()):
        raise ConfigurationError(
            f"There is no test{' that fits' if words else ''} in {loaded.folder / 'tests'}: write "
            "tests/NAME.yaml or tests/NAME.sql; docs/models.md shows how."
        )
    results = list(run_tests(tests, cache(lambda name: _models(loaded, name))))
    if json:
        print_json([{**msgspec.to_builtins(r), "passed": r.passed} for r in results])
    else:
        for result in results:
            _show(result)
        failed = sum(not result.passed for result in results)
        console.print(f"{several(len(results), 'test')}, {failed} failed")
    if any(not result.passed for result in results):
        raise typer.Exit(ExitCode.PROBLEMS_IN_DATA)


def _models(loaded: LoadedProject, name: str) -> dict[str, Model]:
    """Return the models of an organisation; without a name, those of the project's first."""
    folder = loaded.models(loaded.names([name] if name else None)[0])
    return {model.table.name: model for model in load_models(folder, (), name)}


def _show(result: Result) -> None:
    verdict = "passed" if result.passed else "FAILED"
    console.print(f"{verdict} {result.file}: {result.test}", markup=False)
    if result.error:
        console.print(f"  {result.error}", markup=False)
    for title, rows in (("missing", result.missing), ("unexpected", result.unexpected)):
        for row in rows:
            shown = ", ".join(f"{name} {value}" for name, value in row.items())
            console.print(f"  {title}: {shown}", markup=False)
