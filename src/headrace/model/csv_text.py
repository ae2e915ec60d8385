"""Writes CSV files that are safe to open in a spreadsheet: no cell is executed as a formula."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Sequence
from typing import TextIO

# A spreadsheet treats a cell that starts with an apostrophe as text. The full-width forms are
# treated like the others in East Asian editions. A cell that already starts with an apostrophe gets
# another, so that `restored` can tell them apart.
_FORMULA = re.compile(r"'*[=+\-@\t\r\n＝＋－＠]")
_NUMBER = re.compile(r"-?[0-9]+(\.[0-9]+)?")


def defused(text: str) -> str:
    """Return the text, with an apostrophe in front where it could be taken for a formula.

    Numbers such as -25.00 are not changed.
    """
    if not _FORMULA.match(text) or _NUMBER.fullmatch(text):
        return text
    return f"'{text}"


def restored(text: str) -> str:
    """Return the text that `defused` was given."""
    return text[1:] if text.startswith("'") and _FORMULA.match(text) else text


class CsvTable:
    """Writes rows to an open file, with every cell defused."""

    def __init__(self, file: TextIO, columns: Sequence[str]) -> None:
        """Write the line of column names."""
        self._writer = csv.writer(file)
        self._writer.writerow(columns)

    def add(self, row: Sequence[str | int | None]) -> None:
        """Write one row; None is an empty cell."""
        self._writer.writerow(defused(cell) if isinstance(cell, str) else cell for cell in row)

    def add_all(self, rows: Iterable[Sequence[str | int | None]]) -> None:
        """Write several rows."""
        for row in rows:
            self.add(row)
