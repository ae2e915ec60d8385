"""JSON with halves of characters, as programs write it that cut a text between two UTF-16 units.

JSON may escape a character beyond the first 65,536 as a pair of surrogates. Half a pair is no
character, so strict decoders refuse it, and UTF-8 can't hold it. It becomes U+FFFD here, which
keeps the rest of the record.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

import msgspec

_ENCODER = msgspec.json.Encoder()
_ESCAPES = re.compile(
    r"\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}"  # a pair
    r"|\\u[dD][89a-fA-F][0-9a-fA-F]{2}"  # half of one
    r"|\\.",
    re.DOTALL,
)
_HALF = len(r"\ud83d")
_REPLACED = r"\ufffd"


def without_halves(text: str) -> str:
    """Return JSON with each half of a pair of surrogates replaced by U+FFFD."""
    return _ESCAPES.sub(lambda one: _REPLACED if len(one[0]) == _HALF else one[0], text)


def read_json(text: bytes, parse_float: Callable[[str], Any] = float) -> Any:
    """Decode JSON that a strict decoder may refuse: halves of characters, bytes that are no UTF-8,
    control characters in texts, and NaN and Infinity, which become texts.

    Raises ValueError for anything else, and RecursionError for what is nested too deeply.
    """
    whole = without_halves(text.decode("utf-8", "replace"))
    return json.loads(whole, parse_float=parse_float, parse_constant=str, strict=False)


def written_json(value: Any) -> bytes:
    """Encode a value; halves of characters in its texts become U+FFFD."""
    try:
        return _ENCODER.encode(value)
    except UnicodeEncodeError:
        return without_halves(json.dumps(msgspec.to_builtins(value))).encode()
