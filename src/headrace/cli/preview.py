"""`headrace preview`: the rows of one model or one of the source's tables."""

from __future__ import annotations

import difflib
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.table import Table

from headrace.book.models.reading import add_reading_macros
from headrace.cli.options.scratch import models_of, opened_scratch
from headrace.cli.show.console import (
    JsonOption,
    OrganisationOption,
    ProjectOption,
    console,
    print_json,
    several,
)
from headrace.drafting.scratch import Scratch
from headrace.drafting.survey import Column, survey_table
from headrace.fleet.project import LoadedProject, load_project
from headrace.model.errors import ConfigurationError
from headrace.sources.source import quoted

_SOURCE = "source."
_WIDE = 40
"""Longest value shown of a column on a screen."""


def command(
    name: Annotated[
        str,
        typer.Argument(
            metavar="MODEL", help="A model, or a table of the source: `source.NAME` where both are."
        ),
    ],
    project: ProjectOption = Path(),
    organisation: OrganisationOption = None,
    limit: Annotated[int, typer.Option(min=0, help="Rows to show.")] = 5,
    json: JsonOption = False,
) -> None:
    """Show the rows of a model or of a table of the source: types, nulls, distinct values.

    Runs the one model over the source as it is now; needs no keys, sends nothing, and works during
    a running sync.

    Example: headrace preview invoices --limit 10
    """
    loaded = load_project(project)
    chosen = loaded.only(organisation)
    with opened_scratch(loaded, chosen) as scratch:
        document = _document(loaded, chosen, scratch, name, limit)
    if json:
        print_json(document)
        return
    _show(document)


def _document(
    loaded: LoadedProject, organisation: str, scratch: Scratch, name: str, limit: int
) -> dict[str, Any]:
    offered = scratch.offered()
    models = {} if name.startswith(_SOURCE) else models_of(loaded, organisation, scratch)
    connection = scratch.sources()
    if name in models:
        model = models[name]
        scratch.stage(sorted(model.reads))
        scratch.book.build_one(model)
        target, kind = f"memory.book.{quoted(name)}", "model"
        shown = scratch.book.columns[name]
    else:
        table = name.removeprefix(_SOURCE).lower()
        if table not in offered:
            near = difflib.get_close_matches(table, [*models, *offered], 1)
            hint = f" Did you mean {near[0]}?" if near else ""
            raise ConfigurationError(
                f"There is no model and no table {name}.{hint} "
                "`headrace tables` lists the source's tables."
            )
        scratch.stage([table])
        target, kind, shown = f"staging.source.{quoted(table)}", "table", None
    add_reading_macros(scratch.book.connection)
    found = survey_table(connection, target, name.removeprefix(_SOURCE), shown)
    columns = ", ".join(map(quoted, found.columns)) or "1"
    rows = connection.execute(f"select {columns} from {target} limit {limit}").fetchall()
    return {
        "name": name,
        "kind": kind,
        "rows": found.rows,
        "columns": [_described(column) for column in found.columns.values()],
        "first": [
            {c: None if v is None else str(v) for c, v in zip(found.columns, row, strict=True)}
            for row in rows
        ],
    }


def _described(column: Column) -> dict[str, Any]:
    return {
        "name": column.name,
        "type": column.type,
        "nulls": column.nulls,
        "distinct": column.distinct,
        "values": column.values,
        "samples": column.samples,
    }


def _show(document: dict[str, Any]) -> None:
    console.print(
        f"{document['kind']} {document['name']}: {several(document['rows'], 'row')}", markup=False
    )
    table = Table("column", "type", "nulls", "distinct", "values", box=None, pad_edge=False)
    for column in document["columns"]:
        values = [f"{value} ({rows:,})" for value, rows in list(column["values"].items())[:6]]
        shown = ", ".join(values) if values else ", ".join(column["samples"]) + ", …"
        if len(column["values"]) > len(values):
            shown += f", … ({len(column['values']):,} values)"
        table.add_row(
            column["name"],
            column["type"],
            f"{column['nulls']:,}",
            f"{column['distinct']:,}",
            _short(shown, 2 * _WIDE) if column["samples"] else "",
        )
    console.print(table)
    for row in document["first"]:
        said = [f"{name} {_short(value, _WIDE)}" for name, value in row.items() if value]
        console.print(f"- {', '.join(said)}", markup=False)


def _short(text: str, width: int) -> str:
    flat = " ".join(text.split())
    return flat if len(flat) <= width else flat[: width - 1] + "…"
