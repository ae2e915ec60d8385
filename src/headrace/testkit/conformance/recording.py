"""Recordings of a server's answers, so that two servers can be compared without running them.

They are made by allow-list, so that they can be shared: statuses, names and values that the API's
schema knows, what the case itself sent, and numbers of its own entities. Ids are numbered; any
other text, time and number is blanked, and so are entities of others. Two recordings of one server
are equal.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import msgspec
from msgspec import Struct

from headrace.model.errors import ConfigurationError
from headrace.oracle.recording import Head, head_of, server_name
from headrace.oracle.vocabulary import COUNTED, ENVELOPES, FIELDS, VALUES
from headrace.testkit.conformance.session import Exchange
from headrace.testkit.conformance.suite import Result

_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", re.IGNORECASE)
_DAY = re.compile(r"\d{4}-\d\d-\d\d")
_LINKS = frozenset({"url", "pdfUrl", "directUrl"})
_LISTS = ENVELOPES - {""}
KIND = "cases"


class Recording(Struct, frozen=True):
    """The recorded answers of one run."""

    server: str
    """upflow-production, upflow-sandbox or another."""
    cases: dict[str, list[Exchange]]
    """Answers by the name of the case, in the order of the requests."""


class Difference(Struct, frozen=True):
    """One difference between two recordings."""

    case: str
    place: str
    """Request and field, such as `POST /customers, body.balance`."""
    one: Any
    other: Any


class _Case(Struct, frozen=True):
    """A line of the file."""

    case: str
    exchanges: list[Exchange]


def record(server: str, results: Iterable[Result]) -> Recording:
    """Return what may be kept of the cases that were run; `server` is the base URL."""
    found = {result.case.name: _kept(result) for result in results}
    return Recording(server_name(urlsplit(server).hostname), dict(sorted(found.items())))


def save(recording: Recording, path: Path) -> None:
    """Write a recording. Raises ConfigurationError when it can't be written."""
    lines: list[Struct] = [Head(kind=KIND, server=recording.server)]
    lines += [_Case(name, found) for name, found in recording.cases.items()]
    text = b"".join(msgspec.json.encode(line, order="sorted") + b"\n" for line in lines)
    try:
        path.write_bytes(text)
    except OSError as error:
        raise ConfigurationError(f"{path} can't be written: {error.strerror}.") from None


def load(path: Path) -> Recording:
    """Read a recording. Raises ConfigurationError for anything else."""
    head = head_of(path)
    if head.kind != KIND:
        raise ConfigurationError(f"{path} is a recording of {head.kind}, not of {KIND}.")
    try:
        lines = path.read_bytes().splitlines()[1:]
        cases = [msgspec.json.decode(line, type=_Case) for line in lines if line.strip()]
    except msgspec.DecodeError as error:
        raise ConfigurationError(f"{path} is no recording of answers: {error}.") from None
    return Recording(head.server, {one.case: one.exchanges for one in cases})


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


def _kept(result: Result) -> list[Exchange]:
    allow = _Allowed(result.prefix, result.sent)
    return [
        Exchange(found.method, allow.path(found.path), found.status, allow.value("", found.body))
        for found in result.exchanges
    ]


class _Allowed:
    """What may be kept of one case's answers; the same id gets the same number throughout."""

    def __init__(self, prefix: str, sent: frozenset[str]) -> None:
        self._prefix = prefix
        self._sent = sent
        self._days = {text[:10] for text in sent if _DAY.match(text)}
        self._ids: dict[str, str] = {}

    def value(self, key: str, value: Any, own: bool = False) -> Any:
        """Return a value of an answer. In an entity of the case itself, numbers are its own."""
        if isinstance(value, Mapping):
            own = own or self._is_own(value)
            return {self._name(name): self.value(name, one, own) for name, one in value.items()}
        if isinstance(value, list):
            entries = [entry for entry in value if key not in _LISTS or self._is_own(entry)]
            return [self.value(key, entry, own) for entry in entries]
        if key == "total":
            return "<total>"
        if isinstance(value, int | float) and not isinstance(value, bool):
            return value if own or key in COUNTED else "<number>"
        return self._text(key, value) if isinstance(value, str) else value

    def path(self, path: str) -> str:
        """Return the path of a request: the case's own words, with ids numbered."""
        parts = re.split(r"([/?&=])", path)
        return "".join(self._ids.get(part.lower(), self._own(part)) for part in parts)

    def _name(self, name: str) -> str:
        return name if name in FIELDS or name in self._sent else "<field>"

    def _text(self, key: str, text: str) -> str:
        if text in VALUES.get(key, ()):
            return text
        if text in self._sent:
            return self._own(text)
        if key in _LINKS:
            return "<link>"
        if key == "id" or (key.endswith("Id") and key not in ("externalId", "customId")):
            return self._numbered(text)
        if _DAY.match(text):
            return text if text[:10] in self._days else "<time>"
        return "<text>"

    def _own(self, text: str) -> str:
        text = text.replace(self._prefix, "<case>")
        return _UUID.sub(lambda found: self._numbered(found[0]), text)

    def _numbered(self, value: str) -> str:
        return self._ids.setdefault(value.lower(), f"<id {len(self._ids) + 1}>")

    def _is_own(self, entry: Any) -> bool:
        return self._prefix in msgspec.json.encode(entry).decode()
