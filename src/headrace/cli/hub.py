"""`headrace hub`: looking after a hub's database."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import msgspec
import typer

from headrace.cli.exit_codes import ExitCode
from headrace.store.check import check_database
from headrace.store.place import find_place, snapshot

app = typer.Typer(no_args_is_help=True, help="Look after a hub's database.")


@app.callback()
def _group() -> None:
    """Look after a hub's database."""


@app.command()
def check(
    data: Annotated[Path | None, typer.Option(help="The hub's data folder.")] = None,
    database: Annotated[
        str | None,
        typer.Option(help="Or its PostgreSQL database: postgresql://..., env:NAME or file:PATH."),
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="Print JSON only.")] = False,
) -> None:
    """Look through the whole database for what can't be: wrong sums, links, counts, owners.

    One line for each finding, none when all is well; exit code 3 when there is any. It reads only,
    on one snapshot, also while the hub runs. A finding is a defect of headrace or of the storage
    below it, or somebody wrote to the database by other means.

    Example: headrace hub check --data ./hub
    """
    found = []
    with snapshot(find_place(data, database)) as db:
        for finding in check_database(db):
            found.append(finding)
            if not json:
                typer.echo(finding)
    if json:
        typer.echo(msgspec.json.encode(found).decode())
    elif not found:
        typer.echo("All is as it should be.")
    if found:
        raise typer.Exit(ExitCode.PROBLEMS_IN_DATA)
