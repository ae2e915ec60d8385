"""`headrace keys`: the key pairs of a hub's organisations."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Annotated

import msgspec
import typer

from headrace.model.clock import SYSTEM_CLOCK, format_instant, parse_interval
from headrace.model.errors import ConfigurationError
from headrace.store.admin.keys import KeyPair, list_keys, make_key, revoke_key, rotate_key
from headrace.store.connection import Connection
from headrace.store.engine.place import find_place, transactions
from headrace.store.records.organisations import make_organisation

app = typer.Typer(
    no_args_is_help=True,
    help="Make, list, rotate and revoke the keys of a hub's organisations; also while the hub "
    "runs.",
)

Data = Annotated[Path | None, typer.Option(help="The hub's data folder.")]
Database = Annotated[
    str | None,
    typer.Option(help="Or its PostgreSQL database: postgresql://..., env:NAME or file:PATH."),
]
Json = Annotated[bool, typer.Option("--json", help="Print JSON only.")]


@app.command()
def create(
    organisation: Annotated[str, typer.Option(help="Whose data the key opens.")],
    data: Data = None,
    database: Database = None,
    name: Annotated[
        str, typer.Option(help="What the key is for, to distinguish it from others.")
    ] = "",
    new: Annotated[bool, typer.Option("--new", help="Make the organisation first.")] = False,
    currency: Annotated[str, typer.Option(help="With --new: its default currency.")] = "EUR",
    time_zone: Annotated[str, typer.Option(help="With --new: decides what is overdue.")] = "UTC",
    json: Json = False,
) -> None:
    """Make a key pair. The secret is shown this once; the hub keeps a hash of it.

    Example: headrace keys create --data ./hub --organisation acme --new
    """
    now = _now()

    def make(db: Connection) -> KeyPair:
        if new:
            make_organisation(db, organisation, currency, time_zone, now)
        return make_key(db, organisation, now, name)

    with transactions(find_place(data, database), make=new) as transact:
        pair = transact(make)
    _show(pair, json)


@app.command()
def rotate(
    key: Annotated[str, typer.Argument(help="The key to replace, as `keys list` shows it.")],
    data: Data = None,
    database: Database = None,
    overlap: Annotated[
        str,
        typer.Option(help="How long the old one stays valid next to the new: 30m, 12h, 7d, or 0."),
    ] = "1d",
    json: Json = False,
) -> None:
    """Make a key pair in the place of another, which goes on working for a while.

    Give the new pair to the program meanwhile. It has the old one's organisation and name.

    Example: headrace keys rotate hub_0123 --overlap 1d --data ./hub
    """
    length = _interval(overlap)
    with transactions(find_place(data, database)) as transact:
        pair = transact(rotate_key, key, length, _now())
    _show(pair, json)


@app.command("list")
def list_(data: Data = None, database: Database = None, json: Json = False) -> None:
    """Show all keys of all organisations, revoked ones too; never a secret.

    Example: headrace keys list --data ./hub
    """
    with transactions(find_place(data, database)) as transact:
        entries = transact(list_keys)
    if json:
        _print_json(entries)
        return
    now = _now()
    for entry in entries:
        name = f"  {entry.name}" if entry.name else ""
        used = f"used {entry.last_used_at}" if entry.last_used_at else "never used"
        typer.echo(
            f"{entry.organisation}  {entry.key}{name}  made {entry.created_at}  {used}  "
            f"{entry.state(now)}"
        )
    if not entries:
        typer.echo("There are no keys yet: headrace keys create makes one.")


@app.command()
def revoke(
    key: Annotated[str, typer.Argument(help="The key, as `keys list` shows it.")],
    data: Data = None,
    database: Database = None,
    json: Json = False,
) -> None:
    """End a key; a running hub refuses it at once.

    Example: headrace keys revoke hub_0123 --data ./hub
    """
    now = _now()
    with transactions(find_place(data, database)) as transact:
        transact(revoke_key, key, now)
    if json:
        _print_json({"key": key, "revokedAt": now})
    else:
        typer.echo(f"{key} is revoked.")


def _show(pair: KeyPair, json: bool) -> None:
    if json:
        _print_json(pair)
        return
    typer.echo(f"organisation  {pair.organisation}")
    typer.echo(f"X-Api-Key     {pair.key}")
    typer.echo(f"X-Api-Secret  {pair.secret}")
    typer.echo("Keep the secret now: it can't be shown again.")


def _interval(text: str) -> timedelta:
    if text == "0":
        return timedelta()
    try:
        return parse_interval(text)
    except ValueError as error:
        raise ConfigurationError(f"--overlap: {error}.") from None


def _now() -> str:
    return format_instant(SYSTEM_CLOCK.now())


def _print_json(value: object) -> None:
    typer.echo(msgspec.json.encode(value).decode())
