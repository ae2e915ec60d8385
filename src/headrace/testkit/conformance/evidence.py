"""Cases and their marks: what a case proves, and how sure we are that it must hold."""

from __future__ import annotations

import enum
from collections.abc import Awaitable, Callable
from typing import TypeAlias

from msgspec import Struct

from headrace.testkit.conformance.session import Session

Run: TypeAlias = Callable[[Session], Awaitable[None]]


class Evidence(enum.Enum):
    """How sure a rule is, the surest first."""

    DOCUMENTED = "documented"
    """The vendor's guide or help centre states it."""
    OBSERVED = "observed"
    """The vendor's older reference shows it, or a client of the live API does."""
    ASSUMED = "assumed"
    """No source says anything: it is the hub's own rule."""


GUIDE = "integration guide"
HELP = "help centre"
REFERENCE = "older reference"
CLIENTS = "clients of the live API"
SENT = "sent by clients"
OURS = "the hub's rule"


class Case(Struct, frozen=True):
    """One case; its rule is the docstring of its function."""

    name: str
    """`file.function`, unique."""
    rule: str
    evidence: Evidence
    source: str
    operations: tuple[str, ...]
    """Each as `POST /customers/{}/contacts`."""
    run: Run
    alone: bool
    """Whether it looks at what others could change meanwhile."""

    @property
    def topic(self) -> str:
        """The file that it stands in."""
        return self.name.partition(".")[0]


def case(
    evidence: Evidence, source: str, operations: tuple[str, ...], alone: bool = False
) -> Callable[[Run], Case]:
    """Makes a case of a function that takes a session and raises Differs, or returns."""

    def made(run: Run) -> Case:
        topic = run.__module__.rpartition(".")[2]
        name = f"{topic}.{run.__name__}"
        rule = " ".join((run.__doc__ or "").split())
        return Case(name, rule, evidence, source, operations, run, alone)

    return made


def documented(source: str, *operations: str, alone: bool = False) -> Callable[[Run], Case]:
    """A case of what the vendor states; `source` says where."""
    return case(Evidence.DOCUMENTED, source, operations, alone)


def observed(source: str, *operations: str, alone: bool = False) -> Callable[[Run], Case]:
    """A case of what was seen; `source` says by whom."""
    return case(Evidence.OBSERVED, source, operations, alone)


def assumed(*operations: str, alone: bool = False) -> Callable[[Run], Case]:
    """A case of a rule that the hub made where no source says anything."""
    return case(Evidence.ASSUMED, OURS, operations, alone)
