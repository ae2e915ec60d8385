"""What an extraction says to its source: one message for each thing that it found."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

Message = dict[str, Any]


def record(table: str, value: dict[str, Any]) -> Message:
    """A record as it is now; the last one of a key counts."""
    return {"table": table, "record": value}


def gone(table: str, key: Any) -> Message:
    """A record that is no longer there."""
    return {"table": table, "gone": str(key)}


def only(table: str, keys: Iterable[Any]) -> Message:
    """All records that are there; those of other keys are gone."""
    return {"table": table, "only": [str(key) for key in keys]}


def parts(table: str, whole: Any) -> Message:
    """The parts of one thing, whose keys start with it and `/`, follow; its others are gone."""
    return {"table": table, "parts": f"{whole}/"}


def whole() -> Message:
    """Everything is read, although there was something to continue from."""
    return {"whole": True}


def since(value: Any) -> Message:
    """What the next extraction is given to read only what has changed by then."""
    return {"since": value}
