"""Conformance cases on the terminal: a progress bar, and a line per case that did not pass."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from types import TracebackType

from rich.progress import BarColumn, Progress, TextColumn

from headrace.cli.show.console import console, several
from headrace.oracle.difference import Difference as ShapeDifference
from headrace.testkit.conformance.evidence import Evidence
from headrace.testkit.conformance.recording import Difference
from headrace.testkit.conformance.suite import Outcome, Result

_STYLES = {
    Outcome.PASSED: "green",
    Outcome.FAILED: "bold red",
    Outcome.DIFFERS: "yellow",
    Outcome.NOT_RUN: "dim",
}


class ResultWatch:
    """A progress bar while cases run; only on a terminal."""

    def __init__(self, total: int, quiet: bool) -> None:
        columns = (BarColumn(bar_width=20), TextColumn("{task.completed:.0f}/{task.total:.0f}"),
                   TextColumn("{task.description}", markup=False))  # fmt: skip
        shown = console.is_terminal and not quiet
        self._bar = Progress(*columns, console=console, transient=True, disable=not shown)
        self._task = self._bar.add_task("", total=total)

    def __enter__(self) -> ResultWatch:
        self._bar.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._bar.stop()

    def seen(self, result: Result) -> None:
        """Advance the bar by a finished case."""
        self._bar.update(self._task, advance=1, description=result.case.name)


def print_results(results: Sequence[Result]) -> None:
    """Print the cases that did not pass, counts by evidence, and records that remain."""
    rows = [result for result in results if result.outcome is not Outcome.PASSED]
    width = max((len(result.case.name) for result in rows), default=0)
    for result in rows:
        outcome, case = result.outcome, result.case
        console.print(
            f"[{_STYLES[outcome]}]{outcome.value:8}[/] {case.name:{width}}  "
            f"{case.evidence.value:10}  {_escaped(result.said)}. The rule: {_escaped(case.rule)}"
        )
    for evidence in Evidence:
        counts = Counter(result.outcome for result in results if result.case.evidence is evidence)
        if counts:
            counted = ", ".join(f"{counts[o]} {o.value}" for o in Outcome if counts[o])
            console.print(f"{evidence.value}: {counted}")
    left = [path for result in results for path in result.left]
    if left:
        console.print(f"[bold red]{several(len(left), 'thing')} could not be deleted:[/]")
        for path in left:
            console.print(f"  {_escaped(path)}")


def print_differences(found: Sequence[Difference]) -> None:
    """Print a line per difference."""
    for difference in found:
        here, there = difference.one, difference.other
        console.print(
            f"{difference.case}, {difference.place}: {here!r} and {there!r}", markup=False
        )


def print_traffic_differences(found: Sequence[ShapeDifference]) -> None:
    """Print a line per difference in shape."""
    for difference in found:
        console.print(str(difference), markup=False, soft_wrap=True)


def _escaped(text: str) -> str:
    return text.replace("[", r"\[")
