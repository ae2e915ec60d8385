"""Standard output and error: what they are given never commands the terminal, and what becomes of
their reader never stops what is being done.

`headrace apply | head -1` loses its reader in the middle of a delivery: the rest is still sent and
noted, and the exit code tells of that. An encoding that lacks a character shows its number.
"""

from __future__ import annotations

import errno
import io
import os
import sys
from typing import Any, TextIO

from headrace.model.shown_text import UNENCODABLE, shown


class PatientFile(io.FileIO):
    """A file that takes everything, also when it can't be written any more; `lost` says why."""

    lost: OSError | None = None

    def write(self, data: Any) -> int:
        try:
            return super().write(data)
        except BlockingIOError:
            raise
        except OSError as error:
            self.lost = self.lost or error
            return len(data)


class ShownText(io.TextIOWrapper):
    """Text for people: characters that would command a terminal are written out."""

    def __init__(self, buffer: io.BufferedWriter, like: TextIO) -> None:
        """`rendered` is the way for those who put such characters in themselves, for colours."""
        how = like.encoding, UNENCODABLE, None, like.isatty(), True
        super().__init__(buffer, *how)
        self.rendered = io.TextIOWrapper(buffer, *how)

    def write(self, text: str) -> int:
        super().write(shown(text))
        return len(text)


def make_patient() -> PatientFile | None:
    """Puts such files under `sys.stdout` and `sys.stderr`; gives that of the first, None when it
    is closed."""
    for number in range(3):
        # A file that is opened later must not become what a library prints to.
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)
    _, sys.stderr = _patient(sys.stderr)
    out, sys.stdout = _patient(sys.stdout)
    return out


def _patient(stream: Any) -> tuple[PatientFile | None, Any]:
    if stream is None:
        return None, None
    stream.flush()
    try:
        file = PatientFile(stream.fileno(), "w", closefd=False)
    except (OSError, ValueError):  # not a file, as in somebody's test
        return None, stream
    return file, ShownText(io.BufferedWriter(file), stream)


def unwritten(out: PatientFile | None) -> str:
    """Why output was lost; empty when it was not, or only because its reader went away."""
    if sys.stdout is not None:
        sys.stdout.flush()
    if out is None or out.lost is None or out.lost.errno == errno.EPIPE:
        return ""
    return out.lost.strerror or str(out.lost)
