"""Recordings of a server's answers, so that two servers can be compared without running them.

Ids, times, links and entities of other runs are blanked, because they differ between two runs of
one server.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import msgspec
from msgspec import Struct

from headrace.model.errors import ConfigurationError
from headrace.testkit.conformance.session import Exchange
from headrace.testkit.conformance.suite import Result

_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", re.IGNORECASE)
# Cases send times of 2015, 2016 and 2999 only; other times come from the server.
_MOMENT = re.compile(r"20[2-9]\d-\d\d-\d\d(?:T[\d:.]+(?:Z|[+-]\d\d:?\d\d)?)?")
_LINKS = frozenset({"url", "pdfUrl", "directUrl"})
_LISTS = frozenset({"items", "customers", "invoices", "users", "bankAccounts", "contacts"})


class Recording(Struct, frozen=True):
    """The recorded answers of one run."""

    server: str
    """Base URL of the server."""
    cases: dict[str, list[Exchange]]
    """Answers by the name of the case, in the order of the requests."""


class Difference(Struct, frozen=True):
    """One difference between two recordings."""

    case: str
    place: str
    """Request and field, such as `POST /customers, body.balance`."""
    one: Any
    other: Any


def record(server: str, results: Iterable[Result]) -> Recording:
    """Return the blanked answers of the cases that were run."""
    found = {result.case.name: _blanked(result) for result in results}
    return Recording(server, dict(sorted(found.items())))


def save(recording: Recording, path: Path) -> None:
    """Write a recording. Raises ConfigurationError when it can't be written."""
    text = msgspec.json.format(msgspec.json.encode(recording, order="sorted"), indent=1)
    try:
        path.write_bytes(text + b"\n")
    except OSError as error:
        raise ConfigurationError(f"{path} can't be written: {error.strerror}.") from None


def load(path: Path) -> Recording:
    """Read a recording. Raises ConfigurationError for anything else."""
    try:
        return msgspec.json.decode(path.read_bytes(), type=Recording)
    except OSError as error:
        raise ConfigurationError(f"{path} can't be read: {error.strerror}.") from None
    except msgspec.DecodeError as error:
        raise ConfigurationError(f"{path} is no recording of answers: {error}.") from None


def compare(one: Recording, other: Recording) -> Iterator[Difference]:
    """Return the differences over the cases that both recordings have."""
    for name in sorted(one.cases.keys() & other.cases.keys()):
        pairs = zip(one.cases[name], other.cases[name], strict=False)
        for number, (mine, theirs) in enumerate(pairs, 1):
            place = f"{number}: {mine.method} {mine.path}"
            if (mine.method, mine.path) != (theirs.method, theirs.path):
                yield Difference(name, place, mine.path, theirs.path)
                break
            if mine.status != theirs.status:
                yield Difference(name, f"{place}, status", mine.status, theirs.status)
            for spot, here, there in _unequal("body", mine.body, theirs.body):
                yield Difference(name, f"{place}, {spot}", here, there)


def _unequal(place: str, one: Any, other: Any) -> Iterator[tuple[str, Any, Any]]:
    if isinstance(one, dict) and isinstance(other, dict):
        for key in sorted(one.keys() | other.keys()):
            yield from _unequal(
                f"{place}.{key}", one.get(key, "<absent>"), other.get(key, "<absent>")
            )
    elif isinstance(one, list) and isinstance(other, list) and len(one) == len(other):
        for index, (here, there) in enumerate(zip(one, other, strict=True)):
            yield from _unequal(f"{place}[{index}]", here, there)
    elif one != other:
        yield place, one, other


def _blanked(result: Result) -> list[Exchange]:
    blank = _Blank(result.prefix)
    return [
        Exchange(found.method, blank.text(found.path), found.status, blank.value("", found.body))
        for found in result.exchanges
    ]


class _Blank:
    """Blanks the answers of one case; the same id gets the same number throughout."""

    def __init__(self, prefix: str) -> None:
        self._prefix = prefix
        self._ids: dict[str, str] = {}

    def value(self, key: str, value: Any) -> Any:
        if isinstance(value, Mapping):
            return {name: self.value(name, inner) for name, inner in value.items()}
        if isinstance(value, list):
            own = [entry for entry in value if key not in _LISTS or self._is_own(entry)]
            return [self.value("", entry) for entry in own]
        if key == "total":
            return "<total>"
        if not isinstance(value, str):
            return value
        if key in _LINKS:
            return "<link>"
        if key == "id" or (key.endswith("Id") and key not in ("externalId", "customId")):
            return self._numbered(value)
        return self.text(value)

    def text(self, text: str) -> str:
        text = text.replace(self._prefix, "<case>")
        text = _UUID.sub(lambda found: self._numbered(found[0]), text)
        return _MOMENT.sub("<time>", text)

    def _numbered(self, value: str) -> str:
        return self._ids.setdefault(value.lower(), f"<id {len(self._ids) + 1}>")

    def _is_own(self, entry: Any) -> bool:
        return self._prefix in msgspec.json.encode(entry).decode()
