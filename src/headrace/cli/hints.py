"""`headrace hints`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from headrace.cli.interruptible import run_work
from headrace.cli.show.console import ProjectOption
from headrace.fleet.hinting import subjects_of
from headrace.fleet.project import load_project
from headrace.hints.notify import trigger_sql
from headrace.hints.way import HintsLost
from headrace.model.errors import ConfigurationError, SourceError

app = typer.Typer(
    help="Let a billing database tell `headrace run` at once that something changed.",
    no_args_is_help=True,
)


@app.callback()
def group() -> None:
    """Let a billing database tell `headrace run` at once that something changed."""


@app.command()
def trigger(
    organisation: Annotated[str, typer.Argument(help="The organisation.", metavar="ORGANISATION")],
    project: ProjectOption = Path(),
) -> None:
    """Print the statements that let PostgreSQL notify headrace of each commit.

    They make a function, and a trigger on each table that the organisation's models read, also
    behind views. An administrator of the database runs them; headrace only reads. A notification
    has the name of the table and no values.

    Example: headrace hints trigger acme | psql billing
    """
    loaded = load_project(project)
    name = loaded.only([organisation])
    found = [
        subject
        for subject in subjects_of(loaded, name)
        if subject.source.url.startswith(("postgresql://", "postgres://"))
    ]
    if not found:
        raise ConfigurationError(f"[organisation.{name}] has no source in PostgreSQL.")
    for subject in found:
        try:
            print(run_work(trigger_sql(subject)), end="")
        except HintsLost as error:
            raise SourceError(str(error)) from None
