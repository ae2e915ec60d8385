"""Text in a command line that people paste into a shell."""

from __future__ import annotations

import re
import shlex

_UNSAFE = re.compile(
    r"[^ -~\u00a0-\ud7ff\uf900-\ufffd\U00010000-\U0010ffff]"
    r"|[\u200b-\u200f\u2028-\u202e\u2066-\u2069\ufeff]"
)
"""Control characters, surrogates, and characters that are invisible or turn text around."""


def quoted(text: str) -> str:
    """Quote for a POSIX shell, so that nothing in the text is executed or moves the cursor.

    Control and invisible characters are written as escapes, in the `$'...'` form that bash, zsh
    and ksh read.
    """
    if not _UNSAFE.search(text):
        return shlex.quote(text)
    plain = text.replace("\\", "\\\\").replace("'", "\\'")
    escaped = _UNSAFE.sub(lambda found: _escape(found[0]), plain)
    return f"$'{escaped}'"


def _escape(character: str) -> str:
    code = ord(character)
    return f"\\x{code:02x}" if code < 0x80 else f"\\u{code:04x}"
