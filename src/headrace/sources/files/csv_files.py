"""Loads CSV files into DuckDB, every column as text.

The dialect is derived from the first lines and passed to DuckDB. DuckDB's own detection samples
many rows; when one of them is malformed, it may treat the whole line as a single column instead of
reporting the error.
"""

from __future__ import annotations

import codecs
import re
from pathlib import Path
from tempfile import TemporaryDirectory

import duckdb

from headrace.model.errors import SourceError
from headrace.model.source_settings import FileFormat
from headrace.sources.files.csv_dialect import Dialect, not_utf8, open_bytes, proposal, read_dialect
from headrace.sources.source import literal, scratch_folder, staged

_CHUNK = 1 << 20
_PLAIN = FileFormat()


def stage_csv(
    connection: duckdb.DuckDBPyConnection, name: str, paths: list[Path], form: FileFormat = _PLAIN
) -> None:
    """Load files with a header line, quoted with `"`; an empty field is NULL.

    Several files are combined by column name. Raises SourceError that names the file and line with
    too many or too few fields, or with bytes that the encoding does not have.
    """
    if form.encoding and codecs.lookup(form.encoding).name != "utf-8":
        with TemporaryDirectory(prefix="headrace-csv-", dir=scratch_folder(connection)) as folder:
            own = {path: _as_utf8(path, form.encoding, Path(folder), paths) for path in paths}
            _stage_any(connection, name, own, form)
        return
    _stage_any(connection, name, {path: path for path in paths}, form)


def _as_utf8(path: Path, encoding: str, folder: Path, paths: list[Path]) -> Path:
    copy = folder / f"{paths.index(path)}.csv"
    decoder = codecs.getincrementaldecoder(encoding)()
    with open_bytes(path) as file, copy.open("w", encoding="utf-8", newline="") as written:
        try:
            while chunk := file.read(_CHUNK):
                written.write(decoder.decode(chunk))
            written.write(decoder.decode(b"", True))
        except UnicodeDecodeError as error:
            raise SourceError(
                f"{path} is not {encoding}: it has the byte {error.object[error.start]:#04x}, "
                "which that encoding lacks."
            ) from None
    return copy


def _stage_any(
    connection: duckdb.DuckDBPyConnection, name: str, files: dict[Path, Path], form: FileFormat
) -> None:
    """Stage `files`: what is read, by the path that messages name."""
    try:
        _stage(connection, name, files, form)
    except duckdb.InvalidInputException as error:
        mixed = [path for path, own in files.items() if _mixes_newlines(own)]
        if not mixed:
            raise SourceError(_bad_line(str(error), files, form)) from None
        with TemporaryDirectory(prefix="headrace-csv-", dir=scratch_folder(connection)) as folder:
            # DuckDB's reader requires the same line ending throughout a file.
            for place, path in enumerate(mixed):
                copy = Path(folder) / f"{place}.csv"
                with open_bytes(files[path]) as file:
                    copy.write_bytes(file.read().replace(b"\r\n", b"\n").replace(b"\r", b"\n"))
                files = files | {path: copy}
            try:
                _stage(connection, name, files, form)
            except duckdb.InvalidInputException as second:
                raise SourceError(_bad_line(str(second), files, form)) from None


def _stage(
    connection: duckdb.DuckDBPyConnection, name: str, files: dict[Path, Path], form: FileFormat
) -> None:
    reads = []
    for path, own in files.items():
        dialect = _dialect(path, own, form)
        columns = ", ".join(f"{literal(column)}: 'VARCHAR'" for column in dialect.columns)
        header = str(dialect.header).lower()
        reads.append(
            f"select * from read_csv({literal(str(own))}, columns = {{{columns}}}, "
            f"delim = {literal(dialect.delimiter)}, auto_detect = false, header = {header}, "
            f"skip = {dialect.skip}, "
            "quote = '\"', escape = '\"', strict_mode = true, max_line_size = 16777216)"
        )
    connection.execute(
        f"create or replace table {staged(name)} as {' union all by name '.join(reads)}"
    )


def _dialect(path: Path, own: Path, form: FileFormat) -> Dialect:
    try:
        return read_dialect(own, form)
    except SourceError as error:
        raise SourceError(str(error).replace(str(own), str(path))) from None


def _mixes_newlines(path: Path) -> bool:
    """Whether lines end in different ways: with CR LF, LF, or CR."""
    with open_bytes(path) as file:
        content = file.read()
    pairs = content.count(b"\r\n")
    ends = (pairs, content.count(b"\n") - pairs, content.count(b"\r") - pairs)
    return sum(count > 0 for count in ends) > 1


def _bad_line(message: str, files: dict[Path, Path], form: FileFormat) -> str:
    """Summarise DuckDB's long message about a malformed line in one sentence."""
    for path, own in files.items():
        message = message.replace(str(own), str(path))
    line = re.search(r"Line: (\d+)", message)
    file = re.search(r"^\s*file = (.*)$", message, re.MULTILINE)
    text = re.search(r"Original Line: (.*)", message)
    where = file[1] if file else ", ".join(map(str, files))
    if line is None:
        return f"{where}: {message.splitlines()[0]}."
    read = files.get(Path(where))
    counts = re.search(r"Expected Number of Columns: (\d+) Found: (\d+)", message)
    problem, hint = "can't be read", ""
    if counts:
        problem = f"has {counts[2]} fields where the header has {counts[1]}"
        if read:
            hint = proposal(read, form, _dialect(Path(where), read, form))
    elif "unicode" in message:
        if read:
            return (
                not_utf8(read)
                .replace(str(read), where)
                .replace(" is not", f", line {line[1]} is not", 1)
            )
        problem = "is not UTF-8"
    elif "quote" in message:
        problem = "has a quote that is not closed, or text behind a closing quote"
    shown = f": {text[1][:200]}" if text else ""
    return f"{where}, line {line[1]} {problem}{shown}{'.' + hint if hint else ''}"
