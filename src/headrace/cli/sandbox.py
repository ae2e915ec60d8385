"""`headrace sandbox`: organisations of a hub for a while."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

import msgspec
import typer
from msgspec import UNSET, Struct

from headrace.cli.options.record import with_options
from headrace.control.access import find_token
from headrace.control.client import ControlClient, path_of
from headrace.control.profiles import ENTITIES
from headrace.control.sandbox_records import (
    SandboxAnswer,
    SandboxDraft,
    Sandboxes,
    SandboxMade,
    fields_of,
)
from headrace.control.sandbox_removal import delete_sandbox
from headrace.control.sandboxes import make_sandbox, want_sandbox
from headrace.control.seed_line import SeedLine, parse_seed
from headrace.model.clock import SYSTEM_CLOCK
from headrace.model.errors import ConfigurationError, Refused, RequestError
from headrace.store.admin.frozen_clock import Times
from headrace.store.admin.sandboxes import counts_of, list_sandboxes
from headrace.store.connection import Connection
from headrace.store.engine.place import PDFS, Place, find_place, snapshot, transactions
from headrace.store.pdf_files import open_pdfs
from headrace.store.records.organisations import organisation_by_seq
from headrace.testkit.billing.company_seed import CompanyProfiles

_NEVER = "never"
_PROFILES = CompanyProfiles()
_OPTIONS = {
    "name": "NAME",
    "expiresIn": "--expires-in",
    "limits": "--limits",
    "clock": "--clock",
    "currency": "--currency",
    "timeZone": "--time-zone",
    "seed": "--seed",
    "seed.profile": "--seed",
    "seed.entities": "--entities",
    "seed.number": "--number",
}
"""What a message says for a field, where a command was given."""


class Options(Struct, frozen=True, kw_only=True):
    """Options of `headrace sandbox`."""

    name: Annotated[str | None, typer.Argument(help="Its name; made up by default.")] = None
    seed: Annotated[
        str | None,
        typer.Option(
            help="Its data: agency, wholesaler or saas, made up; or a file of API calls as JSON "
            "lines. Empty unless given."
        ),
    ] = None
    entities: Annotated[
        int | None,
        typer.Option(min=1, help=f"About how many to make up, at most 10,000; {ENTITIES} unless "
                     "given."),
    ] = None  # fmt: skip
    number: Annotated[int, typer.Option(min=0, help="The same number makes up the same data.")] = 1
    expires_in: Annotated[
        str, typer.Option(help="After 30m, 12h or 7d it is deleted with all its data; or never.")
    ] = "1d"
    limits: Annotated[
        str | None,
        typer.Option(help="upflow, off, or a number of requests a minute; the hub's unless given."),
    ] = None
    clock: Annotated[
        str | None,
        typer.Option(
            help="Stop its time at this moment, such as 2026-03-01; for a hub in --test-mode."
        ),
    ] = None
    currency: Annotated[str, typer.Option(help="Its default currency.")] = "EUR"
    time_zone: Annotated[str, typer.Option(help="Decides what is overdue.")] = "UTC"
    list_: Annotated[bool, typer.Option("--list", help="Show all sandboxes instead.")] = False
    delete: Annotated[
        bool, typer.Option("--delete", help="Delete NAME with all its data instead, at once.")
    ] = False
    url: Annotated[str | None, typer.Option(help="Where the hub listens, to ask it over HTTP.")] = (
        None
    )
    data: Annotated[
        Path | None,
        typer.Option(
            help="The hub's data folder: its token with --url, else its database, whether or not "
            "a hub runs."
        ),
    ] = None
    database: Annotated[
        str | None,
        typer.Option(help="Or its PostgreSQL database: postgresql://..., env:NAME or file:PATH."),
    ] = None
    pdfs: Annotated[
        str | None, typer.Option(help="Where the hub keeps PDFs, if it was started with --pdfs.")
    ] = None
    json: Annotated[bool, typer.Option("--json", help="Print JSON only.")] = False


@with_options(Options)
def command(options: Options) -> None:
    """Make an organisation of a hub for a while: with a key pair, data, limits and an end.

    It prints what a client needs: the address, the key and the secret, which is shown this once.
    When it expires, in real time, the hub deletes it with everything in it, also after a restart.
    With --url it asks a running hub, whose token is in --data or HEADRACE_CONTROL_TOKEN; without,
    it works on the hub's database. Several sandboxes do not see each other, so every developer,
    branch or test can have its own.

    Data by --seed look like a company's: paid, partly paid, overdue and credited invoices, refunds,
    contacts. agency has few customers and large invoices, wholesaler parents with branches, saas
    subscriptions in five currencies. Dates lie around today, or around --clock.

    Example: headrace sandbox demo --seed saas --entities 1000 --expires-in 2h --data ./hub
    """
    if options.list_ and options.delete:
        raise ConfigurationError("--list and --delete do not go together: choose one.")
    if options.delete and options.name is None:
        raise ConfigurationError("Say which one to delete: headrace sandbox NAME --delete")
    at: _Hub | _Data = _Hub(options) if options.url is not None else _Data(options)
    try:
        if options.list_:
            _show_all(at.all(), options.json)
        elif options.delete:
            assert options.name is not None
            at.delete(options.name)
            gone = msgspec.json.encode({"deleted": options.name}).decode()
            typer.echo(gone if options.json else f"{options.name} is deleted.")
        else:
            _show(at.make(_draft(options)), options.json)
    except (RequestError, Refused) as error:
        raise ConfigurationError(_in_options(str(error))) from None


class _Hub:
    """A hub that runs, by its control plane."""

    def __init__(self, options: Options) -> None:
        self._client = ControlClient(options.url or "", find_token(options.data))

    def make(self, draft: SandboxDraft) -> SandboxMade:
        answer = self._client.call("POST", "/sandboxes", msgspec.json.encode(draft))
        return msgspec.convert(answer, SandboxMade)

    def all(self) -> list[SandboxAnswer]:
        return msgspec.convert(self._client.call("GET", "/sandboxes"), Sandboxes).sandboxes

    def delete(self, name: str) -> None:
        self._client.call("DELETE", path_of("sandboxes", name))


class _Data:
    """A hub's database."""

    def __init__(self, options: Options) -> None:
        self._place: Place = find_place(options.data, options.database)
        self._pdfs = options.pdfs

    def make(self, draft: SandboxDraft) -> SandboxMade:
        times = Times(SYSTEM_CLOCK, test_mode=True)
        wanted = want_sandbox(draft, SYSTEM_CLOCK.now(), _PROFILES, test_mode=True)
        with transactions(self._place) as transact:
            made = transact(make_sandbox, wanted, times)
        fields: dict[str, Any] = fields_of(made.sandbox, made.counts, None)
        pair = made.pair
        return SandboxMade(**fields, key=pair.key, secret=pair.secret, named=made.named)

    def all(self) -> list[SandboxAnswer]:
        with snapshot(self._place) as db:
            return list(_answers(db))

    def delete(self, name: str) -> None:
        folder = self._place.folder
        files = open_pdfs(self._pdfs, folder / PDFS if folder else None)
        delete_sandbox(self._place, files, name, SYSTEM_CLOCK)


def _answers(db: Connection) -> Iterator[SandboxAnswer]:
    for sandbox in list_sandboxes(db):
        counts = counts_of(db, organisation_by_seq(db, sandbox.seq))
        fields: dict[str, Any] = fields_of(sandbox, counts, None)
        yield SandboxAnswer(**fields)


def _draft(options: Options) -> SandboxDraft:
    end = None if options.expires_in == _NEVER else options.expires_in
    fields: dict[str, Any] = {
        "name": options.name if options.name is not None else UNSET,
        "seed": _seed(options),
        "expiresIn": end,
        "limits": options.limits,
        "clock": options.clock,
        "currency": options.currency,
        "timeZone": options.time_zone,
    }
    try:
        given = {name: value for name, value in fields.items() if value is not UNSET}
        return msgspec.convert(given, SandboxDraft)
    except msgspec.ValidationError as error:
        problem, _, place = str(error).partition(" - at `$.")
        named = f"{place.removesuffix('`')}: {problem}" if place else problem
        raise ConfigurationError(f"{_in_options(named)}.") from None


def _seed(options: Options) -> dict[str, Any] | list[SeedLine] | None:
    if options.seed is None:
        return None
    if options.seed not in _PROFILES.names and Path(options.seed).is_file():
        return msgspec.to_builtins(parse_seed(Path(options.seed).read_bytes()))  # type: ignore[no-any-return]
    if "/" in options.seed or "." in options.seed:
        raise ConfigurationError(f"--seed: there is no file {options.seed}.")
    choice = {"profile": options.seed, "number": options.number}
    return choice if options.entities is None else choice | {"entities": options.entities}


def _in_options(message: str) -> str:
    """Return the message with the option's name in the place of the field's."""
    field, colon, rest = message.partition(":")
    return f"{_OPTIONS.get(field, field)}{colon}{rest}"


def _show(made: SandboxMade, json: bool) -> None:
    if json:
        typer.echo(msgspec.json.encode(made).decode())
        return
    typer.echo(f"sandbox       {made.name}")
    typer.echo(f"base URL      {made.url or f'where the hub listens, with {made.path}'}")
    typer.echo(f"X-Api-Key     {made.key}")
    typer.echo(f"X-Api-Secret  {made.secret}")
    typer.echo(f"expires       {made.expires_at or _NEVER}")
    if made.clock:
        typer.echo(f"clock         {made.clock}, stopped where the hub runs in --test-mode")
    if any(made.counts.values()):
        typer.echo(f"holds         {_held(made)}")
    typer.echo("Keep the secret now: it can't be shown again.")


def _show_all(found: list[SandboxAnswer], json: bool) -> None:
    if json:
        typer.echo(msgspec.json.encode(found).decode())
        return
    for one in found:
        limits = f"  limits {one.limits}" if one.limits else ""
        stopped = f"  clock {one.clock}" if one.clock else ""
        end = f"expires {one.expires_at or _NEVER}"
        typer.echo(f"{one.name}  {end}{limits}{stopped}  {_held(one) or 'empty'}")
    if not found:
        typer.echo("There are no sandboxes: headrace sandbox NAME makes one.")


def _held(sandbox: SandboxAnswer) -> str:
    counts = sandbox.counts.items()
    return ", ".join(f"{count:,} {name.replace('_', ' ')}" for name, count in counts if count)
