"""`headrace logs`: the hub's requests."""

from __future__ import annotations

import json as json_module
from pathlib import Path
from typing import Annotated

import msgspec
import typer
from rich.text import Text

from headrace.cli.interruptible import rest
from headrace.cli.show.console import JsonOption, console, listed
from headrace.model.errors import ConfigurationError
from headrace.model.shell_text import quoted
from headrace.model.shown_text import shown
from headrace.server.observing.request_journal import JOURNAL
from headrace.server.observing.request_search import Entry, Query, search
from headrace.store.engine.place import find_place, snapshot
from headrace.store.records.organisations import list_organisations

_POLL_S = 0.3


def command(
    data: Annotated[Path, typer.Option(help="The folder of the hub's database.")],
    id: Annotated[
        str | None, typer.Argument(help="An X-Request-Id: show that request with its bodies.")
    ] = None,
    follow: Annotated[
        bool, typer.Option("--follow", "-f", help="Go on with what comes in, until Ctrl-C.")
    ] = False,
    organisation: Annotated[str | None, typer.Option(help="Only of this organisation.")] = None,
    status: Annotated[str | None, typer.Option(help="A status or its class: 404, 4xx.")] = None,
    match: Annotated[
        str | None, typer.Option(help="Text in the method and path, or an external id.")
    ] = None,
    limit: Annotated[int, typer.Option(min=1, help="How many of the newest.")] = 50,
    json: JsonOption = False,
) -> None:
    """Show the requests that a hub has answered, newest last; also while it runs.

    Every answer carries an X-Request-Id: `headrace logs --data DIR ID` shows that request with
    both bodies and as a curl line. With --json, one JSON document per request and line.

    Example: headrace logs --data ./hub --follow --status 4xx
    """
    try:
        query = Query(organisation=organisation, status=status, match=match, id=id, limit=limit)
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint="--status") from None
    seen = _show(data, query, whole=id is not None, json=json)
    if id is not None and not seen:
        raise typer.BadParameter(f"the journal has no request {id}", param_hint="ID")
    if organisation is not None and not seen:
        _raise_if_unknown(data, organisation)
    while follow:
        rest(_POLL_S)
        later = msgspec.structs.replace(query, after=seen, limit=10_000)
        seen = _show(data, later, whole=False, json=json) or seen


def _raise_if_unknown(data: Path, organisation: str) -> None:
    """Raise BadParameter for an organisation that the hub does not have. Where the hub's
    database is not in the folder, its logged requests decide."""
    try:
        with snapshot(find_place(data, None)) as db:
            names = [known.name for known in list_organisations(db)]
    except ConfigurationError:
        newest = search(data / JOURNAL, Query(limit=1000))
        names = sorted({entry.organisation for entry in newest if entry.organisation})
    if organisation not in names:
        there = f"there is {listed(names)}" if names else "there is none"
        raise typer.BadParameter(
            f"there is no organisation {organisation}: {there}", param_hint="--organisation"
        )


def _show(data: Path, query: Query, *, whole: bool, json: bool) -> int:
    """Print the entries found; returns the highest `seq`, 0 without any."""
    entries = search(data / JOURNAL, query)
    for entry in entries:
        if json:
            print(shown(msgspec.json.encode(entry).decode()), flush=True)
        elif whole:
            _print_whole(entry)
        else:
            console.print(_line(entry), soft_wrap=True)
    return max((entry.seq for entry in entries), default=0)


def _line(entry: Entry) -> Text:
    colour = {2: "green", 4: "yellow", 5: "red"}.get(entry.status // 100, "")
    line = Text(f"{entry.at[:10]} {entry.at[11:23]}  {entry.organisation or '-':<12} ")
    line.append(str(entry.status or "---"), style=colour)
    line.append(f" {entry.method:<6} {entry.path}  {entry.ms:.1f} ms")
    if entry.ignored:
        line.append(f"  ignored {', '.join(entry.ignored)}", style="yellow")
    if entry.fault:
        line.append(f"  fault {entry.fault}", style="yellow")
    line.append(f"  {entry.id}", style="dim")
    return line


def _print_whole(entry: Entry) -> None:
    console.print(_line(entry), soft_wrap=True)
    for title, body in (("sent", entry.sent), ("answered", entry.answered)):
        console.print(Text(f"\n{title}:", style="bold"))
        console.print(Text(_pretty(body)), soft_wrap=True)
    console.print(Text(f"\n{_curl(entry)}"), soft_wrap=True)


def _curl(entry: Entry) -> str:
    """Return a command line that repeats the request; safe to paste whatever the client sent."""
    line = f'curl -X {quoted(entry.method)} "$HUB"{quoted(entry.path)}'
    line += ' -H "X-Api-Key: $KEY" -H "X-Api-Secret: $SECRET"'
    if entry.sent:
        line += f" -H 'Content-Type: application/json' --data-binary {quoted(entry.sent)}"
    return line


def _pretty(body: str) -> str:
    if not body:
        return "(nothing)"
    try:
        return json_module.dumps(json_module.loads(body), indent=2, ensure_ascii=False)
    except ValueError:
        return body
