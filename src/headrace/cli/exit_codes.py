"""The exit codes of commands, whose numbers are part of the interface, and how errors are said."""

from __future__ import annotations

import enum
import sys
from collections.abc import Iterable, Sequence

import msgspec

from headrace.model.errors import (
    ApiError,
    ApprovalNeeded,
    Busy,
    Defect,
    HeadraceError,
    SourceError,
    Unauthorised,
    UnsafePlan,
)
from headrace.model.shown_text import shown


class ExitCode(enum.IntEnum):
    """Documented in `headrace --help` and docs/commands.md."""

    DONE = 0
    DEFECT = 1
    CHANGES_PENDING = 2
    PROBLEMS_IN_DATA = 3
    REJECTED_RECORDS = 4
    UNREACHABLE = 5
    CONFIGURATION = 6
    UNSAFE = 7
    BUSY = 8
    DIFFERS = 9
    AWAITS_APPROVAL = 10
    INTERRUPTED = 130


def code_of(error: HeadraceError) -> ExitCode:
    """Return the exit code of an error, by what the user should do next."""
    match error:
        case UnsafePlan():
            return ExitCode.UNSAFE
        case ApprovalNeeded():
            return ExitCode.AWAITS_APPROVAL
        case Defect():
            return ExitCode.DEFECT
        case Busy():
            return ExitCode.BUSY
        case Unauthorised():
            return ExitCode.CONFIGURATION
        case SourceError() | ApiError():
            return ExitCode.UNREACHABLE
    return ExitCode.CONFIGURATION


_WORST_FIRST = (
    ExitCode.INTERRUPTED,
    ExitCode.DEFECT,
    ExitCode.CONFIGURATION,
    ExitCode.UNSAFE,
    ExitCode.AWAITS_APPROVAL,
    ExitCode.UNREACHABLE,
    ExitCode.BUSY,
    ExitCode.REJECTED_RECORDS,
    ExitCode.PROBLEMS_IN_DATA,
    ExitCode.DIFFERS,
    ExitCode.CHANGES_PENDING,
)
"""First what a person has to fix, then what may be temporary, then problems of the data."""


def worst(codes: Iterable[ExitCode]) -> ExitCode:
    """Return the worst of several organisations' codes; DONE when there are none."""
    found = set(codes)
    return next((code for code in _WORST_FIRST if code in found), ExitCode.DONE)


def say_error(text: str, code: ExitCode, arguments: Sequence[str]) -> int:
    """Print an error, as JSON if the arguments ask for it; returns its exit code."""
    if "--json" in arguments:
        document = {"error": {"code": int(code), "kind": code.name.lower(), "message": text}}
        print(shown(msgspec.json.encode(document).decode()))
    else:
        print(f"error: {shown(text)}", file=sys.stderr)
    return int(code)
