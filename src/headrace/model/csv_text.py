"""CSV for people: a spreadsheet must show what stands in a cell, and not carry it out."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Sequence
from typing import TextIO

# With an apostrophe before it, a spreadsheet takes a cell for text; the wide forms are read alike
# in East Asian ones. Those that begin with apostrophes already get one more, to be told apart.
_FORMULA = re.compile(r"'*[=+\-@\t\r\n＝＋－＠]")
_NUMBER = re.compile(r"-?[0-9]+(\.[0-9]+)?")


def defused(text: str) -> str:
    """The text, with an apostrophe before it where it could be taken for a formula.

    Numbers such as -25.00 stay as they are.
    """
    if not _FORMULA.match(text) or _NUMBER.fullmatch(text):
        return text
    return f"'{text}"


def restored(text: str) -> str:
    """What `defused` was given."""
    return text[1:] if text.startswith("'") and _FORMULA.match(text) else text


class CsvTable:
    """Writes rows to an open file, every cell defused."""

    def __init__(self, file: TextIO, columns: Sequence[str]) -> None:
        """Writes the line of column names."""
        self._writer = csv.writer(file)
        self._writer.writerow(columns)

    def add(self, row: Sequence[str | int | None]) -> None:
        """One row; None is an empty cell."""
        self._writer.writerow(defused(cell) if isinstance(cell, str) else cell for cell in row)

    def add_all(self, rows: Iterable[Sequence[str | int | None]]) -> None:
        """Several rows."""
        for row in rows:
            self.add(row)
