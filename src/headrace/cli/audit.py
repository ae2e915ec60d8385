"""`headrace audit`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import msgspec
import typer

from headrace.alerts.texts import when
from headrace.cli.exit_codes import ExitCode
from headrace.cli.options.journal import opened_journal
from headrace.cli.show.console import (
    JsonOption,
    OrganisationOption,
    ProjectOption,
    console,
    print_json,
)

app = typer.Typer(
    no_args_is_help=True,
    help="Look at what was decided about plans, and verify that nobody changed it.",
)


@app.command("list")
def list_entries(
    project: ProjectOption = Path(),
    organisation: OrganisationOption = None,
    json: JsonOption = False,
) -> None:
    """List who requested, approved, applied or forced which plan, and when.

    Example: headrace audit list -o acme --json
    """
    with opened_journal(project, organisation) as journal:
        entries = journal.audit_entries()
    if json:
        print_json(entries)
        return
    for one in entries:
        plan = f" plan {one.subject}" if one.subject else ""
        text = f"{one.number}  {when(one.at)}  {one.who}: {one.action}{plan}: {one.detail}"
        console.print(text, markup=False)
    if not entries:
        console.print("nothing was decided yet")


@app.command()
def verify(
    project: ProjectOption = Path(),
    organisation: OrganisationOption = None,
    head: Annotated[
        str,
        typer.Option(
            help="A hash that was noted earlier, which must be in the log.", show_default=False
        ),
    ] = "",
    json: JsonOption = False,
) -> None:
    """Verify that no entry of the audit log was changed or removed.

    Each entry contains the hash of the one before it. The newest hash is printed: note it elsewhere
    and pass it later with --head, because whoever can write the journal could make a new log. What
    is wrong is listed (exit code 9).

    Example: headrace audit verify -o acme
    """
    with opened_journal(project, organisation) as journal:
        entries, problems = journal.audit_entries(), journal.verify_audit(head)
    newest = entries[-1].hash if entries else ""
    if json:
        document = {"entries": len(entries), "head": newest, "problems": problems}
        print(msgspec.json.encode(document).decode())
    elif problems:
        for problem in problems:
            console.print(problem, markup=False)
    else:
        entries_said = "1 entry" if len(entries) == 1 else f"{len(entries):,} entries"
        console.print(f"{entries_said}, complete; the newest hash is {newest or 'none'}")
    if problems:
        raise typer.Exit(ExitCode.DIFFERS)
