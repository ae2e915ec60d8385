"""JSON with halves of characters: what a strict decoder refuses, and UTF-8 can't hold."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from headrace.model.json_text import read_json, without_halves, written_json

_TEXTS = st.text(st.characters(codec=None), max_size=8) | st.sampled_from(
    [
        "\ud83d",
        "\ude00",
        "\ud83d\ude00",
        "\ude00\ud83d",
        "\ud83d\ud83d\ude00",
        "\\ud83d",
        "\\\ud83d",
    ]
)
_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | _TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_TEXTS, inner, max_size=3),
    max_leaves=8,
)


def _whole(value: Any) -> Any:
    """The value with pairs of surrogates as one character and halves as U+FFFD."""
    if isinstance(value, str):
        return value.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    if isinstance(value, list):
        return [_whole(one) for one in value]
    if isinstance(value, dict):
        return {_whole(name): _whole(one) for name, one in value.items()}
    return value


@given(_VALUES)
def test_halves_become_one_sign_and_everything_else_stays(value: Any) -> None:
    text = json.dumps(value)
    assert msgspec.json.decode(without_halves(text)) == _whole(value)
    assert read_json(text.encode()) == _whole(value)
    assert msgspec.json.decode(written_json(value)) == _whole(value)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        (b'{"a": NaN}', {"a": "NaN"}),
        (b"[-Infinity, Infinity, 1.50]", ["-Infinity", "Infinity", "1.50"]),
        (b'["M\xfcller"]', ["M\ufffdller"]),
        (b'["a\tb"]', ["a\tb"]),
        (b"123456789012345678901234567890", 123456789012345678901234567890),
    ],
)
def test_what_strict_decoders_refuse_is_read(text: bytes, value: Any) -> None:
    assert read_json(text, str) == value


@pytest.mark.parametrize("text", [b"", b'{"a": 01}', b'{"a": ', b"{'a': 1}", b"[1] 2"])
def test_what_is_no_json_is_refused(text: bytes) -> None:
    with pytest.raises(ValueError, match=r".+"):
        read_json(text)
