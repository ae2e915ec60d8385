"""Problems as text: many problems of one kind are shown as their number and a few examples."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence

from msgspec import Struct
from rich.console import Console

from headrace.book.checks.checks import Problem
from headrace.cli.show.console import several
from headrace.model.entity import SENT
from headrace.sync.planning.name_texts import problem_name

_KINDS_SHOWN = 20
_EXAMPLES = 3
_ENTITIES = "|".join((*SENT, "adjustment", "parent"))
_QUOTED = re.compile(r"'(?:[^']|'(?=\w))*'")
_ID = re.compile(rf"\b({_ENTITIES}|to) (?!(?:of|in|the|an?|{_ENTITIES})\b)\S+")
_FIGURES = re.compile(r"\S*\d\S*")


class Kind(Struct, frozen=True):
    """Problems of one severity, entity and wording."""

    first: Problem
    examples: tuple[Problem, ...]
    """The first problems of the kind, at most three, including `first`."""
    count: int


def kinds_of(problems: Sequence[Problem]) -> list[Kind]:
    """Group problems by kind: errors before warnings, then the most frequent first."""
    found: dict[tuple[str, str, str, str], list[Problem]] = {}
    for problem in problems:
        found.setdefault(_kind(problem), []).append(problem)
    kinds = [Kind(group[0], tuple(group[:_EXAMPLES]), len(group)) for group in found.values()]
    return sorted(kinds, key=lambda kind: (kind.first.severity, -kind.count))


def _kind(problem: Problem) -> tuple[str, str, str, str]:
    """Return the kind of a problem: its texts without ids, values, money and days."""
    return problem.severity, problem.entity, _masked(problem.problem), _masked(problem.remedy)


def _masked(text: str) -> str:
    return _FIGURES.sub("#", _ID.sub(r"\1 #", _QUOTED.sub("'#'", text)))


def show_problems(console: Console, problems: Sequence[Problem]) -> None:
    """Print each kind of problem with its remedy, and at most three examples."""
    if not problems:
        return
    counts = Counter(problem.severity for problem in problems)
    said = ", ".join(several(count, severity) for severity, count in sorted(counts.items()))
    console.print(f"[bold]Problems[/bold] ({said})")
    kinds = kinds_of(problems)
    for kind in kinds[:_KINDS_SHOWN]:
        for line in kind_lines(kind):
            console.print(f"  {line}", markup=False)
    if len(kinds) > _KINDS_SHOWN:
        rest = sum(kind.count for kind in kinds[_KINDS_SHOWN:])
        more = several(len(kinds) - _KINDS_SHOWN, "kind")
        console.print(f"  … and {more} more, {several(rest, 'problem')}")
    if len(kinds) > _KINDS_SHOWN or any(kind.count > _EXAMPLES for kind in kinds):
        console.print("  (--json has all)")


def kind_lines(kind: Kind) -> list[str]:
    """Return the lines of a kind: one per problem, or for many their number and examples."""
    first = kind.first
    if kind.count <= _EXAMPLES:
        return [_sentence(example) for example in kind.examples]
    alike = len({example.problem for example in kind.examples}) == 1
    if alike:
        names = ", ".join(map(problem_name, kind.examples))
        return [
            f"{first.severity}: {several(kind.count, first.entity)} ({names} and "
            f"{kind.count - len(kind.examples):,} more): {first.problem}; {first.remedy}"
        ]
    lines = [f"{first.severity}: {several(kind.count, first.entity)} alike; {first.remedy}"]
    lines += [f"    {problem_name(example)} {example.problem}" for example in kind.examples]
    return [*lines, f"    … and {kind.count - len(kind.examples):,} more"]


def _sentence(problem: Problem) -> str:
    return (
        f"{problem.severity}: {problem.entity} {problem_name(problem)} {problem.problem}; "
        f"{problem.remedy}"
    )
