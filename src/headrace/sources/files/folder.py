"""A folder of exported files as a source: one table per file, named after it.

CSV and Excel columns are always text: `0100` and `1.10` keep their form, and text in a numeric
column is left to the models to judge. A JSON column gets the one type that fits all its values in
the whole file; see `json_files.py`. Parquet files bring their own types.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path, PurePosixPath

import duckdb
from msgspec import Struct

from headrace.model.errors import SourceError
from headrace.model.source_settings import FileFormat
from headrace.sources.files.csv_files import stage_csv
from headrace.sources.files.excel_files import ENDINGS, sheet_names, stage_sheet
from headrace.sources.files.json_files import stage_json, with_the_right_line
from headrace.sources.files.places import FilePlace, LocalFolder
from headrace.sources.files.settled import check_done, unchanged, wait_until_still
from headrace.sources.marks import files_mark
from headrace.sources.source import check_offered, count_rows, literal, scratch_folder, staged

_KINDS = {
    ".csv": "csv",
    ".tsv": "csv",
    ".json": "json",
    ".jsonl": "json",
    ".ndjson": "json",
    ".parquet": "parquet",
    **dict.fromkeys(ENDINGS, "excel"),
}
_WILD = re.compile(r"[*?\[]")


class Table(Struct, frozen=True):
    """What a table is read from."""

    files: list[str]
    sheet: str = ""
    """For a workbook with several."""


class FileSource:
    """The files in one folder (not in subfolders), and the globs that the project defines."""

    def __init__(
        self,
        folder: Path | FilePlace,
        globs: dict[str, str],
        form: FileFormat | None = None,
        forms: Mapping[str, FileFormat] | None = None,
        done: str = "",
        still: float = 0.0,
    ) -> None:
        self._place = LocalFolder(folder) if isinstance(folder, Path) else folder
        self._globs = globs
        self._form = form or FileFormat()
        self._forms = forms or {}
        self._done = done
        self._still = still

    def tables(self) -> frozenset[str]:
        return frozenset(self._tables())

    def stage(
        self, connection: duckdb.DuckDBPyConnection, names: Collection[str]
    ) -> dict[str, int]:
        tables = self._tables()
        missing = set(names) - tables.keys()
        if missing and (unread := self.unread()):
            check_offered(names, tables, f"{self._place.shown} (not read: {', '.join(unread)})")
        check_offered(names, tables, self._place.shown)
        connection.execute("create schema if not exists source")
        files = sorted({file for name in names for file in tables[name].files})
        if self._done:
            check_done(self._place, files, self._done)
        else:
            wait_until_still(self._place, files, self._still)
        scratch = scratch_folder(connection)
        with unchanged(self._place, files), self._place.fetched(files, scratch) as paths:
            for name in names:
                form = self._forms.get(name, self._form)
                with _reading(name):
                    _stage_files(connection, name, tables[name], paths, form)
        return {name: count_rows(connection, name) for name in names}

    def mark(self, now: float) -> str | None:
        tables = self._tables()
        files = [file for name in sorted(tables) for file in tables[name].files]
        local = self._place.local(files)
        mark = files_mark(local, now) if local is not None else self._remote_mark(files)
        forms = [repr(self._form), repr(sorted(self._forms.items()))]
        return mark and f"{sorted(self._globs.items())}\n{forms}\n{mark}"

    def table_marks(self, names: Collection[str], now: float) -> dict[str, str | None]:
        tables = self._tables()
        return {name: self._table_mark(name, tables[name], now) for name in names if name in tables}

    def _table_mark(self, name: str, table: Table, now: float) -> str | None:
        local = self._place.local(table.files)
        mark = files_mark(local, now) if local is not None else self._remote_mark(table.files)
        return mark and f"{table!r} {self._forms.get(name, self._form)!r}\n{mark}"

    def close(self) -> None:
        """Do nothing: no resource is held between calls."""

    def _remote_mark(self, files: list[str]) -> str | None:
        """Return the size, ETag and times of files at an address; None where it tells neither."""
        states = [self._place.state(file) for file in files]
        if any(set(state[1:]) == {"None"} for state in states):
            return None
        return repr(list(zip(files, states, strict=True)))

    def unread(self) -> list[str]:
        """Return the files of the folder that are of no kind that can be read."""
        names = self._place.names()
        marks = {self._done.replace("{file}", name) for name in ["", *names]} - {""}
        return [name for name in names if not _kind(name) and name not in marks]

    def _tables(self) -> dict[str, Table]:
        """Return the files of each table; a glob of the project takes precedence over a file of
        the same name."""
        found: dict[str, Table] = {}
        named = {glob.partition("#")[0] for glob in self._globs.values() if "#" in glob}
        for file in self._place.names():
            kind = _kind(file)
            if not kind or file in named or file.startswith("~$"):
                continue
            name = file.partition(".")[0].lower()
            if name in found and name not in self._globs:
                raise SourceError(
                    f"{self._place.shown}/{found[name].files[0]} and {file} would both be the "
                    f"table {name}: rename one, or read them together with "
                    f'tables = {{ {name} = "GLOB" }}.'
                )
            if kind == "excel":
                found.update(self._sheets(name, file))
            else:
                found[name] = Table([file])
        for name, glob in self._globs.items():
            pattern, _, sheet = glob.partition("#")
            matches = self._place.matches(pattern)
            if not matches:
                raise SourceError(f"No file in {self._place.shown} matches {glob!r}, table {name}.")
            found[name] = Table(matches, sheet)
        return found

    def _sheets(self, name: str, file: str) -> dict[str, Table]:
        """Return the one sheet under the file's name, or several under `file.sheet`."""
        with self._place.fetched([file], None) as paths:
            sheets = sheet_names(paths[file])
        if len(sheets) < 2:
            return {name: Table([file])}
        return {f"{name}.{sheet.strip().lower()}": Table([file], sheet) for sheet in sheets}


def folders_read(folder: Path, globs: Iterable[str]) -> list[Path]:
    """Return the source's folder, and the start folders of globs that lead outside it."""
    folders = [folder]
    for glob in globs:
        fixed = itertools.takewhile(lambda part: not _WILD.search(part), Path(glob).parts[:-1])
        folders.append(folder.joinpath(*fixed))
    return folders


def _kind(name: str) -> str | None:
    """Return `csv`, `json`, `parquet` or `excel`, the first two also for .gz files; None for any
    other file."""
    return _KINDS.get(PurePosixPath(name.lower().removesuffix(".gz")).suffix)


def _stage_files(
    connection: duckdb.DuckDBPyConnection,
    name: str,
    table: Table,
    local: Mapping[str, Path],
    form: FileFormat,
) -> None:
    paths = [local[file] for file in table.files]
    kinds = {_kind(path.name) for path in paths}
    if len(kinds) > 1 or None in kinds:
        listed = ", ".join(path.name for path in paths)
        raise SourceError(
            f"Table {name} must be of one kind, CSV, JSON, Parquet or Excel: {listed}."
        )
    if kinds == {"csv"}:
        stage_csv(connection, name, paths, form)
    elif kinds == {"json"}:
        stage_json(connection, name, paths)
    elif kinds == {"excel"}:
        if len(paths) > 1:
            raise SourceError(f"Table {name} must be one workbook: {', '.join(table.files)}.")
        stage_sheet(connection, name, paths[0], table.sheet, form)
    else:
        listed = ", ".join(literal(str(path)) for path in paths)
        connection.execute(
            f"create or replace table {staged(name)} as "
            f"select * from read_parquet([{listed}], union_by_name = true)"
        )


@contextmanager
def _reading(name: str) -> Iterator[None]:
    try:
        yield
    except (duckdb.Error, OSError) as error:
        words = str(error).split("\n")[0].removeprefix("Invalid Input Error: ").rstrip(". ")
        raise SourceError(f"Table {name}: {with_the_right_line(words)}.") from None
