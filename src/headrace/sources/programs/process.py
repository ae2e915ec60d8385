"""A program that writes one JSON message per line, such as a worker or a Singer tap."""

from __future__ import annotations

import math
import re
import subprocess
import tempfile
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from decimal import Decimal
from json import JSONDecodeError
from pathlib import Path
from typing import IO, Any, Protocol

import msgspec

from headrace.model.errors import SourceError
from headrace.model.json_text import read_json
from headrace.sources.address import masked

_LAST_WORDS = 2000
_MESSAGE = re.compile(rb'\s*\{\s*"')
"""How a JSON object begins, but hardly a line of a log."""
_RUNNING: set[Program] = set()
_STARTING = threading.Lock()
"""Held until a program that starts is known to be running: it could not be ended in between."""
_START_S = 1.0


class Program(Protocol):
    """A process with pipes, such as a `Popen`."""

    @property
    def stdin(self) -> IO[bytes] | None:
        """What it reads."""

    @property
    def stdout(self) -> IO[bytes] | None:
        """What it writes."""

    def poll(self) -> int | None:
        """Return how it ended, None while it runs."""

    def wait(self) -> int:
        """Wait for its end; returns its exit code, negative for a signal."""

    def kill(self) -> None:
        """End it."""


class UnreadableLine(SourceError):
    """A line that is no JSON, though it begins like a message."""


def messages(
    what: str,
    command: Sequence[str],
    given: bytes = b"",
    secrets: Sequence[str] = (),
    environment: Mapping[str, str] | None = None,
    folder: Path | None = None,
    whole: bool = False,
    start: Callable[[IO[bytes]], Program] | None = None,
) -> Iterator[dict[str, Any]]:
    """Run a program and yield its messages; lines that begin like no JSON object are left out.

    Raises SourceError with the program's last words, without secrets, when it can't be started or
    fails, and for a line that can't be read, which may be a record. The program is ended when the
    caller stops reading. `whole` stands for one message over all lines. `start` starts the program
    in another way; it gets the file of its error output.
    """
    with tempfile.TemporaryFile() as said:
        try:
            with _STARTING:
                process = start(said) if start else started(command, said, environment, folder)
                _RUNNING.add(process)
        except OSError as error:
            raise SourceError(f"{what}: {command[0]} can't be run: {error.strerror}.") from None
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            with suppress(BrokenPipeError), process.stdin:  # one that has ended says why
                process.stdin.write(given)
            unreadable = None
            try:
                yield from decoded(what, [process.stdout.read()] if whole else process.stdout)
            except UnreadableLine as error:
                if process.stdout.read(1):
                    raise
                unreadable = error  # the last line: one of a program that fails may be cut
            code = process.wait()
        finally:
            if process.poll() is None:
                process.kill()
                process.wait()
            _RUNNING.discard(process)
            process.stdout.close()
        if code:
            words = masked(_last_words(said), secrets) or f"it ended with code {code}"
            raise SourceError(f"{what}: {words.rstrip('.')}.")
        if unreadable is not None:
            raise unreadable


def started(
    command: Sequence[str],
    errors: IO[bytes],
    environment: Mapping[str, str] | None = None,
    folder: Path | None = None,
) -> subprocess.Popen[bytes]:
    """Start a program whose error output is a file. Raises OSError."""
    pipe = subprocess.PIPE
    return subprocess.Popen(
        command, stdin=pipe, stdout=pipe, stderr=errors, env=environment, cwd=folder
    )


def end_programs() -> None:
    """End all programs that are read at the moment; their readers get a SourceError.

    One that starts is waited for, but not for long: its file may be on a disk that hangs.
    """
    known = _STARTING.acquire(timeout=_START_S)
    for process in list(_RUNNING):
        process.kill()
    if known:
        _STARTING.release()


def decoded(what: str, lines: Iterable[bytes]) -> Iterator[dict[str, Any]]:
    """Yield the messages of lines; numbers that a float would round are text. Raises
    UnreadableLine."""
    decoder = msgspec.json.Decoder(float_hook=exact_number)
    for number, line in enumerate(lines, 1):
        if not line.lstrip().startswith(b"{"):
            continue
        try:
            yield decoder.decode(line)
            continue
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            pass
        try:
            yield read_json(line, exact_number)
        except (ValueError, RecursionError) as error:
            if not _MESSAGE.match(line):
                continue
            why = f"{error.msg} at {error.pos}" if isinstance(error, JSONDecodeError) else error
            raise UnreadableLine(
                f"{what}: line {number} of its messages is not JSON ({why}), so a record may be "
                "missing: correct the program that writes it."
            ) from None


def exact_number(text: str) -> float | str:
    """Return a number of JSON with decimals, or its text where a float would round it."""
    number = float(text)
    return number if math.isfinite(number) and Decimal(text) == Decimal(repr(number)) else text


def _last_words(said: IO[bytes]) -> str:
    """Return the last line that a program wrote to its error output."""
    size = said.seek(0, 2)
    said.seek(max(0, size - _LAST_WORDS))
    lines = said.read().decode(errors="replace").strip().splitlines()
    return lines[-1].strip() if lines else ""
