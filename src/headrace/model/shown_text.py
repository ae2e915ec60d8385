r"""Text from a source, an API or a request as a terminal may show it: nothing in it commands.

What is not shown as it is stands as `\u001b` does in JSON, so that a document stays the same one.
"""

from __future__ import annotations

import codecs
import re

# What a terminal obeys (C0 and C1, line ends and tabs aside), what turns the order of what is
# read, what no encoding has, and separators that some take for a line's end.
_UNSHOWN = re.compile(
    r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff\ud800-\udfff]"
)
UNENCODABLE = "headrace.shown"
"""The name of an encoding's error handler that writes what it lacks in that way."""


def shown(text: str) -> str:
    """The text with each of those characters written out."""
    return _UNSHOWN.sub(lambda found: _written(found[0]), text)


def _written(text: str) -> str:
    units = text.encode("utf-16-be", "surrogatepass")
    return "".join(f"\\u{units[i : i + 2].hex()}" for i in range(0, len(units), 2))


def _write_out(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    return _written(error.object[error.start : error.end]), error.end


codecs.register_error(UNENCODABLE, _write_out)
