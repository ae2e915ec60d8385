"""How many rows may change before another column counts as one in whole units."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from headrace.book.models.lost_decimals import is_whole, margin


@given(st.integers(0, 400), st.integers(0, 100), st.data())
def test_within_the_margin_the_answer_stays(rows: int, parts: int, data: st.DataObject) -> None:
    whole = max(0, rows - parts)
    before, changes = is_whole(rows, whole), margin(rows, whole)
    for _ in range(max(0, changes)):
        coming, is_one = data.draw(st.booleans()), data.draw(st.booleans())
        if coming:
            rows, whole = rows + 1, whole + is_one
        elif is_one and whole:
            rows, whole = rows - 1, whole - 1
        elif rows > whole:
            rows -= 1
        assert is_whole(rows, whole) is before


def test_the_margin_is_no_smaller_than_it_has_to_be() -> None:
    assert margin(1000, 1000) == 19
    assert not is_whole(1000, 979)  # 21 amounts got decimals
    assert margin(0, 0) == -1
