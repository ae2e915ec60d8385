"""Makes text from a source, an API or a request safe to show on a terminal.

Unsafe characters are escaped as in JSON, such as `\u001b`, so a JSON document keeps its meaning.
"""

from __future__ import annotations

import codecs
import re

# Control characters (C0 and C1, except line ends and tabs), characters that change the reading
# direction, characters that can't be encoded, and separators that some programs treat as line ends.
_UNSHOWN = re.compile(
    r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff\ud800-\udfff]"
)
UNENCODABLE = "headrace.shown"
"""Name of an error handler that escapes characters that an encoding lacks in the same way."""


def shown(text: str) -> str:
    """Return the text with each of those characters escaped."""
    return _UNSHOWN.sub(lambda found: _written(found[0]), text)


def _written(text: str) -> str:
    units = text.encode("utf-16-be", "surrogatepass")
    return "".join(f"\\u{units[i : i + 2].hex()}" for i in range(0, len(units), 2))


def _write_out(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    return _written(error.object[error.start : error.end]), error.end


codecs.register_error(UNENCODABLE, _write_out)
