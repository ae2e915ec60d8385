"""Cases and their marks: the operations that a case covers, and the evidence for its rule."""

from __future__ import annotations

import enum
from collections.abc import Awaitable, Callable
from typing import TypeAlias

from msgspec import Struct

from headrace.testkit.conformance.session import Session

Run: TypeAlias = Callable[[Session], Awaitable[None]]


class Evidence(enum.Enum):
    """The evidence for a rule, the strongest first."""

    DOCUMENTED = "documented"
    """The vendor's guide or help centre states it."""
    OBSERVED = "observed"
    """The vendor's older reference shows it, or a client of the live API does."""
    LEARNED = "learned"
    """A recording of another server, in tests/oracle, has it."""
    ASSUMED = "assumed"
    """No source mentions it: it is the hub's own rule."""


GUIDE = "integration guide"
HELP = "help centre"
REFERENCE = "older reference"
CLIENTS = "clients of the live API"
SENT = "sent by clients"
OURS = "the hub's rule"


class Case(Struct, frozen=True):
    """One case; its rule is the docstring of its function."""

    name: str
    """Name of the case, unique: `file.function`."""
    rule: str
    evidence: Evidence
    source: str
    operations: tuple[str, ...]
    """The operations that it covers, such as `POST /customers/{}/contacts`."""
    run: Run
    alone: bool
    """Whether it depends on data that other cases could change at the same time."""

    @property
    def topic(self) -> str:
        """The file that contains it."""
        return self.name.partition(".")[0]


def case(
    evidence: Evidence, source: str, operations: tuple[str, ...], alone: bool = False
) -> Callable[[Run], Case]:
    """Make a case of a function that takes a session and raises Differs on a difference."""

    def made(run: Run) -> Case:
        topic = run.__module__.rpartition(".")[2]
        name = f"{topic}.{run.__name__}"
        rule = " ".join((run.__doc__ or "").split())
        return Case(name, rule, evidence, source, operations, run, alone)

    return made


def documented(source: str, *operations: str, alone: bool = False) -> Callable[[Run], Case]:
    """Mark a case whose rule the vendor documents; `source` says where."""
    return case(Evidence.DOCUMENTED, source, operations, alone)


def observed(source: str, *operations: str, alone: bool = False) -> Callable[[Run], Case]:
    """Mark a case whose rule was observed; `source` says by whom."""
    return case(Evidence.OBSERVED, source, operations, alone)


def learned(
    server: str, recording: str, *operations: str, alone: bool = False
) -> Callable[[Run], Case]:
    """Mark a case whose rule a recording shows; `server` is what was recorded, such as `Upflow's
    sandbox`, `recording` the file's name in tests/oracle."""
    source = f"observed in a recording of {server}, {recording}"
    return case(Evidence.LEARNED, source, operations, alone)


def assumed(*operations: str, alone: bool = False) -> Callable[[Run], Case]:
    """Mark a case of the hub's own rule, which no source mentions."""
    return case(Evidence.ASSUMED, OURS, operations, alone)
