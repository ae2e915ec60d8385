"""`headrace alerts`."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from headrace.alerts.checking import OutsideView
from headrace.alerts.post import ApprisePost
from headrace.alerts.stores import recorded_alerts
from headrace.alerts.texts import Message
from headrace.cli.exit_codes import ExitCode
from headrace.cli.interruptible import rest
from headrace.cli.show.alerts import alert_document, alert_text
from headrace.cli.show.console import (
    JsonOption,
    OrganisationOption,
    ProjectOption,
    console,
    print_json,
)
from headrace.fleet.project import LoadedProject, load_project
from headrace.model.clock import SYSTEM_CLOCK, parse_interval
from headrace.model.errors import ConfigurationError

app = typer.Typer(
    no_args_is_help=True,
    help="Look at what is announced to people, and try the addresses.\n\n"
    "`headrace run` and `headrace apply` announce troubles to the addresses in [alerts] of "
    "headrace.toml: once when one begins, and once when it is over.",
)

_TEST = Message(
    "headrace: a test",
    "This is a test of headrace's alerts. Nothing is wrong.",
    "info",
)


@app.command()
def test(
    project: ProjectOption = Path(),
    organisation: OrganisationOption = None,
    json: JsonOption = False,
) -> None:
    """Send a test message to each address of [alerts].

    An address is shown as headrace.toml names it, never itself. One that can't be reached is named
    with the reason (exit code 5).

    Example: headrace alerts test
    """
    loaded = load_project(project)
    addresses = _addresses(loaded, loaded.names(organisation))
    if not addresses:
        raise ConfigurationError(
            "headrace.toml has no address for alerts: write [alerts] with "
            'to = ["env:ALERT_ADDRESS"].'
        )
    post = ApprisePost()
    results = {one: post.send(loaded.folder, one, _TEST) for one in addresses}
    if json:
        print_json([{"address": one, "error": said or None} for one, said in results.items()])
    else:
        for one, said in results.items():
            console.print(f"{one}: {said or 'sent'}", markup=False)
    if any(results.values()):
        raise typer.Exit(ExitCode.UNREACHABLE)


def _addresses(loaded: LoadedProject, names: Sequence[str]) -> list[str]:
    found = list(loaded.settings.alerts.to)
    for name in names:
        found += loaded.settings_of(name).alerts.to
    return list(dict.fromkeys(found))


@app.command("list")
def list_alerts(
    project: ProjectOption = Path(),
    organisation: OrganisationOption = None,
    json: JsonOption = False,
) -> None:
    """List what is wrong and announced, or about to be.

    With since when, and whether the message arrived. Works during a running sync.

    Example: headrace alerts list --json
    """
    loaded = load_project(project)
    found = [
        (name, alert)
        for name in loaded.names(organisation)
        for alert in recorded_alerts(loaded, name, SYSTEM_CLOCK)
    ]
    if json:
        print_json([{"organisation": name, **alert_document(alert)} for name, alert in found])
        return
    for name, alert in found:
        console.print(f"{name}: {alert_text(alert)}", markup=False)
    if not found:
        console.print("nothing is wrong")


@app.command()
def check(
    project: ProjectOption = Path(),
    organisation: OrganisationOption = None,
    every: Annotated[
        str,
        typer.Option(help="Look again at this interval until stopped, such as 30s.", metavar="30s"),
    ] = "",
    json: JsonOption = False,
) -> None:
    """Announce what the journals show, from outside of `headrace run`.

    A process that died can't say so. This command notices it, as well as silence and lag, and may
    run by cron or as a service of its own. What another process announced is not announced again.
    It exits with 0 whatever it finds; the list that it prints says what is wrong.

    Example: headrace alerts check --every 30s
    """
    pause = _seconds(every) if every else None
    view = OutsideView(SYSTEM_CLOCK, ApprisePost(os.environ))
    while True:
        loaded = load_project(project)
        view.look(loaded, loaded.names(organisation), [])
        if pause is None:
            break
        rest(pause)
    list_alerts(project, organisation, json)


def _seconds(text: str) -> float:
    try:
        return parse_interval(text).total_seconds()
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint="--every") from None
