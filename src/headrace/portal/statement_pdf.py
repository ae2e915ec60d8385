"""A statement of account as PDF: every line, page after page, with the running balance."""

from __future__ import annotations

import functools
import io
from collections.abc import Iterator, Sequence
from importlib import resources
from typing import Any

from msgspec import Struct

from headrace.portal.language import Reader
from headrace.store.records.account_statement import CurrencyStatement, StatementLine

try:
    from reportlab.lib.pagesizes import A4
    from reportlab.pdfbase import pdfmetrics
    from reportlab.pdfbase.ttfonts import TTFont
    from reportlab.pdfgen.canvas import Canvas

    HAS_PDF = True
    """Whether PDFs can be made: they need reportlab, an extra."""
except ImportError:
    HAS_PDF = False

_FONT = "DejaVuSans"
_SIZE, _SMALL, _LARGE = 8.0, 7.0, 14.0
_LINE = 13.0
_LEFT, _RIGHT, _TOP, _BOTTOM = 40.0, 555.0, 800.0, 50.0
"""Margins of a page of A4, in points from the lower left corner."""
_ELLIPSIS = "…"


class Heading(Struct, frozen=True):
    """What stands above the lines."""

    seller: str
    customer: str
    first: str
    last: str


class _Column(Struct, frozen=True):
    name: str
    x: float
    """Of the left edge, or of the right edge of amounts."""
    width: float
    right: bool = False


_COLUMNS = (
    _Column("date", 40, 62),
    _Column("kind", 104, 62),
    _Column("number", 168, 150),
    _Column("due", 322, 56),
    _Column("debit", 440, 60, right=True),
    _Column("credit", 498, 60, right=True),
    _Column("balance", 555, 60, right=True),
)


def statement_pdf(
    heading: Heading, statements: Sequence[CurrencyStatement], reader: Reader
) -> bytes:
    """Return the PDF. Ten thousand lines take one or two seconds, and more of them longer."""
    return _Paper(heading, reader).write(statements)


class _Paper:
    """Writes lines from the top of a page to its bottom, then on the next page."""

    def __init__(self, heading: Heading, reader: Reader) -> None:
        _load_font()
        self._heading = heading
        self._say = reader.say
        self._reader = reader
        self._out = io.BytesIO()
        self._canvas: Any = Canvas(self._out, pagesize=A4, pageCompression=1)
        self._canvas.setTitle(f"{reader.say('statement')}: {heading.customer}")
        self._canvas.setAuthor(heading.seller)
        self._page = 0
        self._y = 0.0
        self._widths: dict[tuple[str, float], float] = {}

    def write(self, statements: Sequence[CurrencyStatement]) -> bytes:
        """Write everything; returns the file."""
        self._begin_page()
        if not statements:
            self._text(_LEFT, self._say("nothing_in_period"), _SIZE)
        for statement in statements:
            self._write_currency(statement)
        self._canvas.save()
        return self._out.getvalue()

    def _write_currency(self, statement: CurrencyStatement) -> None:
        self._need(5)
        self._y -= _LINE
        self._text(_LEFT, self._say("sums_in", currency=statement.currency), 10)
        self._down()
        self._write_columns()
        self._write_cells(self._edge("opening", statement.opening, statement.currency))
        for line in statement.lines:
            if self._need(1):
                self._write_columns()
            self._write_cells(self._cells(line, statement.currency))
        self._rule()
        self._write_cells(self._edge("closing", statement.closing, statement.currency))

    def _write_columns(self) -> None:
        self._write_cells({column.name: self._say(column.name) for column in _COLUMNS})
        self._rule()

    def _rule(self) -> None:
        y = self._y + _LINE - 4
        self._canvas.setLineWidth(0.5)
        self._canvas.line(_LEFT, y, _RIGHT, y)

    def _edge(self, name: str, amount: int, currency: str) -> dict[str, str]:
        return {"number": self._say(name), "balance": self._reader.money(amount, currency)}

    def _cells(self, line: StatementLine, currency: str) -> dict[str, str]:
        money = functools.partial(self._reader.money, currency=currency)
        whose = f", {line.customer}" if line.customer else ""
        return {
            "date": self._reader.date(line.day),
            "kind": self._say(f"kind_{line.entity}"),
            "number": line.number + whose,
            "due": self._reader.date(line.due),
            "debit": money(line.amount) if line.amount >= 0 else "",
            "credit": money(-line.amount) if line.amount < 0 else "",
            "balance": money(line.balance),
        }

    def _write_cells(self, cells: dict[str, str]) -> None:
        for column in _COLUMNS:
            if text := cells.get(column.name):
                self._write_cell(column, text)
        self._down()

    def _write_cell(self, column: _Column, text: str) -> None:
        """Write text into its column: smaller where it is too wide, and shortened where it is too
        wide even so; an amount is never shortened."""
        size = _SIZE
        width = self._width(text, size)
        if width > column.width:
            size = max(_SIZE * column.width / width, 4.0 if column.right else _SMALL)
            width = self._width(text, size)
        if width > column.width and not column.right:
            text = self._shortened(text, size, column.width)
        self._text(column.x - width if column.right else column.x, text, size)

    def _shortened(self, text: str, size: float, width: float) -> str:
        while text and self._width(text + _ELLIPSIS, size) > width:
            text = text[:-1]
        return text + _ELLIPSIS

    def _width(self, text: str, size: float) -> float:
        # Texts repeat on almost every line; measuring is a third of the time.
        key = (text, size)
        if key not in self._widths:
            self._widths[key] = pdfmetrics.stringWidth(text, _FONT, size)
        return self._widths[key]

    def _text(self, x: float, text: str, size: float) -> None:
        self._canvas.setFont(_FONT, size)
        self._canvas.drawString(x, self._y, text)

    def _down(self) -> None:
        self._y -= _LINE

    def _need(self, lines: int) -> bool:
        """Make room for some lines; returns whether that began a page."""
        if self._y - lines * _LINE >= _BOTTOM:
            return False
        self._canvas.showPage()
        self._begin_page()
        return True

    def _begin_page(self) -> None:
        self._page += 1
        self._y = _TOP
        for text, size in self._head():
            self._text(_LEFT, self._shortened_to_page(text, size), size)
            self._y -= size + 9
        self._canvas.setFont(_FONT, _SMALL)
        self._canvas.drawRightString(_RIGHT, _BOTTOM - 20, self._say("page_number", n=self._page))

    def _shortened_to_page(self, text: str, size: float) -> str:
        room = _RIGHT - _LEFT
        return text if self._width(text, size) <= room else self._shortened(text, size, room)

    def _head(self) -> Iterator[tuple[str, float]]:
        heading = self._heading
        period = self._say("period", first=heading.first, last=heading.last)
        if self._page > 1:
            yield f"{self._say('statement')}, {heading.customer}, {period}", _SMALL
            return
        yield heading.seller, 10
        yield self._say("statement"), _LARGE
        yield heading.customer, 10
        yield period, _SIZE


@functools.cache
def _load_font() -> None:
    """Load the font once. It has Latin, Greek, Cyrillic and more; PDF's own fonts have Latin."""
    file = resources.files("headrace.portal").joinpath("fonts", f"{_FONT}.ttf")
    pdfmetrics.registerFont(TTFont(_FONT, io.BytesIO(file.read_bytes())))
