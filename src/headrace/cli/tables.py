"""`headrace tables`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from headrace.cli.each import Failures
from headrace.cli.options.scratch import opened_scratch
from headrace.cli.show.console import (
    JsonOption,
    OrganisationOption,
    ProjectOption,
    console,
    print_json,
    several,
)
from headrace.fleet.project import LoadedProject, load_project
from headrace.sources.source import quoted


def command(
    project: ProjectOption = Path(),
    organisation: OrganisationOption = None,
    json: JsonOption = False,
) -> None:
    """List the tables that models may read, with their rows and columns.

    Reads the source; needs no keys, and works during a running sync. Every table is read once to
    count its rows.

    Example: headrace tables --organisation acme
    """
    loaded = load_project(project)
    names = loaded.names(organisation)
    failures = Failures(loaded, names, json)
    documents = []
    for name, tables in failures.each(lambda name: _tables(loaded, name)):
        documents.append({"organisation": name, "tables": tables})
        if not json:
            console.print(f"[bold]{name}[/bold]")
            for table in tables:
                counted = f"{several(table['rows'], 'row')}"
                console.print(f"  {table['name']}: {counted}", markup=False)
                console.print(f"    {', '.join(table['columns'])}", markup=False)
            if not tables:
                console.print("  no tables")
    if json:
        print_json([*documents, *failures.documents()])
    failures.exit([])


def _tables(loaded: LoadedProject, name: str) -> list[dict[str, Any]]:
    with opened_scratch(loaded, name) as scratch:
        rows = scratch.stage(scratch.offered())
        connection = scratch.sources()
        return [
            {
                "name": table,
                "rows": count,
                "columns": [
                    str(column)
                    for column, *_ in connection.execute(f"describe {quoted(table)}").fetchall()
                ],
            }
            for table, count in rows.items()
        ]
