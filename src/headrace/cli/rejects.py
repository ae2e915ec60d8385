"""`headrace rejects`: what the API refused, and what to do with it."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import msgspec
import typer

from headrace.cli.options.journal import opened_journal
from headrace.cli.show.console import (
    JsonOption,
    OrganisationOption,
    ProjectOption,
    console,
    print_json,
    several,
)
from headrace.model.errors import ConfigurationError
from headrace.sync.journal import Journal, Reject
from headrace.sync.planning.name_texts import name_details, name_text
from headrace.sync.planning.names import UNKNOWN, Name, refused_names

app = typer.Typer(no_args_is_help=True)

_RecordsArgument = Annotated[
    list[str] | None,
    typer.Argument(help="Records as entity/external-id, such as invoice/INV-1.", metavar="RECORD"),
]
_AllOption = Annotated[bool, typer.Option("--all", help="All of them.")]


@app.callback()
def _group() -> None:
    """Look at records that the API refused, and decide what becomes of them.

    A refused record stays back, with the new records that refer to it, until its row changes or
    somebody says `retry`. All of this works during a running sync.
    """


@app.command("list")
def list_(
    project: ProjectOption = Path(),
    organisation: OrganisationOption = None,
    json: JsonOption = False,
) -> None:
    """List what the API refused, with its own sentence.

    Example: headrace rejects list --organisation acme
    """
    with opened_journal(project, organisation) as journal:
        rejects = journal.rejects()
        names = refused_names(journal, rejects)
    if json:
        print_json([_document(reject, names.get(reject.key, UNKNOWN)) for reject in rejects])
        return
    for reject in rejects:
        ignored = " (ignored)" if reject.ignored else ""
        details = name_details(reject.external_id, names.get(reject.key, UNKNOWN))
        console.print(
            f"{reject.entity}/{reject.external_id}{details}{ignored}: "
            f"{reject.status} {reject.message}",
            markup=False,
        )
    if not rejects:
        console.print("Nothing is refused.")


@app.command()
def show(
    record: Annotated[str, typer.Argument(help="The record, as invoice/INV-1.")],
    project: ProjectOption = Path(),
    organisation: OrganisationOption = None,
    json: JsonOption = False,
) -> None:
    """Show one refusal: when, the API's sentence, and what was sent.

    Example: headrace rejects show invoice/INV-1
    """
    with opened_journal(project, organisation) as journal:
        (reject,) = _chosen(journal, [record])
        name = refused_names(journal, [reject]).get(reject.key, UNKNOWN)
    if json:
        body = msgspec.Raw(reject.payload) if reject.payload else None
        print_json({**_document(reject, name), "payload": body})
        return
    when = datetime.fromtimestamp(reject.rejected_at, UTC)
    console.print(name_text(reject.entity, reject.external_id, name), markup=False)
    console.print(f"  refused {when:%Y-%m-%d %H:%M:%S} UTC with status {reject.status}")
    console.print(f"  the API says: {reject.message}", markup=False)
    if reject.payload:
        sent = msgspec.json.format(reject.payload, indent=2).decode()
        console.print(f"  sent: {sent}", markup=False)
    else:
        console.print("  what was sent is not kept (keep_payloads = false, or a deletion)")


@app.command()
def retry(
    records: _RecordsArgument = None,
    everything: _AllOption = False,
    project: ProjectOption = Path(),
    organisation: OrganisationOption = None,
) -> None:
    """Let the next sync try them again, as after something was changed in Upflow.

    Example: headrace rejects retry invoice/INV-1
    """
    with opened_journal(project, organisation) as journal:
        chosen = _chosen(journal, records, everything)
        journal.drop_rejects([reject.key for reject in chosen])
    console.print(f"{several(len(chosen), 'record')}: tried again by the next `headrace apply`.")


@app.command()
def ignore(
    records: _RecordsArgument = None,
    everything: _AllOption = False,
    project: ProjectOption = Path(),
    organisation: OrganisationOption = None,
) -> None:
    """Stop reporting them, and leave them behind until their rows change or `retry`.

    Example: headrace rejects ignore customer/C-17
    """
    with opened_journal(project, organisation) as journal:
        chosen = _chosen(journal, records, everything)
        journal.ignore_rejects([reject.key for reject in chosen])
    console.print(f"{several(len(chosen), 'record')}: ignored until the row changes.")


def _document(reject: Reject, name: Name) -> dict[str, Any]:
    """Without what was sent."""
    bare = msgspec.structs.replace(reject, payload=None)
    return {**msgspec.to_builtins(bare), **msgspec.structs.asdict(name)}


def _chosen(journal: Journal, records: list[str] | None, everything: bool = False) -> list[Reject]:
    """Return the refusals that were named. Raises ConfigurationError for one that does not
    exist, or when there are none."""
    there = {"/".join(reject.key): reject for reject in journal.rejects()}
    if everything:
        return list(there.values())
    if not records:
        raise ConfigurationError("Name the records, as invoice/INV-1, or all with --all.")
    for record in records:
        if record not in there:
            raise ConfigurationError(
                f"{record} is not refused: `headrace rejects list` shows what is."
            )
    return [there[record] for record in dict.fromkeys(records)]
