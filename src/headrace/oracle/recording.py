"""Recordings: files of JSON lines that can be shared. docs/proxy.md describes the format.

The first line says what the file is. Each other line is an exchange, as `exchange.kept` allows it,
or a difference that was found.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any, TypeAlias

import msgspec
from msgspec import Struct

import headrace
from headrace.model.errors import ConfigurationError
from headrace.oracle.difference import Difference
from headrace.oracle.exchange import Kept

FORMAT = "headrace-recording"
VERSION = 1
_LINES_MOST = 50_000


class Head(Struct, frozen=True, kw_only=True):
    """The first line."""

    format: str = FORMAT
    version: int = VERSION
    kind: str
    """`traffic`, made by the proxy, or `cases`, made by the conformance suite."""
    server: str
    """upflow-production, upflow-sandbox or another."""
    made_by: str = f"headrace {headrace.__version__}"


class KeptLine(Struct, frozen=True):
    """A line with an exchange."""

    exchange: Kept


class DifferenceLine(Struct, frozen=True):
    """A line with a difference."""

    difference: Difference


Line: TypeAlias = KeptLine | DifferenceLine

_HOSTS = {"api.upflow.io": "upflow-production", "api.sandbox.upflow.io": "upflow-sandbox"}


def server_name(host: str | None) -> str:
    """Return what a recording says of the server: nothing that names a company."""
    return _HOSTS.get((host or "").lower().rstrip("."), "another")


class Traffic(Struct, frozen=True):
    """A recording of the proxy."""

    head: Head
    exchanges: list[Kept]
    differences: list[Difference]


class Recorder:
    """Appends exchanges to a file: each shape once, each difference once."""

    def __init__(self, path: Path, server: str) -> None:
        """Start a file. Raises ConfigurationError when it can't be written or exists."""
        try:
            descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        except OSError as error:
            raise ConfigurationError(
                f"{path} can't be written: {error.strerror}. A recording is a new file."
            ) from None
        self._file = os.fdopen(descriptor, "wb")
        self._seen: set[bytes] = set()
        """Lines without tokens. Names of fields that the API does not have may be countless."""
        self._write(Head(kind="traffic", server=server))

    def keep(self, exchange: Kept, differences: Iterator[Difference] | list[Difference]) -> None:
        """Keep an exchange and its differences, unless the same ones are there."""
        bare = msgspec.json.encode(exchange.bare)
        if self._is_new(bare):
            self._write(KeptLine(exchange))
        for difference in differences:
            if self._is_new(msgspec.json.encode(difference)):
                self._write(DifferenceLine(difference))

    def _is_new(self, line: bytes) -> bool:
        new = line not in self._seen and len(self._seen) < _LINES_MOST
        if new:
            self._seen.add(line)
        return new

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def _write(self, line: Struct) -> None:
        self._file.write(msgspec.json.encode(line) + b"\n")
        self._file.flush()


def head_of(path: Path) -> Head:
    """Read the first line. Raises ConfigurationError for anything but a recording."""
    return _head(path, _lines(path))


def load(path: Path) -> Traffic:
    """Read a recording of the proxy. Raises ConfigurationError for anything else."""
    lines = _lines(path)
    head = _head(path, lines)
    if head.kind != "traffic":
        raise ConfigurationError(f"{path} is a recording of cases, not of a proxy.")
    exchanges, differences = [], []
    for number, line in enumerate(lines[1:], 2):
        entry = _entry(path, number, line)
        if isinstance(entry, KeptLine):
            exchanges.append(entry.exchange)
        else:
            differences.append(entry.difference)
    return Traffic(head, exchanges, differences)


def differences_of(path: Path) -> list[Difference]:
    """Read the differences of a recording of either kind."""
    lines = _lines(path)
    _head(path, lines)
    return [
        msgspec.json.decode(line, type=DifferenceLine).difference
        for line in lines[1:]
        if line.startswith(b'{"difference":')
    ]


def _lines(path: Path) -> list[bytes]:
    try:
        return [line for line in path.read_bytes().splitlines() if line.strip()]
    except OSError as error:
        raise ConfigurationError(f"{path} can't be read: {error.strerror}.") from None


def _head(path: Path, lines: list[bytes]) -> Head:
    try:
        head = msgspec.json.decode(lines[0] if lines else b"", type=Head)
    except msgspec.MsgspecError:
        raise ConfigurationError(
            f"{path} is no recording: the first line must say {FORMAT}."
        ) from None
    if head.format != FORMAT or head.version != VERSION:
        raise ConfigurationError(
            f"{path} has version {head.version} of the format, this headrace reads {VERSION}."
        )
    return head


def _entry(path: Path, number: int, line: bytes) -> Any:
    kind = DifferenceLine if line.startswith(b'{"difference":') else KeptLine
    try:
        return msgspec.json.decode(line, type=kind)
    except msgspec.MsgspecError as error:
        raise ConfigurationError(f"{path}, line {number}: {error}.") from None
