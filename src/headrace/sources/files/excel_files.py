"""Loads sheets of Excel workbooks, every column as text, as people see it.

A day is `2026-01-31`, a moment `2026-01-31 10:30:00`, a time of day `10:30:00`, a number its digits
with the zeros that its format puts before them (`00123`). A cell with an error is its text, such as
`#DIV/0!`; in files other than .xlsx it is NULL, and numbers have no zeros before them.

The header is the first of the first rows that has more than three quarters of the filled cells of
the fullest of them, so titles and empty rows above it are skipped. Columns without a name are
`column3`; those without a name and any value are left out.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import duckdb

from headrace.model.errors import SourceError
from headrace.model.lazy import lazily
from headrace.model.source_settings import FileFormat
from headrace.sources.files.excel_cells import OddCell, odd_cells
from headrace.sources.files.header import check_header
from headrace.sources.source import quoted, scanned, staged

if TYPE_CHECKING:
    import fastexcel
else:
    try:
        fastexcel = lazily("fastexcel")
    except ModuleNotFoundError:
        fastexcel = None

ENDINGS = (".xlsx", ".xlsm", ".xlsb", ".xls", ".ods")
_SAMPLE = 50
_CORRECTED = '"sheet of headrace"'
_PLACE = '"row of headrace"'
_UNNAMED = re.compile(r"__UNNAMED__(\d+)")
"""How the reader calls a column without a name."""


def sheet_names(path: Path) -> list[str]:
    """Return the sheets of a workbook that have content."""
    book = _open(path)
    return [name for name in book.sheet_names if _has_rows(book, name)]


def stage_sheet(
    connection: duckdb.DuckDBPyConnection, name: str, path: Path, sheet: str, form: FileFormat
) -> None:
    """Load one sheet; empty for the only one. Raises SourceError that names file and sheet."""
    book = _open(path)
    sheet = _named(book, path, sheet)
    where = f"{path}, sheet {sheet}"
    skip = _title_rows(book, sheet) if form.skip is None else form.skip
    header = skip if form.has_header else None
    try:
        loaded = book.load_sheet(
            sheet, header_row=header, skip_rows=None if form.has_header else skip, dtypes="string"
        )
    except fastexcel.FastExcelError as error:
        raise SourceError(f"{where}: {_first_line(error)}.") from None
    _check_names(book, sheet, skip, where, form)
    with scanned(connection, loaded):
        columns = [str(row[0]) for row in connection.execute("describe stream").fetchall()]
        counts = _counts(connection, columns)
    kept = [c for c, count in zip(columns, counts, strict=True) if count or not _UNNAMED.match(c)]
    odd = odd_cells(path, sheet)
    leading = _leading_rows(book, sheet) if odd else 0
    above = max(skip - leading, 0) + 1 if form.has_header else skip - leading
    changed = sorted({cell.column for cell in odd if cell.row >= above})
    # A stream can be read once.
    with scanned(connection, loaded):
        if changed:
            _correct(connection, columns, odd, above)
        rows = _CORRECTED if changed else "stream"
        names = [(c, _column_name(c)) for c in kept]
        shown = ", ".join(f"{_shown(quoted(c))} as {quoted(own)}" for c, own in names)
        filled = " or ".join(f"{quoted(c)} is not null" for c in kept)
        connection.execute(
            f"create or replace table {staged(name)} as select {shown} from {rows} where {filled}"
        )
        if changed:
            connection.execute(f"drop table {_CORRECTED}")


def _correct(
    connection: duckdb.DuckDBPyConnection, columns: list[str], odd: list[OddCell], above: int
) -> None:
    """Copy the stream with the odd cells as Excel shows them; `above` rows are not in it."""
    by_column: dict[int, list[OddCell]] = {}
    for cell in odd:
        if cell.row >= above and cell.column < len(columns):
            by_column.setdefault(cell.column, []).append(cell)
    connection.execute(
        f"create or replace temp table {_CORRECTED} as "
        f"select *, row_number() over () - 1 as {_PLACE} from stream"
    )
    for column, cells in by_column.items():
        connection.execute(
            f"update {_CORRECTED} set {quoted(columns[column])} = cell.text "
            "from (select unnest($1::bigint[]) as place, unnest($2::varchar[]) as text) cell "
            f"where cell.place = {_PLACE}",
            [[cell.row - above for cell in cells], [cell.text for cell in cells]],
        )


def _column_name(column: str) -> str:
    """Return `column3` for the third column without a name."""
    unnamed = _UNNAMED.fullmatch(column)
    return f"column{int(unnamed[1]) + 1}" if unnamed else column.strip()


def _counts(connection: duckdb.DuckDBPyConnection, columns: list[str]) -> list[int]:
    counts = ", ".join(f"count({quoted(column)})" for column in columns)
    row = connection.execute(f"select {counts} from stream").fetchall()[0]
    return list(map(int, row))


def _shown(column: str) -> str:
    """Excel's days have a time of midnight, and its times of day the day before the first."""
    return (
        f"case when {column} like '____-__-__ 00:00:00' then left({column}, 10)"
        f" when {column} like '1899-12-31 __:__:__%' then substr({column}, 12)"
        f" else nullif({column}, '') end"
    )


def _check_names(book: Any, sheet: str, skip: int, where: str, form: FileFormat) -> None:
    if not form.has_header:
        return
    first = _rows(book, sheet, skip + 1)[-1:]
    check_header(
        f"{where}, row {skip + 1},", [str(v) for row in first for v in row if v is not None], form
    )
    seen: set[str] = set()
    for text in (str(value).strip() for row in first for value in row if value is not None):
        if text.lower() in seen:
            raise SourceError(f"{where}, row {skip + 1}: two columns are named {quoted(text)}.")
        seen.add(text.lower())


def _title_rows(book: Any, sheet: str) -> int:
    """Return the number of rows above the header."""
    filled = [sum(v is not None for v in row) for row in _rows(book, sheet, _SAMPLE)]
    fullest = max(filled, default=0)
    return next((place for place, count in enumerate(filled) if 4 * count > 3 * fullest), 0)


def _leading_rows(book: Any, sheet: str) -> int:
    """Return the number of empty rows at the top."""
    whole = book.load_sheet(sheet, header_row=None, skip_rows=0, dtypes="string").height
    return int(whole - book.load_sheet(sheet, header_row=None, dtypes="string").height)


def _rows(book: Any, sheet: str, count: int) -> list[tuple[Any, ...]]:
    # Empty rows at the top count, as they do for header_row and skip_rows.
    loaded = book.load_sheet(sheet, header_row=None, skip_rows=0, n_rows=count, dtypes="string")
    with duckdb.connect() as scratch, scanned(scratch, loaded):
        return scratch.execute("from stream").fetchall()


def _has_rows(book: Any, sheet: str) -> bool:
    try:
        return int(book.load_sheet(sheet, header_row=None, n_rows=1, dtypes="string").width) > 0
    except fastexcel.FastExcelError:
        return False  # a chart


def _named(book: Any, path: Path, sheet: str) -> str:
    if sheet:
        found = [name for name in book.sheet_names if name.strip().lower() == sheet.lower()]
    else:
        found = [name for name in book.sheet_names if _has_rows(book, name)]
    if not found or (len(found) > 1 and not sheet):
        listed = ", ".join(book.sheet_names)
        found = found or [*book.sheet_names, ""]
        raise SourceError(
            f"{path} has no sheet {sheet}: there is {listed}."
            if sheet
            else f"{path} has the sheets {listed}: name one, as in {path.name}#{found[0]}."
        )
    return str(found[0])


def _open(path: Path) -> Any:
    if fastexcel is None:
        raise SourceError(f"{path} needs a reader: pip install 'headrace[excel]'.")
    try:
        return fastexcel.read_excel(str(path))
    except fastexcel.FastExcelError as error:
        raise SourceError(f"{path} can't be read as a workbook: {_first_line(error)}.") from None


def _first_line(error: Exception) -> str:
    return str(error).split("\n")[0].rstrip(".")
