"""`headrace keys`: the key pairs of a hub's organisations."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import msgspec
import typer

from headrace.model.clock import SYSTEM_CLOCK, format_instant
from headrace.model.errors import ConfigurationError
from headrace.server.run import DATABASE
from headrace.store.connection import Connection
from headrace.store.keys import list_keys, make_key, revoke_key
from headrace.store.migrations import migrate
from headrace.store.organisations import make_organisation
from headrace.store.sqlite import connect, transact

app = typer.Typer(
    no_args_is_help=True,
    help="Make, list and revoke the keys of a hub's organisations; also while the hub runs.",
)

Data = Annotated[Path, typer.Option(help="The hub's data folder.")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON only.")]


@app.command()
def create(
    data: Data,
    organisation: Annotated[str, typer.Option(help="Whose data the key opens.")],
    new: Annotated[bool, typer.Option("--new", help="Make the organisation first.")] = False,
    currency: Annotated[str, typer.Option(help="With --new: its default currency.")] = "EUR",
    time_zone: Annotated[str, typer.Option(help="With --new: decides what is overdue.")] = "UTC",
    json: Json = False,
) -> None:
    """Make a key pair. The secret is shown this once; the hub keeps a hash of it.

    Example: headrace keys create --data ./hub --organisation acme --new
    """
    now = format_instant(SYSTEM_CLOCK.now())

    def make(db: Connection) -> object:
        if new:
            make_organisation(db, organisation, currency, time_zone, now)
        return make_key(db, organisation, now)

    with _database(data, make_folder=new) as db:
        pair = msgspec.to_builtins(transact(db, make))
    if json:
        _print_json(pair)
        return
    typer.echo(f"organisation  {pair['organisation']}")
    typer.echo(f"X-Api-Key     {pair['key']}")
    typer.echo(f"X-Api-Secret  {pair['secret']}")
    typer.echo("Keep the secret now: it can't be shown again.")


@app.command("list")
def list_(data: Data, json: Json = False) -> None:
    """Show all keys of all organisations, revoked ones too; never a secret.

    Example: headrace keys list --data ./hub
    """
    with _database(data) as db:
        entries = transact(db, list_keys)
    if json:
        _print_json(msgspec.to_builtins(entries))
        return
    for entry in entries:
        state = f"revoked {entry.revoked_at}" if entry.revoked_at else "in force"
        typer.echo(f"{entry.organisation}  {entry.key}  made {entry.created_at}  {state}")
    if not entries:
        typer.echo("There are no keys yet: headrace keys create makes one.")


@app.command()
def revoke(
    key: Annotated[str, typer.Argument(help="The key, as `keys list` shows it.")],
    data: Data,
    json: Json = False,
) -> None:
    """End a key; a running hub refuses it at once.

    Example: headrace keys revoke hub_0123 --data ./hub
    """
    now = format_instant(SYSTEM_CLOCK.now())
    with _database(data) as db:
        transact(db, revoke_key, key, now)
    if json:
        _print_json({"key": key, "revokedAt": now})
    else:
        typer.echo(f"{key} is revoked.")


@contextlib.contextmanager
def _database(data: Path, *, make_folder: bool = False) -> Iterator[sqlite3.Connection]:
    path = data / DATABASE
    if not path.exists():
        if not make_folder:
            raise ConfigurationError(
                f"There is no hub in {data} yet: `headrace keys create --new` makes its first "
                "organisation."
            )
        data.mkdir(parents=True, exist_ok=True)
    db = connect(path)
    try:
        transact(db, migrate)
        yield db
    finally:
        db.close()


def _print_json(value: object) -> None:
    typer.echo(msgspec.json.encode(value).decode())
