"""A line of a seed: one API call."""

from __future__ import annotations

from typing import Any

import msgspec
from msgspec import UNSET, UnsetType

from headrace.model.errors import BadRequest, RequestError
from headrace.model.record import Record, decode

_METHODS = ("POST", "PUT", "DELETE")


class SeedLine(Record, kw_only=True, forbid_unknown_fields=True):
    """One call."""

    method: str
    path: str
    body: Any | UnsetType = UNSET
    as_: str | UnsetType = msgspec.field(name="as", default=UNSET)
    """A name for the answer's id."""
    number: int = 0
    """The line's number in its file."""


def parse_seed(text: bytes) -> list[SeedLine]:
    """Parse a file into lines; empty ones and those that begin with `//` are skipped.

    Raises BadRequest with the line's number.
    """
    lines = []
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip() or line.lstrip().startswith(b"//"):
            continue
        try:
            read = decode(SeedLine, line)
        except BadRequest as error:
            raise refusal(f"line {number}", error) from None
        lines.append(_checked(read, number))
    return lines


def check_lines(lines: list[SeedLine]) -> list[SeedLine]:
    """Return lines that did not come as a file, numbered. Raises BadRequest with the line's
    number."""
    return [_checked(line, number) for number, line in enumerate(lines, 1)]


def _checked(line: SeedLine, number: int) -> SeedLine:
    if line.method not in _METHODS:
        problem = BadRequest(f"a seed only changes: its methods are {', '.join(_METHODS)}.")
        raise refusal(f"line {number}", problem)
    return msgspec.structs.replace(line, number=number)


def refusal(place: str, error: RequestError) -> BadRequest:
    """Return the error of a whole seed for the error of one place in it."""
    return BadRequest(f"{place}: {error} Nothing of the seed was stored.", error.details)
