"""Makes the tables of the book from the staged ones, and makes only those again that moved."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from importlib import resources

import duckdb
from msgspec import structs

from headrace.book.dependencies import tables_of
from headrace.book.derivation.derived import derive
from headrace.book.derivation.links import LINK_MARKS, LINK_TABLES
from headrace.book.derivation.marking import mark
from headrace.book.engine.engine import planned_for_models
from headrace.book.models.casts import RAW
from headrace.book.models.changed_rows import Moved, Touched, replace_changed
from headrace.book.models.coverage import note_lost_allocations
from headrace.book.models.given_values import keep_given_values
from headrace.book.models.made import (
    FAMILIES,
    Inputs,
    changed_tables,
    corrected_tables,
    inputs_of,
    outdated,
)
from headrace.book.models.models import Model, make_empty, run_model
from headrace.book.models.reading import add_reading
from headrace.book.models.shapeless import give_columns
from headrace.book.payloads.pdf_marks import mark_files
from headrace.book.payloads.pdf_places import PdfPlaces
from headrace.book.queries.branches import without_absent
from headrace.book.queries.filled import filled
from headrace.book.queries.parallel import Task, side_by_side
from headrace.book.tables import TABLES
from headrace.model.repeated import run
from headrace.model.table_contents import contents_of

_SQL = {
    name: resources.files("headrace.book").joinpath(f"{name}.sql").read_text(encoding="utf-8")
    for name in ("empty", "views", "derivation/rebooked", "derivation/roots")
}
_UNREAD = frozenset({"unread_parents", "unread_custom_fields"})
_FILES = frozenset({"files", "refused_files"})
_BEFORE = "__before"
"""Behind the name of a table that is made again."""


class Builder:
    """Builds one book, and remembers what its tables were made from.

    After an error nothing is remembered, so that the next build makes everything.
    """

    def __init__(
        self,
        connection: duckdb.DuckDBPyConnection,
        places: PdfPlaces,
        columns: dict[str, frozenset[str]],
    ) -> None:
        """`columns` is filled with the columns that the models produce, by table."""
        self.connection = connection
        self._places = places
        self._columns = columns
        self._made: dict[str, Inputs | None] | None = None
        """What the models of the last build read; None if everything must be made."""
        self._moved: Moved | None = None
        """What the last build made; None for everything."""
        self._marked = False
        self._unmarked: Moved | None = None
        """What moved since the fingerprints were computed; None for everything."""
        self._climbed = False
        """Whether the families were corrected since the last build."""

    def forget(self) -> None:
        """Make everything in the next build."""
        self._made = None
        self.unmark()

    def unmark(self, tables: frozenset[str] | None = None) -> None:
        """Compute the fingerprints again the next time that depend on these tables; None for all of
        them."""
        earlier = Moved(frozenset(), {}) if self._marked else self._unmarked
        if tables is None or earlier is None:
            self._unmarked = None
        else:
            self._unmarked = structs.replace(earlier, tables=earlier.tables | tables)
        self._marked = False

    def climb(self) -> None:
        """Derive the families again after `book.parents` has changed."""
        run(self.connection, _SQL["derivation/roots"])
        self._climbed = True
        self.unmark(FAMILIES)

    @property
    def present(self) -> frozenset[str]:
        """The tables that may have rows: those that models make, and fixes of invoices that a model
        can mark as paid."""
        made = {name for name, columns in self._columns.items() if columns}
        if "marked_paid_at" in self._columns.get("invoices", ()):
            made.add("fixes")
        return frozenset(made)

    @contextmanager
    def checking(self) -> Iterator[Moved | None]:
        """Yield what moved in the last build, None for everything, for checks within a `with`; if
        these fail, everything is made in the next build."""
        made, self._made = self._made, None
        yield self._moved
        self._made = made

    def build(
        self,
        by_table: Mapping[str, Model],
        contents: Mapping[str, str],
        changed: Mapping[str, str],
        whole: bool,
    ) -> bool:
        """Run the models and derive what follows, as `Book.build` says."""
        made, self._made = self._made, None
        if whole:
            made = None
        if made is not None and made.keys() != by_table.keys():
            made = None
        corrected = frozenset[str]()
        if made is not None:
            corrected = corrected_tables(self.connection, self._climbed)
        self._climbed = False
        due = list(by_table.values())
        touched: dict[str, Touched] = {}
        if made is not None:
            due = outdated(self.connection, due, contents, made)
            add_reading(self.connection, due)
            give_columns(self.connection, by_table.values())
        stale = bool(due)  # some warnings look at the source's rows, whatever models make of them
        if made is not None:
            touched = self._replace_rows(due, contents, changed, made)
            due = [model for model in due if model.table.name not in touched]
        moved = self._run(due, by_table, again=made is not None)
        moved |= {name for name, one in touched.items() if one.ids}
        self._made = {name: inputs_of(model, contents) for name, model in by_table.items()}
        if made is None:
            self._moved = None
            self._derive(by_table, None, {}, shaped=False)
        elif not moved and not stale and not corrected:
            return False
        else:
            self._moved = self._derived(by_table, moved | corrected, touched, shaped=not due)
        self._unmarked = self._moved if self._marked else None
        self._marked = False
        return True

    def _run(
        self, due: Sequence[Model], by_table: Mapping[str, Model], again: bool
    ) -> frozenset[str]:
        """Run models, and return the tables whose contents differ from before if they ran `again`.

        PDFs may change without the tables that name them, so those always count as moved.
        """
        if not again:
            add_reading(self.connection, due)
            give_columns(self.connection, by_table.values())
            for table in TABLES:
                if table.name not in by_table:
                    make_empty(self.connection, table)
                    self._columns[table.name] = frozenset()
        names = [model.table.name for model in due]
        for name in names if again else ():
            self.connection.execute(
                f"drop table if exists book.{name}{_BEFORE}; "
                f"alter table book.{name} rename to {name}{_BEFORE}"
            )
        with planned_for_models(self.connection):
            made = side_by_side(self.connection, [maker(model) for model in due])
        self._columns.update(zip(names, made, strict=True))
        moved = {name for name in names if again and self._replaces(name)}
        return frozenset(moved | filled(self.connection, "documents"))

    def _replace_rows(
        self,
        due: Sequence[Model],
        contents: Mapping[str, str],
        changed: Mapping[str, str],
        made: Mapping[str, Inputs | None],
    ) -> dict[str, Touched]:
        """Replace single rows of the tables of which the changed rows tell which ones; returns
        these tables. The other models have to run as a whole."""
        found = {}
        for model in due:
            tables = changed_tables(self.connection, model, contents, changed, made)
            if not tables:
                continue
            with planned_for_models(self.connection):
                touched = replace_changed(self.connection, model, tables)
            if touched:
                found[model.table.name] = touched
        return found

    def _replaces(self, name: str) -> bool:
        """Whether a table has other rows than before it was made again.

        Else the earlier one is put back, because other tables know its rows by their places.
        """
        before = f"{name}{_BEFORE}"
        old, new = (contents_of(self.connection, f"book.{one}") for one in (before, name))
        if old == new:
            self.connection.execute(
                f"drop table book.{name}; alter table book.{before} rename to {name}"
            )
        else:
            self.connection.execute(f"drop table book.{before}")
        return old != new

    def _derived(
        self,
        by_table: Mapping[str, Model],
        moved: frozenset[str],
        touched: dict[str, Touched],
        *,
        shaped: bool,
    ) -> Moved:
        """Make the tables that follow from those that moved; returns all that have other rows."""
        # Corrected families count as moved even where the source now says the same: links were
        # judged by what it said before.
        found = moved | self._derive(by_table, moved, touched, shaped=shaped)
        touched = {name: one for name, one in touched.items() if one.ids}
        read = tables_of(LINK_MARKS.sql) & found
        linked = None
        if read <= touched.keys():
            read = frozenset(name for name in read if touched[name].links)
            # Without links, the documents were not marked.
            if filled(self.connection, "document_marks"):
                ids = (touched[name].ids for name in read - {"allocations"})
                linked = frozenset[str]().union(*ids)
        if read:
            found |= LINK_TABLES  # the checks make them, and fingerprints read them
        return Moved(found, touched, linked if read else None)

    def _derive(
        self,
        by_table: Mapping[str, Model],
        moved: frozenset[str] | None,
        touched: dict[str, Touched],
        *,
        shaped: bool,
    ) -> frozenset[str]:
        """Make the tables that follow from those that moved, None for all; returns those that may
        have other rows.

        `touched` has the rows that were replaced, and gets those that are. `shaped` says that no
        model ran as a whole, so that the views still fit their tables.
        """
        with on_sources(self.connection) as sources:
            note_lost_allocations(sources, by_table.values())
        if moved is None or "customers" in moved:
            moved = None if moved is None else moved | _UNREAD
        self._note_unread()
        made = derive(self.connection, moved, touched)
        mark_files(self.connection, self._places)
        run(
            self.connection,
            "create or replace table book.modelled as select unnest($1::varchar[]) as name",
            [list(by_table)],
        )
        rebooked = filled(self.connection, "rebooked") if moved is not None else frozenset()
        run(self.connection, _SQL["empty"])
        if not shaped:
            run(self.connection, without_absent(_SQL["views"], self.present))
        run(self.connection, _SQL["derivation/rebooked"])
        if moved is None:
            return made
        made |= rebooked | filled(self.connection, "rebooked") | {"lost_allocations"}
        return made | (_UNREAD & moved) | (_FILES if "documents" in moved else frozenset())

    def mark(self) -> None:
        """Compute the fingerprints that depend on what moved since they were computed."""
        if not self._marked:
            mark(self.connection, self._unmarked, self.present)
        self._marked, self._unmarked = True, None

    def _note_unread(self) -> None:
        """Record unreadable values that still carry meaning: that a customer has a parent, that
        an invoice is paid."""
        run(
            self.connection,
            "create or replace table book.unread_parents as select external_id "
            f"from book.customers where {self._unread('customers', 'parent_external_id')}",
        )
        run(
            self.connection,
            "create or replace table book.unread_custom_fields as select external_id "
            f"from book.customers where {self._unread('customers', 'custom_fields')}",
        )
        run(
            self.connection,
            "create or replace view book.marked_invoices as from book.invoices "
            f"where marked_paid_at is not null or {self._unread('invoices', 'marked_paid_at')}",
        )

    def _unread(self, table: str, column: str) -> str:
        """Return SQL for whether the column has a value that could not be read."""
        columns = run(self.connection, f"describe book.{table}").fetchall()
        raw = f"{column}{RAW}"
        return f"{raw} is not null" if raw in {name for name, *_ in columns} else "false"


def on_sources(connection: duckdb.DuckDBPyConnection) -> duckdb.DuckDBPyConnection:
    """Return a connection on which the source's tables have their own names."""
    cursor = connection.cursor()
    run(cursor, "set search_path = 'staging.source,memory.main'")
    return cursor


def maker(model: Model) -> Task[frozenset[str]]:
    """Return a task that makes a model's table, and returns the columns that the model has."""

    def make(connection: duckdb.DuckDBPyConnection) -> frozenset[str]:
        run(connection, "set search_path = 'staging.source,memory.main'")
        columns = run_model(connection, model)
        keep_given_values(connection, model)
        return columns

    return make
