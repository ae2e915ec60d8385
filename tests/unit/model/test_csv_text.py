"""CSV files that spreadsheets open without carrying anything out."""

from __future__ import annotations

import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headrace.model.csv_text import CsvTable, defused, restored


@pytest.mark.parametrize("text", ["=1+1", "+33 6", "-x", "@SUM(A1)", "\tx", "\r=1", "＝1", "'=1"])
def test_what_could_be_a_formula_becomes_text(text: str) -> None:
    assert defused(text) == f"'{text}"


@pytest.mark.parametrize("text", ["-25.00", "-7", "12.5", "", "Müller & Co", "'quoted'", "a=b"])
def test_numbers_and_plain_text_stay_as_they_are(text: str) -> None:
    assert defused(text) == text


@given(st.text(st.sampled_from("'=+-@\t\r\n1.x＝")))
def test_what_was_defused_comes_back(text: str) -> None:
    assert restored(defused(text)) == text
    assert defused(text)[:1] not in ("=", "+", "@", "\t", "\r", "＝")


def test_every_cell_of_a_table_is_defused() -> None:
    file = io.StringIO(newline="")
    table = CsvTable(file, ("name", "amount"))
    table.add_all([("=cmd|' /C calc'!A0", "-25.00"), (None, -3)])
    assert list(csv.reader(io.StringIO(file.getvalue(), newline=""))) == [
        ["name", "amount"],
        ["'=cmd|' /C calc'!A0", "-25.00"],
        ["", "-3"],
    ]
