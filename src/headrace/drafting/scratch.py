"""A source's tables in a book of their own, in a temporary folder: for a look, not for a sync."""

from __future__ import annotations

import tempfile
from collections.abc import Collection
from pathlib import Path
from types import TracebackType

import duckdb

from headrace.book.book import Book
from headrace.model.project import RoundingRule
from headrace.model.source_settings import SourceSettings
from headrace.sources.registry import open_source, readable_folders


class Scratch:
    """One source, opened beside any running sync: it needs no keys, no journal and no lock.

    Tables are staged on demand, each at most once. Close it, or use it as a context manager: the
    temporary folder disappears with it.
    """

    def __init__(
        self, settings: SourceSettings, folder: Path, rounding: RoundingRule = "half_up"
    ) -> None:
        """Open the source that `settings` describe; relative paths start at `folder`.

        Raises ConfigurationError for settings that describe no source.
        """
        self._source = open_source(settings, folder)
        self._place = tempfile.TemporaryDirectory(prefix="headrace-")
        readable = readable_folders(settings, folder)
        self.book = Book(
            Path(self._place.name) / "cache.duckdb", folder, readable=readable, rounding=rounding
        )
        self._staged: dict[str, int] = {}

    def offered(self) -> list[str]:
        """Return the names of the source's tables, sorted. Raises SourceError."""
        return sorted(self._source.tables())

    def stage(self, names: Collection[str]) -> dict[str, int]:
        """Stage the tables that are not staged yet; returns the number of rows of each.

        Raises SourceError.
        """
        wanted = sorted(set(names) - self._staged.keys())
        if wanted:
            with self.book.staging() as connection:
                self._staged.update(self._source.stage(connection, wanted))
            self.book.allot(sum(self._staged.values()))
        return {name: self._staged[name] for name in names}

    def sources(self) -> duckdb.DuckDBPyConnection:
        """Return a connection on which the staged tables have their own names."""
        return self.book.sources()

    def another_book(self) -> Book:
        """Open an empty book in the same temporary folder, one at a time, for rows of one's own;
        close it."""
        return Book(Path(self._place.name) / "another.duckdb")

    def close(self) -> None:
        """Release the source and delete what was staged."""
        self._source.close()
        self.book.close()
        self._place.cleanup()

    def __enter__(self) -> Scratch:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()
