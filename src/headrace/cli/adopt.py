"""`headrace adopt`."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Annotated

import typer
from msgspec import Struct
from rich.table import Table

from headrace.cli.exit_codes import ExitCode
from headrace.cli.interruptible import run_work
from headrace.cli.options.record import with_options
from headrace.cli.show.console import (
    JsonOption,
    OrganisationOption,
    ProjectOption,
    console,
    print_json,
    reading,
    several,
)
from headrace.fleet.project import load_project
from headrace.model.clock import SYSTEM_CLOCK
from headrace.sync.remote.adopt import Adoption
from headrace.sync.remote.link import Linked
from headrace.sync.remote.proposals import Proposal, Proposer, read_proposals, write_proposals

_SHOWN = 20


class Options(Struct, frozen=True, kw_only=True):
    """Options of `headrace adopt`."""

    project: ProjectOption = Path()
    organisation: OrganisationOption = None
    write: Annotated[
        bool, typer.Option("--write", help="Note what matches, and link what is accepted.")
    ] = False
    proposals: Annotated[
        Path | None, typer.Option(help="Write the proposals to this CSV file, to be looked at.")
    ] = None
    accept: Annotated[
        Path | None, typer.Option(help="Link the proposals that are left in this CSV file.")
    ] = None
    accept_all: Annotated[
        bool, typer.Option("--accept-all", help="Link everything that is proposed.")
    ] = False
    json: JsonOption = False


@with_options(Options)
def command(options: Options) -> None:
    """Start with an Upflow organisation that already holds data, so that nothing is sent twice.

    Lists what the API has. Records with an external id of the source are noted as delivered; where
    they differ, the next `headrace apply` brings them up to date. For records without an external
    id it proposes the source's record with the same name or contact (customers), or the same
    number, customer, currency and amount (documents); accepted ones get that external id.
    Everything else is left alone. Without --write it only shows.

    Example: headrace adopt --proposals proposals.csv, then headrace adopt --accept proposals.csv
    --write
    """
    if options.accept is not None and options.accept_all:
        raise typer.BadParameter("--accept names some, --accept-all takes them all: choose one")
    chosen = read_proposals(options.accept) if options.accept is not None else []
    loaded = load_project(options.project)
    name = loaded.only(options.organisation)
    linked = None
    with loaded.open(name, SYSTEM_CLOCK) as opened:
        run_work(opened.prepare())
        adoption = reading(name, partial(opened.remote.adopt, options.write))
        accepted = adoption.checked(
            adoption.proposals if options.accept_all else chosen,
            Proposer(opened.book.connection),
        )
        if options.write and accepted:
            linked = run_work(opened.remote.link(accepted))
    if options.proposals is not None:
        write_proposals(options.proposals, adoption.proposals)
    if options.json:
        print_json({"written": options.write, "adoption": adoption, "linked": linked})
    else:
        _show(adoption, options.write, linked)
    if linked is not None and linked.refused:
        raise typer.Exit(ExitCode.REJECTED_RECORDS)


def _show(adoption: Adoption, write: bool, linked: Linked | None) -> None:
    console.print(
        f"[bold]{adoption.organisation}[/bold]: the API has {several(adoption.same, 'record')} as "
        f"the source, {adoption.known:,} known before, {adoption.strangers:,} of others"
    )
    for one in adoption.differing[:_SHOWN]:
        console.print(f"  {one.entity} {one.external_id} differs", markup=False)
        for name, source, there in one.fields:
            console.print(
                f"      {name}: source {source or 'empty'}, there {there or 'empty'}", markup=False
            )
    if len(adoption.differing) > _SHOWN:
        console.print(f"  … and {len(adoption.differing) - _SHOWN:,} more (--json has all)")
    if linked is None and adoption.proposals:
        console.print(f"  {several(len(adoption.proposals), 'proposal')}:")
        console.print(_table(adoption.proposals[:_SHOWN]))
        if len(adoption.proposals) > _SHOWN:
            console.print(f"  … and {len(adoption.proposals) - _SHOWN:,} more (--proposals FILE)")
    if linked is not None:
        console.print(f"  {several(linked.made, 'record')} linked")
        for proposal, said in linked.refused:
            console.print(f"  {proposal.entity} {proposal.external_id}: {said}", markup=False)
    if not write:
        console.print("  Nothing was noted or sent; with --write it is.")


def _table(proposals: list[Proposal]) -> Table:
    table = Table("entity", "there", "source", "by")
    for one in proposals:
        table.add_row(one.entity, one.shown or one.id, one.external_id, one.by)
    return table
