"""`headrace console`: who may sign in to a hub's console."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import msgspec
import typer

from headrace.console.passwords import hash_password
from headrace.model.clock import SYSTEM_CLOCK
from headrace.model.errors import ConfigurationError
from headrace.store.admin.console_users import limit_user, list_users, remove_user, set_user
from headrace.store.connection import Connection
from headrace.store.engine.place import find_place, snapshot, transactions

app = typer.Typer(
    no_args_is_help=True,
    help="Say who may sign in to a hub's console; also while the hub runs.",
)


@app.callback()
def _group() -> None:
    """Say who may sign in to a hub's console; also while the hub runs."""


Data = Annotated[Path | None, typer.Option(help="The hub's data folder.")]
Database = Annotated[
    str | None,
    typer.Option(help="Or its PostgreSQL database: postgresql://..., env:NAME or file:PATH."),
]
Only = Annotated[
    list[str] | None,
    typer.Option("--organisation", help="Show the person this organisation only; may be repeated."),
]
Email = Annotated[str, typer.Argument(help="The person's e-mail address.")]


@app.command()
def add(
    email: Email, organisation: Only = None, data: Data = None, database: Database = None
) -> None:
    """Let a person sign in, or give it another password, which ends its sessions.

    The command asks for the password, of at least 12 characters; without a terminal it is the first
    line of standard input. The hub keeps an argon2id hash of it.

    Example: headrace console add anna@example.com --data ./hub
    """
    place = find_place(data, database)
    if sys.stdin.isatty():
        password = typer.prompt("Password", hide_input=True, confirmation_prompt=True)
    else:
        password = sys.stdin.readline().rstrip("\n")
    hashed = hash_password(password)
    with transactions(place, make=True) as transact:
        transact(_add, email, hashed, organisation)
    typer.echo(f"{email} can sign in to the console.")


@app.command()
def limit(
    email: Email,
    organisation: Only = None,
    everything: Annotated[
        bool, typer.Option("--all", help="Show the person all organisations.")
    ] = False,
    data: Data = None,
    database: Database = None,
) -> None:
    """Say which organisations a person sees; it takes effect with the next page.

    Of other organisations the person finds no page, and none of the hub as a whole.

    Example: headrace console limit anna@example.com --organisation acme --data ./hub
    """
    if everything == bool(organisation):
        raise ConfigurationError("Name organisations by --organisation, or give --all.")
    with transactions(find_place(data, database)) as transact:
        transact(limit_user, email, None if everything else organisation)
    seen = "all organisations" if everything else ", ".join(organisation or ())
    typer.echo(f"{email} sees {seen}.")


@app.command("list")
def list_(
    data: Data = None,
    database: Database = None,
    json: Annotated[bool, typer.Option("--json", help="Print JSON only.")] = False,
) -> None:
    """Show who may sign in, and when each last did.

    Example: headrace console list --data ./hub
    """
    with snapshot(find_place(data, database)) as db:
        found = list_users(db)
    if json:
        typer.echo(msgspec.json.encode(found).decode())
        return
    for one in found:
        seen = one.last_seen_at[:16].replace("T", " ") if one.last_seen_at else "never"
        sees = "all" if one.organisations is None else ", ".join(one.organisations) or "none"
        typer.echo(f"{one.email}  last signed in: {seen}  organisations: {sees}")
    if not found:
        typer.echo("Nobody can sign in yet: `headrace console add` adds the first.")


@app.command()
def remove(email: Email, data: Data = None, database: Database = None) -> None:
    """Let a person no longer sign in; its sessions end at once.

    Example: headrace console remove anna@example.com --data ./hub
    """
    with transactions(find_place(data, database)) as transact:
        transact(remove_user, email)
    typer.echo(f"{email} can no longer sign in.")


def _add(db: Connection, email: str, hashed: str, organisations: list[str] | None) -> None:
    set_user(db, email, hashed, SYSTEM_CLOCK.now())
    if organisations:
        limit_user(db, email, organisations)
