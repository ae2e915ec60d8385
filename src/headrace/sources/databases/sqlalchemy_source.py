"""Any database that SQLAlchemy reaches as a source; its rows pass in batches through Python.

Integers become BIGINT, floats DOUBLE, booleans BOOLEAN; decimals, dates and everything else become
the text that shows them exactly.
"""

from __future__ import annotations

import importlib
import re
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import duckdb

from headrace.model.errors import SourceError
from headrace.sources.address import Address, masked
from headrace.sources.files.records import RecordFiles
from headrace.sources.source import check_offered, count_rows, scratch_folder

_ROWS = 10_000
_EXTRAS = {"mssql": "mssql", "oracle": "oracle", "snowflake": "snowflake", "bigquery": "bigquery"}


class SqlalchemySource:
    """Tables and views of one database or schema, and the project's own queries."""

    def __init__(self, url: str, schema: str, queries: dict[str, str]) -> None:
        self._address = Address(url)
        self._schema = schema or None
        self._queries = queries

    def tables(self) -> frozenset[str]:
        with self._connected() as (library, connection):
            return frozenset(self._own_tables(library, connection)) | self._queries.keys()

    def stage(
        self, connection: duckdb.DuckDBPyConnection, names: Collection[str]
    ) -> dict[str, int]:
        connection.execute("create schema if not exists source")
        scratch = scratch_folder(connection)
        with (
            self._connected() as (library, opened),
            TemporaryDirectory(prefix="headrace-rows-", dir=scratch) as folder,
        ):
            own = self._own_tables(library, opened)
            check_offered(names, own.keys() | self._queries.keys(), self._where)
            for name in names:
                with self._failures(library, f", table {name}"):
                    query = self._select(library, opened, name, own)
                    files = RecordFiles(Path(folder))
                    try:
                        _copy(opened, query, files, name)
                        files.stage(connection, name)
                    finally:
                        files.close()
        return {name: count_rows(connection, name) for name in names}

    def mark(self, now: float) -> str | None:
        return None  # no common way to ask

    def close(self) -> None:
        """Do nothing: no resource is held between calls."""

    @property
    def _where(self) -> str:
        return f"{self._address.scheme} {self._address.shown}"

    @contextmanager
    def _connected(self) -> Iterator[tuple[Any, Any]]:
        dialect = self._address.scheme.partition("+")[0]
        extra = _EXTRAS.get(dialect, "sqlalchemy")
        try:
            library = importlib.import_module("sqlalchemy")
        except ImportError:
            raise SourceError(
                f"{dialect} needs its driver: pip install 'headrace[{extra}]'."
            ) from None
        try:
            with self._failures(library):
                engine = library.create_engine(self._address.url)
        except ImportError as error:
            raise SourceError(
                f"{dialect} needs its driver ({error}): pip install 'headrace[{extra}]'."
            ) from None
        try:
            with self._failures(library), engine.connect() as connection:
                yield library, connection
                connection.rollback()
        finally:
            engine.dispose()

    @contextmanager
    def _failures(self, library: Any, detail: str = "") -> Iterator[None]:
        try:
            yield
        except library.exc.SQLAlchemyError as error:
            # Its own message adds the statement and a link.
            cause = getattr(error, "orig", None) or error
            words = " ".join(str(cause).split())
            said = masked(words, self._address.secrets).rstrip(". ")
            raise SourceError(f"{self._where}{detail}: {said}.") from None

    def _own_tables(self, library: Any, connection: Any) -> dict[str, str]:
        """Return the tables and views by lower-case name."""
        inspector = library.inspect(connection)
        names = [
            *inspector.get_table_names(schema=self._schema),
            *inspector.get_view_names(schema=self._schema),
        ]
        return {str(name).lower(): str(name) for name in sorted(names)}

    def _select(self, library: Any, connection: Any, name: str, own: dict[str, str]) -> Any:
        query = self._queries.get(name, "").strip().rstrip(";")
        if query:
            # A colon before a word would be a parameter.
            return library.text(re.sub(r"(?<![:\w\\]):(?=\w)", r"\:", query))
        table = library.table(
            library.quoted_name(own[name], quote=True),
            schema=library.quoted_name(self._schema, quote=True) if self._schema else None,
        )
        return library.select(library.text("*")).select_from(table)


def _copy(connection: Any, query: Any, files: RecordFiles, name: str) -> None:
    result = connection.execution_options(stream_results=True).execute(query)
    columns = list(result.keys())
    files.touch(name)
    while rows := result.fetchmany(_ROWS):
        files.add(name, (dict(zip(columns, row, strict=True)) for row in rows))
    files.columns(name, columns)
