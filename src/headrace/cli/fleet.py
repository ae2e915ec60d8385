"""`headrace fleet`: the organisations that workers share."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import msgspec
import typer
from rich.table import Table

from headrace.cli.interruptible import run_work
from headrace.cli.options.member import AddOptions, given_members
from headrace.cli.options.record import with_options
from headrace.cli.show.console import (
    JsonOption,
    ProjectOption,
    console,
    duration_text,
    print_json,
    several,
)
from headrace.fleet.project import LoadedProject, load_file
from headrace.fleet.register.changes import add as add_member
from headrace.fleet.register.changes import hint
from headrace.fleet.register.changes import pause as pause_member
from headrace.fleet.register.changes import remove as remove_member
from headrace.fleet.register.changes import resume as resume_member
from headrace.fleet.register.database import FleetDatabase
from headrace.fleet.register.entries import Entry, entries
from headrace.fleet.register.entries import history as past_rounds
from headrace.fleet.register.entries import workers as all_workers
from headrace.fleet.secrets import new_sealing_key
from headrace.model.clock import SYSTEM_CLOCK
from headrace.model.errors import ConfigurationError

app = typer.Typer(
    no_args_is_help=True,
    help="Look after the organisations that workers share: add, list, pause, resume, remove, "
    "sync now.",
)

Names = Annotated[list[str], typer.Argument(help="Names of organisations.")]
_WAIT_S = 0.5


@contextmanager
def _opened(project: Path) -> Iterator[tuple[LoadedProject, FleetDatabase]]:
    loaded = load_file(project)
    url = loaded.state_url()
    if not url:
        raise ConfigurationError(
            "headrace.toml has no `state`: set it to the postgresql:// address of the database "
            "that the workers share."
        )
    with FleetDatabase(url) as database:
        yield loaded, database


@app.command("add")
@with_options(AddOptions)
def add(options: AddOptions) -> None:
    """Add an organisation, or many from a file; their first rounds are due at once.

    Its settings are the project's [defaults], then the template, then its own. They are checked
    first; with --from either all are added or none.

    Example: headrace fleet add acme --template odoo --parameter database=acme --key file:acme.key
    --secret command:'vault read acme'
    """
    with _opened(options.project) as (loaded, database):
        given = list(given_members(options, loaded.folder))
        with database.transaction():
            new = [
                add_member(database, loaded.settings, member, options.replace) for member in given
            ]
    if options.json:
        print_json({"added": sum(new), "replaced": len(new) - sum(new)})
        return
    console.print(f"{several(sum(new), 'organisation')} added", markup=False)
    if len(new) > sum(new):
        console.print(f"{several(len(new) - sum(new), 'organisation')} changed", markup=False)


@app.command("list")
def list_(project: ProjectOption = Path(), json: JsonOption = False) -> None:
    """List all organisations, those with trouble first, and the workers.

    Example: headrace fleet list
    """
    with _opened(project) as (_, database):
        found, there = entries(database), all_workers(database)
    if json:
        print_json(
            {
                "organisations": [
                    {"state": one.state, **msgspec.structs.asdict(one)} for one in found
                ],
                "workers": there,
            }
        )
        return
    table = Table(box=None, pad_edge=False)
    for column in ("organisation", "state", "last round", "pending", "what happened"):
        table.add_column(column, overflow="fold")
    for one in found:
        table.add_row(one.organisation, one.state, _ago(one), _number(one.pending), _said(one))
    console.print(table)
    for worker in there:
        alive = "" if worker.alive else ", does not answer"
        console.print(
            f"worker {worker.name}: {worker.rounds} of {worker.at_once} rounds{alive}",
            markup=False,
        )
    if not there:
        console.print("No worker is running: start `headrace worker`.", markup=False)


def _ago(one: Entry) -> str:
    if one.ended_at is None:
        return "never"
    return f"{duration_text(max(0, (SYSTEM_CLOCK.now() - one.ended_at).total_seconds()))} ago"


def _number(count: int | None) -> str:
    return "" if count is None else f"{count:,}"


def _said(one: Entry) -> str:
    if one.paused_at is not None:
        return one.paused_because
    if one.error:
        times = f" ({one.failures} times)" if one.failures > 1 else ""
        return one.error + times
    return one.summary


@app.command()
def pause(
    names: Names,
    project: ProjectOption = Path(),
    because: Annotated[str, typer.Option(help="Why, for the list.")] = "",
) -> None:
    """Begin no more rounds of these organisations; a round that runs ends normally.

    Example: headrace fleet pause acme --because 'they change their accounting system'
    """
    with _opened(project) as (_, database), database.transaction():
        for name in names:
            pause_member(database, name, because)


@app.command()
def resume(names: Names, project: ProjectOption = Path()) -> None:
    """Let the rounds of paused organisations begin again, the next one at once.

    Example: headrace fleet resume acme
    """
    with _opened(project) as (_, database), database.transaction():
        for name in names:
            resume_member(database, name)


@app.command()
def remove(names: Names, project: ProjectOption = Path()) -> None:
    """Remove organisations from the register; nothing changes at the API.

    Their journals stay in the database, in case they come back. `headrace forget` deletes what is
    kept of their customers; use it first.

    Example: headrace fleet remove acme
    """
    with _opened(project) as (_, database), database.transaction():
        for name in names:
            remove_member(database, name)


@app.command()
def sync(
    names: Names,
    project: ProjectOption = Path(),
    wait: Annotated[
        bool, typer.Option("--wait", help="Until the rounds have ended; fails if one fails.")
    ] = False,
) -> None:
    """Queue a round of these organisations now, whatever their interval.

    Example: headrace fleet sync acme --wait
    """
    with _opened(project) as (_, database):
        for name in names:
            if not hint(database, name):
                raise ConfigurationError(f"{name} is paused: `headrace fleet resume {name}` first.")
        if wait:
            run_work(_ended(database, names))
            for one in entries(database):
                if one.organisation in names:
                    console.print(f"{one.organisation}: {_said(one)}", markup=False)
                    if one.error:
                        raise typer.Exit(1)


async def _ended(database: FleetDatabase, names: list[str]) -> None:
    """Wait until no round of these organisations waits or runs."""
    while any(database.run("waits", name=name).fetchone()[0] for name in names):
        await SYSTEM_CLOCK.sleep(_WAIT_S)


@app.command()
def history(
    name: Annotated[str, typer.Argument(help="The organisation.")],
    project: ProjectOption = Path(),
    limit: Annotated[int, typer.Option(min=1, max=100, help="How many rounds at most.")] = 20,
    json: JsonOption = False,
) -> None:
    """Show the last rounds of an organisation, newest first.

    Example: headrace fleet history acme
    """
    with _opened(project) as (_, database):
        found = past_rounds(database, name, limit)
    if json:
        print_json(found)
        return
    for one in found:
        took = duration_text((one.ended_at - one.started_at).total_seconds())
        console.print(
            f"{one.started_at:%Y-%m-%d %H:%M:%S}  {took}  {one.worker}  {one.error or one.summary}",
            markup=False,
        )


@app.command("new-key")
def new_key() -> None:
    """Print a new key for HEADRACE_SEALING_KEY, which encrypts secrets in the database.

    Keep it outside of the database and its backups. To replace a key, put the new one first and the
    old one after it, separated by a comma, then add the organisations again with --seal --replace.

    Example: headrace fleet new-key
    """
    console.print(new_sealing_key(), markup=False)
