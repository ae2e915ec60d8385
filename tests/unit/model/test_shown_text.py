"""What a terminal is shown of text that others wrote."""

from __future__ import annotations

import json
import unicodedata

from hypothesis import given
from hypothesis import strategies as st

from headrace.model.shown_text import UNENCODABLE, shown


def test_what_would_command_a_terminal_is_written_out() -> None:
    assert shown("\x1b[2J\x9b31m\r\x07\u202eevil\u2066\x7f") == (
        "\\u001b[2J\\u009b31m\\u000d\\u0007\\u202eevil\\u2066\\u007f"
    )
    kept = "Łódź Sp. z o.o. 😀 شركة\tx\ny"
    assert shown(kept) == kept


@given(st.text(st.characters(codec=None)))
def test_no_control_and_no_override_is_left_and_showing_twice_changes_nothing(text: str) -> None:
    once = shown(text)
    bidi = {unicodedata.bidirectional(character) for character in once}
    assert not bidi & {"RLO", "LRO", "RLE", "LRE", "PDF", "RLI", "LRI", "FSI", "PDI"}
    assert all(c in "\t\n" or unicodedata.category(c) not in ("Cc", "Cs") for c in once)
    assert shown(once) == once


@given(st.text(st.characters(codec="utf-8")))
def test_a_json_document_stays_the_same_one_in_every_encoding(text: str) -> None:
    document = shown(json.dumps(text, ensure_ascii=False))
    assert json.loads(document) == text
    for encoding in ("ascii", "latin-1", "utf-8"):
        assert json.loads(document.encode(encoding, UNENCODABLE).decode(encoding)) == text
