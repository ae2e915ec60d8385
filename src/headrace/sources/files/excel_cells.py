"""The cells of an .xlsx sheet that a reader of values shows otherwise than Excel does.

These are errors, such as `#N/A`, and whole numbers whose format adds to their digits, such as 123
shown as `00123` or `INV-00123`. Other formats only round or group, or are dates.
"""

from __future__ import annotations

import re
import zipfile
from collections.abc import Iterator
from decimal import Decimal, InvalidOperation
from pathlib import Path
from posixpath import join, normpath
from typing import IO
from xml.etree import ElementTree
from xml.parsers import expat

from msgspec import Struct

_CHUNK = 1 << 20
_ERROR = re.compile(rb"""\bt\s*=\s*["']e["']""")
_REACH = 32
"""Bytes of a chunk that are looked at again with the next one."""
_PADDED = re.compile(r'((?:"[^"]*"|\\.)*)(0{2,}|0(?=["\\]))((?:"[^"]*"|\\.)*)')
_QUOTED = re.compile(r'"([^"]*)"|\\(.)')
_PLACE = re.compile(r"([A-Z]+)([0-9]+)")


class OddCell(Struct, frozen=True):
    """One cell."""

    row: int
    """Counts from the first row of the sheet that has a value; `column` likewise."""
    column: int
    text: str


class _Form(Struct, frozen=True):
    """A number's format: what stands before it, how many digits it has, and what follows."""

    before: str
    digits: int
    after: str

    def shown(self, value: str) -> str | None:
        try:
            number = Decimal(value)
        except InvalidOperation:
            return None
        if number != int(number):
            return None
        sign = "-" if number < 0 else ""
        return f"{sign}{self.before}{abs(int(number)):0{self.digits}}{self.after}"


def odd_cells(path: Path, sheet: str) -> list[OddCell]:
    """Return the odd cells of a sheet of an .xlsx or .xlsm file; none of other files."""
    if path.suffix.lower() not in (".xlsx", ".xlsm"):
        return []
    with zipfile.ZipFile(path) as book:
        member = _member(book, sheet)
        if member is None:
            return []
        forms = _forms(book)
        with book.open(member) as file:
            if not forms and not _has_error(file):
                return []
        with book.open(member) as file:
            return _Cells(forms).read(file)


def _local(tag: str) -> str:
    return tag.rpartition("}")[2].rpartition(":")[2]


def _parsed(book: zipfile.ZipFile, name: str) -> Iterator[ElementTree.Element]:
    try:
        with book.open(name) as file:
            yield from ElementTree.parse(file).iter()
    except KeyError:
        return


def _member(book: zipfile.ZipFile, sheet: str) -> str | None:
    """Return the file inside the workbook that has the sheet."""
    targets = {
        one.get("Id", ""): one.get("Target", "")
        for one in _parsed(book, "xl/_rels/workbook.xml.rels")
    }
    for one in _parsed(book, "xl/workbook.xml"):
        if _local(one.tag) == "sheet" and one.get("name") == sheet:
            link = next((v for key, v in one.attrib.items() if _local(key) == "id"), "")
            target = targets.get(link, "")
            name = target.lstrip("/") if target.startswith("/") else normpath(join("xl", target))
            return name if name in book.namelist() else None
    return None


def _forms(book: zipfile.ZipFile) -> dict[str, _Form]:
    """Return the formats that add to a number's digits, by the number of the cell's style."""
    codes: dict[str, str] = {}
    styles: list[str] = []
    for one in _parsed(book, "xl/styles.xml"):
        name = _local(one.tag)
        if name == "numFmt":
            codes[one.get("numFmtId", "")] = one.get("formatCode", "")
        elif name == "cellXfs":
            styles = [style.get("numFmtId", "") for style in one]
    found = {}
    for place, number in enumerate(styles):
        match = _PADDED.fullmatch(codes.get(number, "").partition(";")[0])
        if match:
            found[str(place)] = _Form(_plain(match[1]), len(match[2]), _plain(match[3]))
    return found


def _plain(text: str) -> str:
    return "".join(quoted or escaped for quoted, escaped in _QUOTED.findall(text))


def _has_error(file: IO[bytes]) -> bool:
    before = b""
    while chunk := file.read(_CHUNK):
        if _ERROR.search(before + chunk):
            return True
        before = chunk[-_REACH:]
    return False


class _Cells:
    """Collects the odd cells of one sheet."""

    def __init__(self, forms: dict[str, _Form]) -> None:
        self._forms = forms
        self._odd: list[tuple[int, int, str]] = []
        self._first_row = self._first_column = 1 << 30
        self._row = self._column = 0
        self._style = self._kind = ""
        self._text: list[str] | None = None

    def read(self, file: IO[bytes]) -> list[OddCell]:
        """Return what a sheet has."""
        parser = expat.ParserCreate()
        parser.buffer_text = True
        parser.StartElementHandler = self._start
        parser.EndElementHandler = self._end
        parser.CharacterDataHandler = self._take
        parser.ParseFile(file)
        return [
            OddCell(row - self._first_row, column - self._first_column, text)
            for row, column, text in self._odd
        ]

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        local = _local(name)
        if local == "row":
            self._row = int(attributes.get("r", self._row + 1))
            self._column = 0
        elif local == "c":
            match = _PLACE.fullmatch(attributes.get("r", ""))
            self._column = _number(match[1]) if match else self._column + 1
            self._style, self._kind = attributes.get("s", ""), attributes.get("t", "n")
        elif local in ("v", "t"):
            self._text = []

    def _take(self, text: str) -> None:
        if self._text is not None:
            self._text.append(text)

    def _end(self, name: str) -> None:
        if self._text is None or _local(name) not in ("v", "t"):
            return
        value, self._text = "".join(self._text), None
        self._first_row = min(self._first_row, self._row)
        self._first_column = min(self._first_column, self._column)
        shown = value if self._kind == "e" else None
        if self._kind == "n" and self._style in self._forms:
            shown = self._forms[self._style].shown(value)
        if shown is not None:
            self._odd.append((self._row, self._column, shown))


def _number(letters: str) -> int:
    """Return the number of a column, such as 28 for AB."""
    number = 0
    for letter in letters:
        number = number * 26 + ord(letter) - 64
    return number
