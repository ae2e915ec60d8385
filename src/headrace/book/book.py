"""One organisation's receivables as tables, in a DuckDB file that can be rebuilt at any time.

Its schemas: `source` (the billing system's tables as staged), `book` (the canonical tables, their
problems, the records to send), `plan` (the operations of the last plan).
"""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from importlib import resources
from pathlib import Path
from types import TracebackType

import duckdb

from headrace.book.casts import RAW
from headrace.book.causes import name_causes
from headrace.book.checks import Problem, read_problems, run_checks
from headrace.book.coverage import Uncovered, note_lost_allocations, uncovered
from headrace.book.custom_values import inferred_type
from headrace.book.derived import derive
from headrace.book.directory import EMPTY, Directory, Field, write_directory
from headrace.book.engine import MEMORY_OF_MANY, add_macros, open_engine, quoted_text
from headrace.book.fingerprints import FINGERPRINTS
from headrace.book.given_values import keep_given_values
from headrace.book.lost_decimals import warn_of_lost_decimals
from headrace.book.models import Model, load_models, make_empty, run_model
from headrace.book.parallel import Task, side_by_side
from headrace.book.pdf_marks import mark_files
from headrace.book.pdf_places import PdfPlaces
from headrace.book.reading import add_reading
from headrace.book.shapeless import drop_views, give_columns
from headrace.book.sql_tree import parsing_with
from headrace.book.tables import TABLES
from headrace.book.unstable import warn_of_unstable_models
from headrace.model.custom_field import DataType
from headrace.model.private_files import make_folder
from headrace.model.project import ContactRule, FamilyRule, RoundingRule

_NAMES = ("empty", "roots", "views", "rebooked", "allocation_marks")
_SQL = {
    name: resources.files("headrace.book").joinpath(f"{name}.sql").read_text(encoding="utf-8")
    for name in _NAMES
}


_MEMORY = "400MB"
"""Memory limit of DuckDB for most books."""
_MANY = 2_500_000
"""Number of staged rows above which more memory is allotted. Up to it the smaller limit costs
almost no time; beyond it, runs would take a third longer."""

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
        self.connection = open_engine(path, self._spill, readable)
        self.pdf_places = PdfPlaces(folder, documents)
        self.columns: dict[str, frozenset[str]] = {}
        self.models: list[Model] = []
        """The models of the last build."""
        self._marked = False
        self.connection.execute(
            f"create macro contact_rule() as '{contacts}'; "
            f"create macro family_rule() as '{family_payments}'; "
            f"create macro rounding_rule() as '{rounding}'"
        )
        add_macros(self.connection)
        self.connection.execute(_SQL["empty"])
        self.set_directory(EMPTY)
        self.leave_positions_out({})

    def set_directory(self, directory: Directory) -> None:
        """Set the API's directory of names; anything built before is then out of date."""
        write_directory(self.connection, directory)
        self.unmark()

    def leave_positions_out(self, refused: Mapping[str, str]) -> None:
        """Send contacts without these positions; the API's message about each becomes a warning."""
        self.connection.execute(
            "create or replace table book.refused_positions as "
            "select unnest($1::varchar[]) as position, unnest($2::varchar[]) as message",
            [list(refused), list(refused.values())],
        )
        self.unmark()

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

    def limit_memory(self, rows: int) -> None:
        """Set the memory limit for that many staged rows."""
        memory = _MEMORY if rows <= _MANY else MEMORY_OF_MANY
        self.connection.execute(f"set memory_limit = '{memory}'")

    @contextmanager
    def staging(self) -> Iterator[duckdb.DuckDBPyConnection]:
        """Yield the connection with the file as its database, for a source to stage tables in."""
        drop_views(self.connection)
        self.connection.execute("use staging")
        try:
            yield self.connection
            # If not done here, some later statement would pay for it.
            self.connection.execute("checkpoint staging")
        finally:
            self.connection.execute("use memory")

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
        self.connection.execute(
            f"create or replace macro memory.main.getvariable(name) as "
            f"(case name {cases or 'when null then null'} else {unknown} end)"
        )

    def build(self, models: Iterable[Model]) -> None:
        """Run the models over the staged tables and derive everything else. Raises ModelError."""
        with parsing_with(self.connection):
            self._build(models)

    def _build(self, models: Iterable[Model]) -> None:
        self.unmark()
        by_table = {model.table.name: model for model in models}
        self.models = list(by_table.values())
        add_reading(self.connection, self.models)
        give_columns(self.connection, by_table.values())
        for table in TABLES:
            if table.name not in by_table:
                make_empty(self.connection, table)
                self.columns[table.name] = frozenset()
        made = side_by_side(self.connection, [_maker(model) for model in by_table.values()])
        self.columns.update(zip(by_table, made, strict=True))
        with self.sources() as sources:
            note_lost_allocations(sources, self.models)
        self._note_unread()
        derive(self.connection)
        mark_files(self.connection, self.pdf_places)
        self.connection.execute(
            "create or replace table book.modelled as select unnest($1::varchar[]) as name",
            [list(by_table)],
        )
        self.connection.execute(_SQL["empty"])
        self.connection.execute(_SQL["views"])
        self.connection.execute(_SQL["rebooked"])

    def build_one(self, model: Model) -> None:
        """Run one model over the staged tables, and nothing that follows from it. Raises
        ModelError."""
        give_columns(self.connection, [model])
        add_reading(self.connection, [model])
        with parsing_with(self.connection):
            self.columns[model.table.name] = _maker(model)(self.connection.cursor())

    def _note_unread(self) -> None:
        """Record unreadable values that still carry meaning: that a customer has a parent, that
        an invoice is paid."""
        self.connection.execute(
            "create or replace table book.unread_parents as select external_id "
            f"from book.customers where {self._unread('customers', 'parent_external_id')}"
        )
        self.connection.execute(
            "create or replace table book.unread_custom_fields as select external_id "
            f"from book.customers where {self._unread('customers', 'custom_fields')}"
        )
        self.connection.execute(
            "create or replace view book.marked_invoices as from book.invoices "
            f"where marked_paid_at is not null or {self._unread('invoices', 'marked_paid_at')}"
        )

    def _unread(self, table: str, column: str) -> str:
        """Return SQL for whether the column has a value that could not be read."""
        columns = self.connection.execute(f"describe book.{table}").fetchall()
        raw = f"{column}{RAW}"
        return f"{raw} is not null" if raw in {name for name, *_ in columns} else "false"

    def check(self) -> None:
        """Check every row. The same rows always have the same problems, whatever was sent
        before."""
        run_checks(self.connection)
        with parsing_with(self.connection):
            warn_of_lost_decimals(self.connection, self.models)
            name_causes(self.connection, self.models)

    def run_again(self) -> None:
        """Run the models a second time; rows that differ become warnings, added to those of
        `check`."""
        with parsing_with(self.connection):
            warn_of_unstable_models(self.connection, self.models)

    def uncovered(self) -> list[Uncovered]:
        """Return the source's tables with rows that no model selects."""
        with parsing_with(self.connection), self.sources() as sources:
            return uncovered(sources, self.models)

    def sources(self) -> duckdb.DuckDBPyConnection:
        """Return a connection on which the source's tables have their own names."""
        cursor = self.connection.cursor()
        cursor.execute("set search_path = 'staging.source,memory.main'")
        return cursor

    def climb(self) -> None:
        """Derive the families again after `book.parents` has changed."""
        self.connection.execute(_SQL["roots"])
        self.unmark()

    def mark(self) -> None:
        """Compute the fingerprint of every record from the columns that are sent, unless no table
        of the book changed since."""
        if not self._marked:
            self.connection.execute(_SQL["allocation_marks"])
            self.connection.execute(FINGERPRINTS)
        self._marked = True

    def unmark(self) -> None:
        """Note that tables of the book changed; whoever writes to them by the connection must."""
        self._marked = False

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
        """Close the file and delete the spill files next to it."""
        self.connection.close()
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


def _maker(model: Model) -> Task[frozenset[str]]:
    def make(connection: duckdb.DuckDBPyConnection) -> frozenset[str]:
        connection.execute("set search_path = 'staging.source,memory.main'")
        columns = run_model(connection, model)
        keep_given_values(connection, model)
        return columns

    return make


def _value(value: str | int | float | bool) -> str:
    return quoted_text(value) if isinstance(value, str) else str(value).lower()
