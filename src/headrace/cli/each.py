"""Runs the same work on each organisation: a failure is reported, and the others continue."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from typing import Any, TypeVar

import typer
from msgspec import Struct

from headrace.cli.exit_codes import ExitCode, code_of, worst
from headrace.cli.show.console import console, listed, several
from headrace.fleet.project import LoadedProject
from headrace.fleet.trouble import attempt
from headrace.model.clock import SYSTEM_CLOCK
from headrace.model.errors import HeadraceError

T = TypeVar("T")

# What is wrong with the command line, from whichever click typer brings along.
_PASSING: tuple[Any, ...] = (typer.BadParameter.__mro__[1], typer.Exit, typer.Abort)


class Failed(Struct, frozen=True):
    """An organisation, and the error that ended the work on it."""

    organisation: str
    error: str
    exit_code: ExitCode


class Failures:
    """Collects the failures of one command."""

    def __init__(
        self,
        loaded: LoadedProject,
        names: Sequence[str],
        json: bool,
        note: Callable[[str, HeadraceError], None] = lambda name, error: None,
    ) -> None:
        """With `json`, failures are not printed here; `note` is called for each one."""
        self._note = note
        self._loaded = loaded
        self._names = names
        self._json = json
        self.all: list[Failed] = []
        self._worked = 0

    def each(self, work: Callable[[str], T]) -> Iterator[tuple[str, T]]:
        """Yield (name, result of `work`) of every organisation that did not fail.

        If there is only one organisation, its HeadraceError is raised.
        """
        for name in self._names:
            try:
                result = attempt(self._loaded, name, SYSTEM_CLOCK, partial(work, name), _PASSING)
            except HeadraceError as error:
                self._note(name, error)
                if len(self._names) == 1:
                    raise
                self._add(name, error)
                continue
            self._worked += 1
            yield name, result

    def _add(self, name: str, error: HeadraceError) -> None:
        self.all.append(Failed(name, str(error), code_of(error)))
        if not self._json:
            print(f"error: {name}: {error}", file=sys.stderr)

    def sum_up(self, done: str, others: Sequence[tuple[str, Sequence[str]]] = ()) -> None:
        """Print the last line for several organisations: `297 in step, 3 failed: …`.

        `others` are further states, such as `not in step`, with the names of their organisations.
        """
        if self._json or len(self._names) == 1:
            return
        failed = [one.organisation for one in self.all]
        groups = [*others, ("failed", failed)]
        rest = self._worked - sum(len(names) for _, names in others)
        said = [f"{rest:,} {done}"]
        said += [f"{len(names):,} {word}: {listed(names)}" for word, names in groups if names]
        total = several(self._worked + len(failed), "organisation")
        console.print(f"{total}: {', '.join(said)}", markup=False)

    def exit(self, codes: Iterable[ExitCode] = ()) -> None:
        """Exit with the worst of these codes and of the failures; returns when there is none."""
        code = worst([*(one.exit_code for one in self.all), *codes])
        if code is not ExitCode.DONE:
            raise typer.Exit(code)

    def documents(self) -> list[Any]:
        """Return each failure as a JSON document."""
        return list(self.all)
