"""The request log: one JSON line per request of an organisation."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable
from pathlib import Path

import msgspec
from msgspec import Struct

_LOGGER = logging.getLogger("headrace.server")


class LogRecord(Struct, frozen=True, gc=False):
    """What the log records of a request; times are monotonic seconds of the hub's machine."""

    arrived: float
    answered: float
    organisation: str
    method: str
    path: str
    status: int
    entity: str | None
    external_id: str | None
    customer: str | None
    """External id of the customer that it was about."""
    in_flight: int
    """The organisation's requests in flight at its arrival, itself included."""
    ignored: tuple[str, ...] = ()
    """Fields of the body that the hub does not support, and query parameters, as `?name`, that had
    no effect."""
    time: str | None = None
    """When it was answered, in real time."""
    clock: str | None = None
    """The organisation's time, where a test has frozen it."""
    fault: str | None = None
    """The kind of fault that hit it; `status` is 0 when the fault suppressed the answer."""


_OBJECT = msgspec.json.Decoder(dict[str, msgspec.Raw])

Sink = Callable[[LogRecord], None]


class FileSink:
    """Appends to a file; each record is written before the next is accepted.

    A process that is killed and a disk that is full leave a part of a line. The next record starts
    a line of its own, so that only the one that was cut is lost.
    """

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._cut = _ends_within_a_line(path)
        self._file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)

    def __call__(self, record: LogRecord) -> None:
        line = b"\n" * self._cut + msgspec.json.encode(record) + b"\n"
        try:
            written = os.write(self._file, line)
        except OSError as error:
            # A full disk must not fail a request that has succeeded.
            _LOGGER.error("the request log can't be written: %s", error)
            return
        self._cut = written < len(line)
        if self._cut:
            _LOGGER.error("the request log can't be written: only a part of a line was")

    def close(self) -> None:
        os.close(self._file)


def _ends_within_a_line(path: Path) -> bool:
    if not path.is_file() or not path.stat().st_size:
        return False
    with path.open("rb") as file:
        file.seek(-1, os.SEEK_END)
        return file.read() != b"\n"


def unknown_fields(body: bytes, kind: type[Struct]) -> tuple[str, ...]:
    """Return the top-level names of a JSON object that the record does not define."""
    try:
        sent = _OBJECT.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return ()
    return tuple(name for name in sent if name not in kind.__struct_encode_fields__)
