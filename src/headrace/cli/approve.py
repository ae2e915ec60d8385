"""`headrace approve`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from headrace.cli.apply import bring_up_to_date
from headrace.cli.exit_codes import ExitCode
from headrace.cli.show.console import (
    JsonOption,
    OrganisationOption,
    ProjectOption,
    console,
    print_json,
)
from headrace.fleet.approving import user_name
from headrace.fleet.project import LoadedProject, load_project
from headrace.fleet.round import Round, note_round
from headrace.fleet.sync import SyncOptions, sync_once
from headrace.fleet.trouble import attempt
from headrace.model.clock import SYSTEM_CLOCK
from headrace.model.errors import Busy, ConfigurationError, HeadraceError
from headrace.sync.journal import Approval, Journal

_COMMAND = "approve"


def command(
    id: Annotated[
        str,
        typer.Argument(help="The plan's id, as `headrace status` shows it.", show_default=False),
    ],
    project: ProjectOption = Path(),
    organisation: OrganisationOption = None,
    name: Annotated[
        str,
        typer.Option(
            help="Who approves, for the audit log; without it, the user of this machine.",
            show_default=False,
        ),
    ] = "",
    json: JsonOption = False,
) -> None:
    """Approve a plan that waits for a person, and send it.

    The plan is made again, and sent if it is the one that was approved; if the source makes another
    plan by now, it has lapsed (exit code 10). Whoever requested a plan by `headrace apply` can't
    approve it. While `headrace run` works on the organisation, its next round sends the plan. Name,
    time and the plan's digest are in the audit log.

    Example: headrace approve 3f9a1c70be
    """
    loaded = load_project(project)
    organisation_name, approval = _find(loaded, loaded.names(organisation), id)
    who = name or user_name()
    if approval.requested_by == who:
        raise ConfigurationError(
            f"{who} requested plan {id}, so another person has to approve it (--name)."
        )
    if approval.state == "waiting":
        with _journal(loaded, organisation_name) as journal:
            journal.approve(approval, who)
    elif approval.state != "approved":
        raise ConfigurationError(
            f"Plan {id} of {organisation_name} was {approval.state}, so it can't be approved: "
            "`headrace status` shows what waits."
        )
    _send(loaded, organisation_name, id, json)


class _journal:
    """One organisation's journal, in a `with` block."""

    def __init__(self, loaded: LoadedProject, name: str) -> None:
        self._journal = Journal(loaded.journal_place(name), SYSTEM_CLOCK)

    def __enter__(self) -> Journal:
        return self._journal

    def __exit__(self, *_: object) -> None:
        self._journal.close()


def _find(loaded: LoadedProject, names: list[str], id: str) -> tuple[str, Approval]:
    for name in names:
        with _journal(loaded, name) as journal:
            approval = journal.approval(id)
        if approval is not None:
            return name, approval
    raise ConfigurationError(f"No plan {id} waits for approval: `headrace status` shows those.")


def _send(loaded: LoadedProject, name: str, id: str, json: bool) -> None:
    options = SyncOptions(command=_COMMAND, approved=id)
    try:
        plan, outcome = attempt(
            loaded,
            name,
            SYSTEM_CLOCK,
            lambda: bring_up_to_date(
                lambda watcher: sync_once(loaded, name, options, SYSTEM_CLOCK, watcher), json
            ),
        )
    except Busy:
        if json:
            print_json({"organisation": name, "plan": id, "outcome": None})
        else:
            console.print(f"{name}: plan {id} is approved; the next round sends it", markup=False)
        return
    except HeadraceError as error:
        note_round(loaded, Round(name, None, None, error), _COMMAND, SYSTEM_CLOCK)
        raise
    note_round(loaded, Round(name, plan, outcome), _COMMAND, SYSTEM_CLOCK)
    if json:
        print_json({"organisation": name, "plan": id, "outcome": outcome})
    if outcome.rejected or outcome.held:
        raise typer.Exit(ExitCode.REJECTED_RECORDS)
