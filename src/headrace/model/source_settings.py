"""The project file's table of a source, and how files are written."""

from __future__ import annotations

from typing import Any

from msgspec import Struct

from headrace.model.clock import parse_interval


class Settings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A table of the project file."""


SYSTEM = "system:"
"""Before a known system's name: as `kind` it is read by its API, as `models` its models are
used."""
SHIPPED_KINDS = {
    "sql": (("url",), 'url is needed with kind = "sql", such as sqlite:///billing.db'),
    "files": (("path", "tables"), 'path is needed with kind = "files": the folder with the files'),
    "python": (("path",), 'path is needed with kind = "python": the file with the generators'),
    "singer": (
        ("path", "options"),
        'options are needed with kind = "singer": the command of the tap',
    ),
    "rest": (("options",), 'options are needed with kind = "rest": the client and the resources'),
}
"""The kinds of source that are shipped: settings of which one is needed, and what says so."""


class FileFormat(Settings, frozen=True, kw_only=True):
    """How files are written, where that can't be derived from them."""

    encoding: str = ""
    """CSV: the encoding, such as `"cp1252"` or `"utf-16"`; empty for UTF-8."""
    delimiter: str = ""
    """CSV: the character between fields; empty for the one that divides all lines evenly."""
    header: bool | None = None
    """CSV and Excel: false if the first line has no names; they are then `column1`, `column2`.
    Without it, a first line that looks like values is an error."""
    skip: int | None = None
    """CSV and Excel: the number of lines before the header. Without it, none in CSV; in Excel,
    title rows are recognised."""

    @property
    def has_header(self) -> bool:
        """Whether the first line has the names."""
        return self.header is not False

    def __post_init__(self) -> None:
        if self.skip is not None and self.skip < 0:
            raise ValueError("skip must be 0 or more")
        if len(self.delimiter) > 1:
            raise ValueError("delimiter must be one character")
        if self.encoding:
            try:
                "a".encode(self.encoding)
            except LookupError:
                raise ValueError(f"there is no encoding {self.encoding}") from None


class Incremental(Settings, frozen=True, kw_only=True):
    """How one table is read by a cursor."""

    cursor: str
    """The column that grows with each change of a row, such as `"write_date"`."""
    key: str = "id"
    """The column that identifies a row."""
    parameter: str = ""
    """kind = "rest": the query parameter by which the API gives only what is new, such as
    `"updated_since"`."""
    overlap: str = "1h"
    """How far before the last change reading starts again: a transaction may commit late."""
    sweep: str = "1d"
    """How often everything is read, which detects deleted rows."""

    def __post_init__(self) -> None:
        for name in ("overlap", "sweep"):
            parse_interval(getattr(self, name))


class SourceSettings(Settings, frozen=True, kw_only=True):
    """The billing system of one organisation."""

    kind: str = ""
    """`"sql"` for a database, `"files"` for a folder of exports, `"python"` for your own
    generators, `"singer"` for a tap, `"rest"` for an API, `"system:NAME"` for a known system by its
    own API, the name of a source that another package
    brings, or `"package.module:Class"`."""
    url: str = ""
    """kind = "sql": `sqlite:///FILE` (relative to the project), `postgresql://…`, `mysql://…`, or
    `env:NAME`."""
    path: str = ""
    """kind = "files": the folder of CSV, JSON lines, Parquet and Excel files, relative to the
    project, or an address such as `s3://bucket/exports`. kind = "python": the file. kind =
    "singer": a file of messages, `"-"` for standard input."""
    schema: str = ""
    """kind = "sql": the schema of the tables, if it is not on the search path (PostgreSQL) or not
    the address's database (MySQL)."""
    tables: dict[str, str] = {}
    """Additional table names that models may read: a SELECT each (sql), or a file glob each
    (files)."""
    incremental: dict[str, Incremental] = {}
    """kind = "sql", "rest" and "python": tables that are read by a cursor, such as `{ invoices = {
    cursor = "write_date" } }`; a table of its own each. A deleted row is then noticed at the next
    sweep."""
    format: FileFormat = FileFormat()
    """kind = "files": how the files are written; a table of its own."""
    formats: dict[str, FileFormat] = {}
    """kind = "files": the same for single tables, by their names."""
    done: str = ""
    """kind = "files": the name of a file that says that the export is complete, such as `"done"`;
    `{file}` stands for the name of each file. Without it, a file is complete when its size and
    time have stood still for a second."""
    options: dict[str, Any] = {}
    """Options for generators, a tap, an API, a source from another package, or the file system of
    an address in `path`; `env:NAME` and `file:PATH` are resolved, also within tables and lists."""

    more: dict[str, SourceSettings] = {}
    """Further sources, each a table `[organisation.NAME.source.bank]`; models read their tables
    as `bank.payments`."""

    def __post_init__(self) -> None:
        if not self.kind and not self.more:
            raise ValueError('kind is needed, such as "sql" or "files"')
        for name, source in self.more.items():
            if not name.isidentifier() or source.more:
                raise ValueError(f"{name}: a further source needs a name of letters and digits")
        needed, message = SHIPPED_KINDS.get(self.kind, ((), ""))
        if needed and not any(getattr(self, name) for name in needed):
            raise ValueError(message)
        remote = self.kind == "files" and "://" in self.path
        if self.options and self.kind in ("sql", "files") and not remote:
            raise ValueError(f'options are for other kinds of sources, not kind = "{self.kind}"')
        alone = self.kind in ("files", "singer") or self.kind.startswith(SYSTEM)
        if self.incremental and alone:
            raise ValueError(
                f'incremental is for kind = "sql", "rest" and "python": kind = "{self.kind}" '
                "notices by itself what is new"
            )


def gather_sources(table: Any) -> None:
    """Move the tables `source.NAME` that have a kind into `source.more`, in place."""
    source = table.get("source") if isinstance(table, dict) else None
    if not isinstance(source, dict):
        return
    known = SourceSettings.__struct_fields__
    names = [k for k, v in source.items() if k not in known and isinstance(v, dict) and "kind" in v]
    if names:
        source["more"] = source.get("more", {}) | {name: source.pop(name) for name in names}
