"""`headrace hub`: looking after a hub and its database."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Annotated, Any

import msgspec
import typer

from headrace.cli.exit_codes import ExitCode
from headrace.control.access import find_token
from headrace.control.client import ControlClient, path_of
from headrace.control.desk import named_organisation
from headrace.control.forgetting import Removal, remove_customer
from headrace.control.plane import BODY_MAX
from headrace.control.profiles import ENTITIES, ENTITIES_MAX
from headrace.control.records import SeedAnswer
from headrace.control.seed import play_seed
from headrace.control.seed_line import parse_seed
from headrace.model.clock import SYSTEM_CLOCK
from headrace.model.errors import ConfigurationError, NotFound, Refused
from headrace.store.admin.check import check_database
from headrace.store.admin.frozen_clock import Times
from headrace.store.admin.reset import reset_organisation
from headrace.store.connection import Connection
from headrace.store.context import Context, Organisation
from headrace.store.engine.place import PDFS, Place, find_place, snapshot, transactions
from headrace.store.pdf_files import open_pdfs
from headrace.testkit.billing.company_seed import CompanyProfiles

app = typer.Typer(no_args_is_help=True, help="Look after a hub and its database.")


@app.callback()
def _group() -> None:
    """Look after a hub and its database."""


Data = Annotated[Path | None, typer.Option(help="The hub's data folder.")]
Database = Annotated[
    str | None,
    typer.Option(help="Or its PostgreSQL database: postgresql://..., env:NAME or file:PATH."),
]
Url = Annotated[str, typer.Option(help="Where the hub listens.")]
Owner = Annotated[str, typer.Argument(help="The organisation's name.")]
Yes = Annotated[bool, typer.Option("--yes", help="Don't ask first.")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON only.")]

HERE = "http://127.0.0.1:8080"


@app.command()
def check(data: Data = None, database: Database = None, json: Json = False) -> None:
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


@app.command()
def reset(
    organisation: Owner,
    data: Data = None,
    database: Database = None,
    yes: Yes = False,
    json: Json = False,
) -> None:
    """Remove all data of an organisation, at once; its keys stay. Also while the hub runs.

    It asks first; where nobody can answer, as in a script, --yes is needed.

    Example: headrace hub reset acme --data ./hub --yes
    """
    place, _ = _found(data, database, organisation)
    if not yes:
        _confirm(f"Remove all data of {organisation}, for good?")

    def empty(db: Connection) -> None:
        reset_organisation(db, _known(db, organisation))

    with transactions(place) as transact:
        transact(empty)
    _tell(json, {"reset": organisation}, f"{organisation} is empty.")


@app.command()
def forget(
    organisation: Owner,
    customer: Annotated[str, typer.Option(help="The customer's external id.")],
    data: Data = None,
    database: Database = None,
    pdfs: Annotated[
        str | None, typer.Option(help="Where the hub keeps PDFs, if it was started with --pdfs.")
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Count what there is, and remove nothing.")
    ] = False,
    yes: Yes = False,
    json: Json = False,
) -> None:
    """Remove a customer with all its data, and every kept request that tells of it, for good.

    Its documents, contacts, notes, links and PDFs go, and the database and the request journal are
    written anew, so that no trace is left in their files. Also while the hub runs, and for a
    customer that was deleted before. It says what is left to do; see docs/personal-data.md.

    Example: headrace hub forget acme --customer C-1042 --data ./hub
    """
    place, known = _found(data, database, organisation)
    if not yes and not dry_run:
        _confirm(f"Remove customer {customer} of {organisation} with all its data, for good?")
    files = open_pdfs(pdfs, place.folder / PDFS if place.folder else None)
    removal = Removal(place, files, known, customer, dry_run)
    report = remove_customer(removal, SYSTEM_CLOCK)
    verb = "There are" if dry_run else "Removed"
    text = (
        f"{verb}: {report.customers} customer, {report.documents:,} documents, "
        f"{report.requests:,} requests.\nLeft to do:"
    )
    _tell(json, report, "\n  - ".join((text, *report.left)))


@app.command()
def seed(
    organisation: Owner,
    file: Annotated[
        Path,
        typer.Argument(
            help="A file of API calls as JSON lines; or agency, wholesaler or saas, made up."
        ),
    ],
    data: Data = None,
    database: Database = None,
    number: Annotated[
        int | None,
        typer.Option(
            "--seed",
            help="Derive the ids, and what is made up, from this number, so that they are "
            "reproducible.",
        ),
    ] = None,
    entities: Annotated[
        int, typer.Option(min=1, max=ENTITIES_MAX, help="About how many to make up.")
    ] = ENTITIES,
    json: Json = False,
) -> None:
    """Fill an organisation by a file of API calls: all of it, or nothing if a line is refused.

    A line is {"method": "POST", "path": "/customers", "body": {...}}; docs/hub-control.md tells
    the rest, and the companies that can be made up instead. Also while the hub runs.

    Example: headrace hub seed acme shop.jsonl --data ./hub
    """
    profiles, name = CompanyProfiles(), str(file)
    given = None if name in profiles.names and not file.exists() else parse_seed(_content(file))
    times = Times(SYSTEM_CLOCK, test_mode=True)

    def fill(db: Connection) -> SeedAnswer:
        known = _known(db, organisation)
        context = Context(known, times.now(known))
        lines = given
        if lines is None:
            lines = profiles.lines(name, entities, 1 if number is None else number, context.today)
        return play_seed(db, context, lines, times, number)

    with transactions(find_place(data, database)) as transact:
        answer = transact(fill)
    made = ", ".join(f"{count} {name}" for name, count in sorted(answer.made.items()))
    _tell(json, answer, f"{answer.lines} lines played: {made}.")


@app.command()
def clock(
    organisation: Owner,
    freeze: Annotated[
        str | None, typer.Option(help="Freeze its clock at this moment, such as 2026-03-01.")
    ] = None,
    advance: Annotated[str | None, typer.Option(help="Move it forward: 30m, 12h, 45d.")] = None,
    real: Annotated[bool, typer.Option("--real", help="Return to real time.")] = False,
    url: Url = HERE,
    data: Data = None,
    json: Json = False,
) -> None:
    """Show, stop or move the time of an organisation of a hub that runs in --test-mode.

    Example: headrace hub clock acme --advance 45d --data ./hub
    """
    ask = _asker(url, data)
    path = path_of("organisations", organisation, "clock")
    if real:
        ask("DELETE", path)
    if freeze is not None:
        ask("POST", f"{path}/freeze", {"at": freeze})
    if advance is not None:
        ask("POST", f"{path}/advance", {"by": advance})
    answer = ask("GET", path)
    state = "stopped" if answer["stopped"] else "real time"
    _tell(json, answer, f"{organisation}  {answer['now']}  {state}")


@app.command()
def faults(
    file: Annotated[
        Path | None, typer.Argument(help="A script to arm, as JSON; without it, all are shown.")
    ] = None,
    clear: Annotated[bool, typer.Option("--clear", help="Disarm all scripts first.")] = False,
    url: Url = HERE,
    data: Data = None,
    json: Json = False,
) -> None:
    """Arm a script of faults of a hub that runs, or show what fired and what did not.

    Example: headrace hub faults script.json --data ./hub
    """
    ask = _asker(url, data)
    if clear:
        ask("DELETE", "/faults")
    if file is not None:
        ask("POST", "/faults", _content(file))
    answer = ask("GET", "/faults")
    lines = [line for script in answer["scripts"] for line in _script_lines(script)]
    _tell(json, answer, "\n".join(lines) or "No script of faults is armed.")


def _script_lines(script: dict[str, Any]) -> Iterator[str]:
    whose = script["organisation"] or f"requests with X-Headrace-Faults: {script['id']}"
    yield f"{script['id']}  {whose}  {'done' if script['done'] else 'not done'}"
    for report in script["faults"]:
        fault = report["fault"]
        left = "" if report["left"] is None else f", {report['left']} left"
        yield f"  {fault['kind']}  {fault.get('on', 'any')}  {report['fired']} fired{left}"


def _asker(url: str, data: Path | None) -> Callable[..., Any]:
    client = ControlClient(url, find_token(data))

    def ask(*request: Any) -> Any:
        try:
            return client.call(*request)
        except Refused as error:
            raise ConfigurationError(str(error)) from None

    return ask


def _confirm(question: str) -> None:
    """Return after a yes. Raises ConfigurationError where there is no terminal to ask on."""
    if not sys.stdin.isatty():
        raise ConfigurationError("Nothing was removed: add --yes where nobody can be asked.")
    if not typer.confirm(question, err=True):
        typer.echo("Nothing was removed.", err=True)
        raise typer.Exit(ExitCode.INTERRUPTED)


def _content(file: Path) -> bytes:
    try:
        with file.open("rb") as opened:
            content = opened.read(BODY_MAX + 1)
    except OSError as error:
        raise ConfigurationError(f"{file} can't be read: {error.strerror}.") from None
    if len(content) > BODY_MAX:
        raise ConfigurationError(
            f"{file} has more than {BODY_MAX:,} bytes: split it into several files."
        )
    return content


def _found(data: Path | None, database: str | None, name: str) -> tuple[Place, Organisation]:
    """Return the place of a hub's data, and one of its organisations. Raises ConfigurationError."""
    place = find_place(data, database)
    with snapshot(place) as db:
        return place, _known(db, name)


def _known(db: Connection, name: str) -> Organisation:
    try:
        return named_organisation(db, name)
    except NotFound as error:
        raise ConfigurationError(str(error)) from None


def _tell(json: bool, value: object, text: str) -> None:
    typer.echo(msgspec.json.encode(value).decode() if json else text)
