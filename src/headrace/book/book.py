"""One organisation's receivables as tables, in a DuckDB file that can be rebuilt at any time.

Its schemas: `source` (the billing system's tables as staged), `book` (the canonical tables, their
problems, the records to send), `plan` (the operations of the last plan).
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType

import duckdb

from headrace.book.building import Builder, maker, on_sources
from headrace.book.checks.checks import Problem, read_problems, run_checks
from headrace.book.engine.engine import (
    MEMORY_OF_MANY,
    add_macros,
    close_engine,
    open_engine,
    plan_by_size,
    plan_reading,
    planned_for_models,
    prefer_fast_macros,
    quoted_text,
)
from headrace.book.models.causes import name_causes
from headrace.book.models.coverage import Uncovered, uncovered
from headrace.book.models.lost_decimals import WholeUnits, warn_of_lost_decimals
from headrace.book.models.models import Model, load_models
from headrace.book.models.reading import add_reading
from headrace.book.models.shapeless import drop_views, give_columns
from headrace.book.models.unstable import warn_of_unstable_models
from headrace.book.payloads.custom_values import inferred_type
from headrace.book.payloads.directory import EMPTY, Directory, Field, write_directory
from headrace.book.payloads.pdf_places import PdfPlaces
from headrace.book.queries.sql_tree import parsing_with
from headrace.model.custom_field import DataType
from headrace.model.private_files import make_folder
from headrace.model.project import ContactRule, FamilyRule, RoundingRule
from headrace.model.repeated import run

_MEMORY = "400MB"
"""Memory limit of DuckDB for most books."""
_MANY = 2_500_000
"""Number of staged rows above which more memory is allotted. Up to it the smaller limit costs
almost no time; beyond it, runs would take a third longer."""

_CORES = os.cpu_count() or 1
_FEW = 50_000
"""Number of staged rows up to which each statement uses one thread. To share so little among
several costs a quarter more than it saves, and each of many organisations would keep its own."""

_TINY = 10_000
"""Number of staged rows up to which planning a statement takes longer than running it, however
badly it is planned. Up to 40,000, no shape was found that takes longer: not one customer with all
documents, customers without any, or a tenth of the records in error."""

_MOST_LOGGED = 4_000_000
"""Bytes of the file's log above which it is written, however small the tables are."""

NAMED = frozenset({"account_manager", "dunning_plan", "custom_fields"})
"""Columns of customers that contain names of objects that people created in Upflow."""


class Book:
    """The open tables. Only one process at a time may open the file; raises Busy, naming the
    process that holds it.

    `source` is stored in the file, compressed. `book` and `plan` are rebuilt each time and stay in
    memory; they spill to a folder next to the file when they exceed the limit set by `allot`.
    """

    def __init__(
        self,
        path: Path,
        folder: Path = Path(),
        contacts: ContactRule = "with_customer",
        family_payments: FamilyRule = "as_is",
        documents: Sequence[str] = (),
        readable: Sequence[Path] = (),
        rounding: RoundingRule = "half_up",
    ) -> None:
        """Open the book.

        Relative locations of PDFs start at `folder`; `documents` lists the places allowed outside
        it. Apart from its own files, DuckDB reads only files in the folders `readable` and below.
        """
        make_folder(path.parent)
        self._spill = path.with_suffix(".spill")
        self._log = path.with_name(f"{path.name}.wal")
        self.connection = open_engine(path, self._spill, readable)
        self.pdf_places = PdfPlaces(folder, documents)
        self.columns: dict[str, frozenset[str]] = {}
        self.models: list[Model] = []
        """The models of the last build."""
        self._rows: int | None = None
        """Staged rows, None until it is known how many."""
        self._memory = MEMORY_OF_MANY
        self._many = False
        """Whether it has the macros for many rows."""
        self._whole_units: dict[str, WholeUnits] = {}
        """By table, see `warn_of_lost_decimals`."""
        self._builder = Builder(self.connection, self.pdf_places, self.columns)
        self._directory: Directory | None = None
        self._refused: Mapping[str, str] | None = None
        run(
            self.connection,
            f"create macro contact_rule() as '{contacts}'; "
            f"create macro family_rule() as '{family_payments}'; "
            f"create macro rounding_rule() as '{rounding}'",
        )
        add_macros(self.connection)
        self.set_directory(EMPTY)
        self.leave_positions_out({})

    def set_directory(self, directory: Directory) -> None:
        """Set the API's directory of names; anything built before with another is out of date."""
        if directory != self._directory:
            write_directory(self.connection, directory)
            self._directory = directory
            self._builder.forget()

    def leave_positions_out(self, refused: Mapping[str, str]) -> None:
        """Send contacts without these positions; the API's message about each becomes a warning."""
        if refused == self._refused:
            return
        self._refused = dict(refused)
        self._builder.forget()
        run(
            self.connection,
            "create or replace table book.refused_positions as "
            "select unnest($1::varchar[]) as position, unnest($2::varchar[]) as message",
            [list(refused), list(refused.values())],
        )

    @property
    def uses_names(self) -> bool:
        """Whether a model produces a column whose names the API's directory converts to ids."""
        return not NAMED.isdisjoint(self.columns.get("customers", ()))

    def missing_fields(self, types: Mapping[str, DataType]) -> list[Field]:
        """Return custom fields that the source has and the API lacks, with the configured or
        inferred data type."""
        rows = self.connection.execute(
            "select name, list(distinct if(value::varchar in ('[]', '{}', '\"\"'), "
            "'NULL', json_type(value))) from book.custom_values "
            "anti join book.fields using (name) group by name order by name"
        ).fetchall()
        return [
            Field(name, types.get(name) or inferred_type(set(kinds)), external_id=name)
            for name, kinds in rows
        ]

    def allot(self, rows: int) -> None:
        """Set the limits of memory, threads and planning for that many staged rows, and write the
        file unless its log is as good."""
        self._rows = rows
        self._limit()
        if rows > _TINY and not self._many:
            prefer_fast_macros(self.connection)
            self._many = True
        # Large tables are compressed by it. Small ones can wait until the file is closed.
        if rows > _TINY or self._log_size() > _MOST_LOGGED:
            run(self.connection, "checkpoint staging")

    def _limit(self) -> None:
        rows = self._rows or 0
        memory = _MEMORY if rows <= _MANY else MEMORY_OF_MANY
        run(self.connection, f"set memory_limit = '{memory}'; set threads = {_threads_for(rows)}")
        plan_by_size(self.connection, tiny=rows <= _TINY)

    def _log_size(self) -> int:
        try:
            return self._log.stat().st_size
        except FileNotFoundError:
            return 0

    @contextmanager
    def staging(self) -> Iterator[duckdb.DuckDBPyConnection]:
        """Yield the connection with the file as its database, for a source to stage tables in.

        Afterwards the limits are again those that were allotted, or those of few rows.
        """
        drop_views(self.connection)
        threads = _CORES if self._rows is None else _threads_for(self._rows)
        run(self.connection, f"use staging; set threads = {threads}")
        plan_reading(self.connection)
        try:
            yield self.connection
        finally:
            run(self.connection, "use memory")
        self._limit()

    def load(self, folder: Path, offered: Iterable[str], own: str = "") -> list[Model]:
        """Load the models of a project folder, and of its subfolder `own`. Raises ModelError."""
        with parsing_with(self.connection):
            return load_models(folder, offered, own)

    def set_parameters(self, parameters: Mapping[str, str | int | float | bool]) -> None:
        """Let models read these values by `getvariable('name')`; an unknown name is an error.

        Values of different types are all text.
        """
        alike = len({type(value) for value in parameters.values()}) < 2
        cases = " ".join(
            f"when {quoted_text(name)} then {_value(value) if alike else quoted_text(str(value))}"
            for name, value in parameters.items()
        )
        unknown = "error('There is no parameter ' || name || ' in this organisation.')"
        # A variable of the engine would be that of one connection.
        run(
            self.connection,
            f"create or replace macro memory.main.getvariable(name) as "
            f"(case name {cases or 'when null then null'} else {unknown} end)",
        )

    def build(
        self,
        models: Iterable[Model],
        contents: Mapping[str, str] | None = None,
        changed: Mapping[str, str] = {},
        whole: bool = False,
    ) -> bool:
        """Run the models over the staged tables and derive everything else. Raises ModelError.

        `contents` identify the rows of the staged tables. With them, and unless `whole`, only what
        depends on tables that moved since the last build is made again; the result is the same.
        `changed` has the contents before of tables of which `staging.changes` has the rows that
        changed, old and new. Returns False if nothing moved, so that nothing has to be checked
        either.
        """
        by_table = {model.table.name: model for model in models}
        self.models = list(by_table.values())
        with parsing_with(self.connection):
            return self._builder.build(by_table, contents or {}, changed, whole or contents is None)

    def build_one(self, model: Model) -> None:
        """Run one model over the staged tables, and nothing that follows from it. Raises
        ModelError."""
        give_columns(self.connection, [model])
        add_reading(self.connection, [model])
        with parsing_with(self.connection), planned_for_models(self.connection):
            self.columns[model.table.name] = maker(model)(self.connection.cursor())

    def check(self) -> None:
        """Check every row. The same rows always have the same problems, whatever was sent
        before."""
        with parsing_with(self.connection), self._builder.checking() as moved:
            run_checks(self.connection, self._builder.present, moved)
            warn_of_lost_decimals(self.connection, self.models, moved, self._whole_units)
            name_causes(self.connection, self.models)

    def run_again(self) -> None:
        """Run the models a second time; rows that differ become warnings, added to those of
        `check`."""
        with parsing_with(self.connection), planned_for_models(self.connection):
            warn_of_unstable_models(self.connection, self.models)

    def uncovered(self) -> list[Uncovered]:
        """Return the source's tables with rows that no model selects."""
        with parsing_with(self.connection), self.sources() as sources:
            return uncovered(sources, self.models)

    def sources(self) -> duckdb.DuckDBPyConnection:
        """Return a connection on which the source's tables have their own names."""
        return on_sources(self.connection)

    def climb(self) -> None:
        """Derive the families again after `book.parents` has changed."""
        self._builder.climb()

    def mark(self) -> None:
        """Compute the fingerprint of every record from the columns that are sent, unless no table
        that it depends on moved since."""
        self._builder.mark()

    def unmark(self, tables: frozenset[str]) -> None:
        """Note that tables of the book changed; whoever writes to them by the connection must."""
        self._builder.unmark(tables)

    def problems(self, limit: int | None = None) -> list[Problem]:
        """Return the problems that the checks found, errors first."""
        return read_problems(self.connection, limit)

    def counts(self) -> dict[str, int]:
        """Return the number of rows of each canonical table that a model produces."""
        return {
            name: int(self.connection.execute(f"select count(*) from book.{name}").fetchall()[0][0])
            for name, columns in self.columns.items()
            if columns
        }

    def close(self) -> None:
        """Close the file and delete the spill files next to it; no thread can use the book then."""
        close_engine(self.connection)
        shutil.rmtree(self._spill, ignore_errors=True)

    def __enter__(self) -> Book:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


def _threads_for(rows: int) -> int:
    return 1 if rows <= _FEW else _CORES


def _value(value: str | int | float | bool) -> str:
    return quoted_text(value) if isinstance(value, str) else str(value).lower()
