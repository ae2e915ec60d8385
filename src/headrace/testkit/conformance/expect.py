"""Assertions of cases, and the errors that they raise."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any


class Differs(Exception):
    """The server does not do what the case expects; the message says what it does instead."""


class NotApplicable(Exception):
    """The organisation lacks something that the case needs and that the API can't create."""


def same(found: Any, expected: Any, what: str) -> None:
    """Raise Differs unless both are equal; `True` and 1 are not."""
    if found != expected or isinstance(found, bool) != isinstance(expected, bool):
        raise Differs(f"{what} is {found!r}, not {expected!r}")


def true(holds: bool, otherwise: str) -> None:
    """Raise Differs, with this message, unless the condition holds."""
    if not holds:
        raise Differs(otherwise)


def has(found: Any, keys: Iterable[str], what: str) -> None:
    """Raise Differs unless it is an object with all these keys."""
    if not isinstance(found, Mapping):
        raise Differs(f"{what} is {found!r}, not an object")
    missing = [key for key in keys if key not in found]
    true(not missing, f"{what} lacks {', '.join(missing)}")


def part(found: Any, expected: Mapping[str, Any], what: str) -> None:
    """Raise Differs unless it is an object with the fields and values of `expected`."""
    has(found, expected, what)
    for key, value in expected.items():
        same(found[key], value, f"{key} of {what}")


def one(found: Any, what: str) -> Any:
    """Return the only entry of a list. Raises Differs for anything else."""
    true(isinstance(found, list) and len(found) == 1, f"{what} is {found!r}, not a list of one")
    return found[0]
