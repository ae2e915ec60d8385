"""Workbooks as a source: what people see is what arrives."""

from __future__ import annotations

import datetime
from pathlib import Path
from typing import Any

import pytest
import xlsxwriter
from one_engine import empty_database

from headrace.model.errors import SourceError
from headrace.model.source_settings import FileFormat
from headrace.sources.files.folder import FileSource
from headrace.testkit.source_suite import SourceSuite, source_suite


def _write(path: Path, sheets: dict[str, list[list[Any]]]) -> None:
    with xlsxwriter.Workbook(str(path)) as book:
        forms = {
            datetime.date: book.add_format({"num_format": "dd.mm.yyyy"}),
            datetime.datetime: book.add_format({"num_format": "dd.mm.yyyy hh:mm"}),
            datetime.time: book.add_format({"num_format": "hh:mm:ss"}),
        }
        for name, rows in sheets.items():
            sheet = book.add_worksheet(name)
            for y, row in enumerate(rows):
                for x, value in enumerate(row):
                    if isinstance(value, tuple):
                        sheet.write_formula(y, x, value[0], None, value[1])
                    elif value is not None:
                        sheet.write(y, x, value, forms.get(type(value)))


def _stage(folder: Path, name: str = "t", form: FileFormat | None = None, **globs: str) -> Any:
    connection = empty_database()
    FileSource(folder, globs, form).stage(connection, [name])
    return connection.sql(f'from source."{name}"')


ODD = [
    (1001, "1001"),
    (2**53, "9007199254740992"),
    ("0100", "0100"),
    ("1e5", "1e5"),
    (1377.58, "1377.58"),
    (-5, "-5"),
    (0.1, "0.1"),
    ("1.377,58", "1.377,58"),
    (True, "true"),
    ("Müller 😀", "Müller 😀"),
    ("a\nb", "a\nb"),
    (" x ", " x "),
    (datetime.date(2026, 1, 31), "2026-01-31"),
    (datetime.date(2024, 2, 29), "2024-02-29"),
    (datetime.datetime(2026, 1, 31, 10, 30), "2026-01-31 10:30:00"),
    (datetime.time(10, 30), "10:30:00"),
    (("=1/0", "#DIV/0!"), "#DIV/0!"),
    (("=NA()", "#N/A"), "#N/A"),
    (("=1+1", 2), "2"),
    ("31/12/2026", "31/12/2026"),
    (None, None),
]
"""A cell's value, and what models see."""


def test_every_odd_value_arrives_as_people_see_it(tmp_path: Path) -> None:
    names = [f"c{place}" for place in range(len(ODD))]
    _write(tmp_path / "T.xlsx", {"Sheet1": [["id", *names], [1, *(value for value, _ in ODD)]]})
    found = _stage(tmp_path)
    assert set(map(str, found.types)) == {"VARCHAR"}
    assert found.fetchall() == [("1", *(seen for _, seen in ODD))]


FORMATS = [
    ("00000", 123, "00123"),
    ("00000", 1234567, "1234567"),
    ("00000", -7, "-00007"),
    ("00000", 1.5, "1.5"),
    ('"INV-"0000', 12, "INV-0012"),
    ("\\K000", 1, "K001"),
    ("0000;-0000", 42, "0042"),
    ("0.00", 1.5, "1.5"),
    ("#,##0", 12345, "12345"),
    ("0", 5, "5"),
    ("dd.mm.yyyy", 46053, "2026-01-31"),
]
"""A number's format, the number, and what models see."""


def test_a_number_has_the_zeros_that_its_format_puts_before_it(tmp_path: Path) -> None:
    with xlsxwriter.Workbook(str(tmp_path / "t.xlsx")) as book:
        book.add_worksheet("other").write(0, 0, "nothing")
        sheet = book.add_worksheet("Data")
        # Titles, an empty row and an empty column: the sheet does not begin at its corner.
        sheet.write(1, 1, "Report")
        sheet.write_row(3, 1, [f"c{place}" for place in range(len(FORMATS))])
        for place, (code, value, _) in enumerate(FORMATS):
            sheet.write_number(5, place + 1, value, book.add_format({"num_format": code}))
    found = _stage(tmp_path, "t.data").fetchall()
    assert found == [tuple(seen for _, _, seen in FORMATS)]


def test_title_rows_are_skipped_by_rule_and_rows_without_values_left_out(tmp_path: Path) -> None:
    rows = [["Report of ACME"], [], [None, "As of", datetime.date(2026, 1, 31)], []]
    rows += [
        ["Nr", "Kunde", "Betrag", None, "Art"],
        [1, "x", 1.5, None, "a"],
        [],
        [2, "y", 2, None, "b"],
    ]
    _write(tmp_path / "t.xlsx", {"A": rows})
    found = _stage(tmp_path)
    assert found.columns == ["Nr", "Kunde", "Betrag", "Art"]
    assert found.fetchall() == [("1", "x", "1.5", "a"), ("2", "y", "2", "b")]


def test_the_number_of_rows_to_skip_can_be_said(tmp_path: Path) -> None:
    _write(tmp_path / "t.xlsx", {"A": [["a", "b"], ["c", "d"], [1, 2]]})
    assert _stage(tmp_path).columns == ["a", "b"]
    assert _stage(tmp_path, form=FileFormat(skip=1)).columns == ["c", "d"]
    found = _stage(tmp_path, form=FileFormat(header=False, skip=2))
    assert (found.columns, found.fetchall()) == (["column1", "column2"], [("1", "2")])


def test_a_first_row_of_values_is_refused_with_a_proposal(tmp_path: Path) -> None:
    _write(tmp_path / "t.xlsx", {"A": [[1, datetime.date(2026, 1, 31)], [2, 3]]})
    with pytest.raises(SourceError, match=r"sheet A, row 1, should have the names .*header = fal"):
        _stage(tmp_path)
    assert len(_stage(tmp_path, form=FileFormat(header=False)).fetchall()) == 2


def test_sheets_are_tables_by_their_names(tmp_path: Path) -> None:
    sheets = {"Customers": [["id"], [1]], "Open items": [["id"], [2]], "Empty": []}
    _write(tmp_path / "billing.xlsx", sheets)
    assert FileSource(tmp_path, {}).tables() == {"billing.customers", "billing.open items"}
    assert _stage(tmp_path, "billing.open items").fetchall() == [("2",)]
    assert _stage(tmp_path, "items", items="billing.xlsx#Open items").fetchall() == [("2",)]
    with pytest.raises(SourceError, match=r"no sheet Nothing: there is Customers, Open items"):
        _stage(tmp_path, "items", items="billing.xlsx#Nothing")
    with pytest.raises(SourceError, match=r"has the sheets .*name one, as in billing\.xlsx#"):
        _stage(tmp_path, "items", items="billing.xlsx")


def test_two_columns_of_one_name_are_refused(tmp_path: Path) -> None:
    _write(tmp_path / "t.xlsx", {"A": [["Nr", "nr"], [1, 2]]})
    with pytest.raises(SourceError, match=r"sheet A, row 1: two columns are named \"nr\""):
        _stage(tmp_path)


def test_a_sheet_with_a_header_only_has_no_rows(tmp_path: Path) -> None:
    _write(tmp_path / "t.xlsx", {"A": [["id", "name"]]})
    found = _stage(tmp_path)
    assert (found.columns, found.fetchall()) == (["id", "name"], [])


def test_a_broken_workbook_is_one_clear_sentence(tmp_path: Path) -> None:
    (tmp_path / "t.xlsx").write_bytes(b"PK\x03\x04 nothing")
    with pytest.raises(SourceError, match=r"t\.xlsx can't be read as a workbook") as caught:
        _stage(tmp_path)
    assert "\n" not in str(caught.value)


def test_the_acceptance_suite_holds(tmp_path: Path) -> None:
    _write(tmp_path / "t.xlsx", {"A": [["id", "name"], [1, "é"], [2, None]]})
    suite = source_suite(lambda: FileSource(tmp_path, {}))()
    for test in (name for name in dir(SourceSuite) if name.startswith("test_")):
        getattr(suite, test)()
