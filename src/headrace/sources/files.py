"""A folder of exported files as a source: one table per file, named after it.

CSV columns are always text: `0100` and `1.10` keep their form, and text in a numeric column is left
to the models to judge. A JSON column gets the one type that fits all its values in the whole file;
see `json_files.py`. Parquet files bring their own types.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb

from headrace.model.errors import SourceError
from headrace.sources.csv_files import stage_csv
from headrace.sources.json_files import stage_json
from headrace.sources.marks import files_mark
from headrace.sources.source import check_offered, count_rows, literal, staged

_KINDS = {
    ".csv": "csv",
    ".tsv": "csv",
    ".json": "json",
    ".jsonl": "json",
    ".ndjson": "json",
    ".parquet": "parquet",
}


_WILD = re.compile(r"[*?\[]")


class FileSource:
    """The files in one folder (not in subfolders), and the globs that the project defines."""

    def __init__(self, folder: Path, globs: dict[str, str]) -> None:
        self._folder = folder
        self._globs = globs

    def tables(self) -> frozenset[str]:
        return frozenset(self._files())

    def stage(
        self, connection: duckdb.DuckDBPyConnection, names: Collection[str]
    ) -> dict[str, int]:
        files = self._files()
        check_offered(names, files, str(self._folder))
        connection.execute("create schema if not exists source")
        for name in names:
            with _reading(name):
                _stage_files(connection, name, files[name])
        return {name: count_rows(connection, name) for name in names}

    def mark(self, now: float) -> str | None:
        files = self._files()
        mark = files_mark([path for name in sorted(files) for path in files[name]], now)
        return mark and f"{sorted(self._globs.items())}\n{mark}"

    def close(self) -> None:
        """Do nothing: no resource is held between calls."""

    def _files(self) -> dict[str, list[Path]]:
        """Return the files of each table; a glob of the project takes precedence over a file of
        the same name."""
        if not self._folder.is_dir():
            raise SourceError(f"There is no folder {self._folder}: check source.path.")
        found: dict[str, list[Path]] = {}
        for path in sorted(self._folder.iterdir()):
            if not path.is_file() or not _kind(path):
                continue
            name = path.name.partition(".")[0].lower()
            found.setdefault(name, []).append(path)
        for name, glob in self._globs.items():
            matches = [p for p in sorted(self._folder.glob(glob)) if p.is_file()]
            if not matches:
                raise SourceError(f"No file in {self._folder} matches {glob!r}, table {name}.")
            found[name] = matches
        for name, paths in found.items():
            if len(paths) > 1 and name not in self._globs:
                raise SourceError(
                    f"{paths[0]} and {paths[1].name} would both be the table {name}: rename one, "
                    f'or read them together with tables = {{ {name} = "GLOB" }}.'
                )
        return found


def folders_read(folder: Path, globs: Iterable[str]) -> list[Path]:
    """Return the source's folder, and the start folders of globs that lead outside it."""
    folders = [folder]
    for glob in globs:
        fixed = itertools.takewhile(lambda part: not _WILD.search(part), Path(glob).parts[:-1])
        folders.append(folder.joinpath(*fixed))
    return folders


def _kind(path: Path) -> str | None:
    """Return `csv`, `json` or `parquet`, also for .gz files; None for any other file."""
    name = path.name.lower().removesuffix(".gz")
    return _KINDS.get(Path(name).suffix)


def _stage_files(connection: duckdb.DuckDBPyConnection, name: str, paths: list[Path]) -> None:
    kinds = {_kind(path) for path in paths}
    if len(kinds) > 1 or None in kinds:
        listed = ", ".join(path.name for path in paths)
        raise SourceError(f"Table {name} must be of one kind, CSV, JSON or Parquet: {listed}.")
    if kinds == {"csv"}:
        stage_csv(connection, name, paths)
    elif kinds == {"json"}:
        stage_json(connection, name, paths)
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
        raise SourceError(f"Table {name}: {words}.") from None
