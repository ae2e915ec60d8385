"""Loads CSV files into DuckDB, every column as text.

The dialect is derived from the header line and passed to DuckDB. DuckDB's own detection samples
many rows; when one of them is malformed, it may treat the whole line as a single column instead of
reporting the error.
"""

from __future__ import annotations

import csv
import gzip
import re
from pathlib import Path
from tempfile import TemporaryDirectory

import duckdb

from headrace.model.errors import SourceError
from headrace.sources.source import literal, quoted, scratch_folder, staged

_DELIMITERS = ",;\t|"


def stage_csv(connection: duckdb.DuckDBPyConnection, name: str, paths: list[Path]) -> None:
    """Load UTF-8 files with a header line, quoted with `"`; an empty field is NULL.

    Several files are combined by column name. Raises SourceError that names the file and line with
    too many or too few fields, or with invalid UTF-8.
    """
    try:
        _stage(connection, name, paths)
    except duckdb.InvalidInputException as error:
        mixed = [path for path in paths if _mixes_newlines(path)]
        if not mixed:
            raise SourceError(_bad_line(str(error), paths)) from None
        with TemporaryDirectory(prefix="headrace-csv-", dir=scratch_folder(connection)) as folder:
            # DuckDB's reader requires the same line ending throughout a file.
            own = {path: Path(folder) / f"{place}.csv" for place, path in enumerate(mixed)}
            for path, copy in own.items():
                copy.write_bytes(_read(path).replace(b"\r\n", b"\n"))
            try:
                _stage(connection, name, [own.get(path, path) for path in paths])
            except duckdb.InvalidInputException as second:
                said = str(second)
                for path, copy in own.items():
                    said = said.replace(str(copy), str(path))
                raise SourceError(_bad_line(said, paths)) from None


def _stage(connection: duckdb.DuckDBPyConnection, name: str, paths: list[Path]) -> None:
    reads = []
    for path in paths:
        delimiter, header = _header(path)
        columns = ", ".join(f"{literal(column)}: 'VARCHAR'" for column in header)
        reads.append(
            f"select * from read_csv({literal(str(path))}, columns = {{{columns}}}, "
            f"delim = {literal(delimiter)}, auto_detect = false, header = true, "
            "quote = '\"', escape = '\"', strict_mode = true, max_line_size = 16777216)"
        )
    connection.execute(
        f"create or replace table {staged(name)} as {' union all by name '.join(reads)}"
    )


def _mixes_newlines(path: Path) -> bool:
    """Whether some lines end with CR LF and others with LF."""
    content = _read(path)
    pairs = content.count(b"\r\n")
    return 0 < pairs < content.count(b"\n")


def _read(path: Path) -> bytes:
    opener = gzip.open if path.suffix.lower() == ".gz" else open
    with opener(path, "rb") as file:
        return bytes(file.read())


def _header(path: Path) -> tuple[str, list[str]]:
    """Return (delimiter, column names); the delimiter is the candidate most frequent in the
    header line."""
    opener = gzip.open if path.suffix.lower() == ".gz" else open
    try:
        with opener(path, "rt", encoding="utf-8-sig", newline="") as file:
            line = file.readline()
            unquoted = re.sub(r'"[^"]*"', "", line)
            delimiter = max(_DELIMITERS, key=unquoted.count)
            names = next(csv.reader([line], delimiter=delimiter), [])
    except UnicodeDecodeError:
        raise SourceError(f"{path} is not UTF-8: save it in that encoding.") from None
    if not names:
        raise SourceError(f"{path} is empty: a CSV file needs a line of column names.")
    names = [text.strip() or f"column{place}" for place, text in enumerate(names, 1)]
    seen: set[str] = set()
    for column in names:
        if column.lower() in seen:
            raise SourceError(f"{path}, line 1: two columns are named {quoted(column)}.")
        seen.add(column.lower())
    return delimiter, names


def _bad_line(message: str, paths: list[Path]) -> str:
    """Summarise DuckDB's long message about a malformed line in one sentence."""
    line = re.search(r"Line: (\d+)", message)
    file = re.search(r"^\s*file = (.*)$", message, re.MULTILINE)
    text = re.search(r"Original Line: (.*)", message)
    where = file[1] if file else ", ".join(map(str, paths))
    if line is None:
        return f"{where}: {message.splitlines()[0]}."
    counts = re.search(r"Expected Number of Columns: (\d+) Found: (\d+)", message)
    problem = "can't be read"
    if counts:
        problem = f"has {counts[2]} fields where the header has {counts[1]}"
    elif "unicode" in message:
        problem = "is not UTF-8"
    elif "quote" in message:
        problem = "has a quote that is not closed, or text behind a closing quote"
    shown = f": {text[1][:200]}" if text else ""
    return f"{where}, line {line[1]} {problem}{shown}"
