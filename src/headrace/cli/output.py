"""Standard output and error: escapes terminal control characters, and survives a reader that goes
away.

Example: `headrace apply | head -1` loses its reader during a delivery. The rest is still sent and
recorded, and the exit code reports the lost output. A character that the encoding lacks is written
as its number.
"""

from __future__ import annotations

import errno
import io
import os
import sys
from typing import Any, TextIO

from headrace.model.shown_text import UNENCODABLE, shown


class PatientFile(io.FileIO):
    """A file that accepts all writes even after it has failed; `lost` holds the reason."""

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
    """Text for people: terminal control characters are escaped."""

    def __init__(self, buffer: io.BufferedWriter, like: TextIO) -> None:
        """`rendered` is the way to write text whose control characters are intended, such as
        colours."""
        how = like.encoding, UNENCODABLE, None, like.isatty(), True
        super().__init__(buffer, *how)
        self.rendered = io.TextIOWrapper(buffer, *how)

    def write(self, text: str) -> int:
        super().write(shown(text))
        return len(text)


def make_patient() -> PatientFile | None:
    """Replace `sys.stdout` and `sys.stderr` by such files; returns the first, None when it is
    closed."""
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
    """Return why output was lost; empty when it was not, or only because its reader went away."""
    if sys.stdout is not None:
        sys.stdout.flush()
    if out is None or out.lost is None or out.lost.errno == errno.EPIPE:
        return ""
    return out.lost.strerror or str(out.lost)
