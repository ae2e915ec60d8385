"""`headrace collected`: what Upflow collected itself, and what it is to the source."""

from __future__ import annotations

import os
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer
from msgspec import Struct
from typer.core import TyperGroup

from headrace.cli.each import Failures
from headrace.cli.interruptible import run_work
from headrace.cli.options.journal import opened_journal
from headrace.cli.options.record import with_options
from headrace.cli.show.collected import show_collected, write_collected
from headrace.cli.show.console import (
    JsonOption,
    OrganisationOption,
    ProjectOption,
    console,
    print_json,
    several,
)
from headrace.fleet.project import LoadedProject, load_project
from headrace.fleet.secrets import resolve
from headrace.model.clock import SYSTEM_CLOCK, parse_interval
from headrace.model.errors import ConfigurationError
from headrace.sync.collection.collected import Collected
from headrace.sync.collection.handover import hand_over, place_of
from headrace.sync.journal import Decision, Key

_RECORD = re.compile(r"(payment|refund)/(.+)", re.DOTALL)


class _Group(TyperGroup):
    """Runs `list` unless another subcommand is named."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Insert `list` where no subcommand is given."""
        if not args or (args[0].startswith("-") and args[0] not in ("-h", "--help")):
            args = ["list", *args]
        return super().parse_args(ctx, args)


app = typer.Typer(cls=_Group, no_args_is_help=False)

_RecordArgument = Annotated[
    str, typer.Argument(help="The source's record, such as payment/P-17.", metavar="RECORD")
]


@app.callback()
def _group() -> None:
    """See what Upflow collected itself, and say what it is to the source.

    Customers pay in Upflow's portal; the bookkeeper books it later. A new payment of the source
    that is surely the same money is linked to it by `apply`; one that may be waits until somebody
    says `accept` or `reject`. Without a command it lists.
    """


class Options(Struct, frozen=True, kw_only=True):
    """Options of `headrace collected list`."""

    project: ProjectOption = Path()
    organisation: OrganisationOption = None
    since: Annotated[
        str | None,
        typer.Option(help="Only what came since a day (2026-05-01) or for a time (7d, 12h)."),
    ] = None
    csv: Annotated[
        Path | None, typer.Option(help="Write it to this CSV file, amounts as plain decimals.")
    ] = None
    into: Annotated[
        str | None,
        typer.Option(
            help="Write it into this table of the source's own SQLite or PostgreSQL database; or "
            "sqlite:///FILE#TABLE, postgresql://…#TABLE, the https:// address of a webhook, or "
            "env:NAME for one of these."
        ),
    ] = None
    json: JsonOption = False


@app.command("list")
@with_options(Options)
def list_(options: Options) -> None:
    """List payments and refunds that Upflow collected and the source has not booked.

    They are those of the API without an external id. With --since, only the new part of the API's
    lists is read. A table of --into is made when it is not there; a row stays when it is booked or
    deleted, and its state says `gone`. A webhook is sent all of it as JSON by one POST for each
    organisation.

    Example: headrace collected list --since 7d --into upflow_collected
    """
    loaded = load_project(options.project)
    since = _moment(options.since)
    failures = Failures(loaded, loaded.names(options.organisation), options.json)
    found = dict(failures.each(lambda name: _read(loaded, name, options.into, since)))
    if options.csv is not None:
        write_collected(options.csv, found)
    if options.json:
        documents = [
            {"organisation": name, "collected": collected} for name, collected in found.items()
        ]
        print_json([*documents, *failures.documents()])
    else:
        for name, collected in found.items():
            records = several(len(collected), "record")
            console.print(f"[bold]{name}[/bold]: {records} not booked yet")
            if collected:
                show_collected(console, collected)
    failures.exit()


def _read(
    loaded: LoadedProject, name: str, into: str | None, since: datetime | None
) -> list[Collected]:
    with loaded.open(name, SYSTEM_CLOCK) as opened:
        place = None
        if into is not None:
            where = resolve(into, "--into", loaded.folder, os.environ)
            place = place_of(where, opened.settings.source.url)
        collected = run_work(opened.remote.collected(since))
        if place is not None:
            run_work(hand_over(place, loaded.folder, name, collected, whole=since is None))
    return collected


def _moment(text: str | None) -> datetime | None:
    if text is None:
        return None
    try:
        return SYSTEM_CLOCK.now() - parse_interval(text)
    except (ValueError, OverflowError):
        pass
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise typer.BadParameter(
            f"{text!r} is neither a day, such as 2026-05-01, nor a time, such as 7d or 12h",
            param_hint="--since",
        ) from None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


@app.command()
def accept(
    record: _RecordArgument,
    ids: Annotated[
        list[str],
        typer.Argument(help="The API's ids of what it is; `list` shows them.", metavar="ID..."),
    ],
    project: ProjectOption = Path(),
    organisation: OrganisationOption = None,
) -> None:
    """Say that a payment or refund of the source is what Upflow collected.

    The next `apply` links it to the first id, whatever amount or customer that has, and what the
    source says replaces it. Further ids were booked in the same record: they are deleted in Upflow.

    Example: headrace collected accept payment/P-17 5b0c7e52-7f0e-4c53-9d0c-0a4c1c5f9a11
    """
    key = _key(record)
    with opened_journal(project, organisation) as journal:
        journal.drop_decisions([key])
        journal.decide(Decision(*key, id, "accepted") for id in dict.fromkeys(ids))
        journal.drop_rejects([key])
    console.print(f"{record}: linked by the next `headrace apply`.", markup=False)


@app.command()
def reject(
    what: Annotated[
        str,
        typer.Argument(
            help="A record of the source, as payment/P-17, or the API's id of a collected one.",
            metavar="RECORD|ID",
        ),
    ],
    ids: Annotated[
        list[str] | None,
        typer.Argument(help="Of a record: reject only these matches.", metavar="ID..."),
    ] = None,
    project: ProjectOption = Path(),
    organisation: OrganisationOption = None,
) -> None:
    """Say that a record of the source is other money than what Upflow collected.

    A record of the source is then sent as new. An id alone: that one is never booked, and keeps
    nothing of the source waiting.

    Example: headrace collected reject payment/P-17
    """
    named = _RECORD.fullmatch(what)
    with opened_journal(project, organisation) as journal:
        if named is None:
            decisions = [Decision(entity, "", what, "rejected") for entity in ("payment", "refund")]
        else:
            key = named[1], named[2]
            decisions = [Decision(*key, id, "rejected") for id in ids or [""]]
            journal.drop_rejects([key])
        journal.decide(decisions)
    console.print(f"{what}: taken for other money by the next `headrace apply`.", markup=False)


def _key(record: str) -> Key:
    found = _RECORD.fullmatch(record)
    if found is None:
        raise ConfigurationError(
            f"{record} is no record: name it as payment/P-17 or refund/R-3, by its external id."
        )
    return found[1], found[2]
