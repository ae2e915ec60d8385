"""`headrace snapshot`: copies of a hub, to go back to."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import msgspec
import typer

from headrace.model.clock import SYSTEM_CLOCK
from headrace.store.admin.snapshots import (
    Snapshot,
    delete_snapshot,
    list_snapshots,
    make_snapshot,
    restore_snapshot,
)
from headrace.store.engine.place import PDFS, Place, find_place
from headrace.store.pdf_files import PdfFiles, open_pdfs

app = typer.Typer(
    no_args_is_help=True,
    help="Make, list, restore and delete copies of a hub's database and PDFs; also while it runs.",
)

Data = Annotated[
    Path | None, typer.Option(help="The hub's data folder; snapshots are in its folder snapshots.")
]
Database = Annotated[
    str | None,
    typer.Option(help="And its PostgreSQL database: postgresql://..., env:NAME or file:PATH."),
]
Pdfs = Annotated[
    str | None, typer.Option(help="Where the hub keeps PDFs, if it was started with --pdfs.")
]
Name = Annotated[str, typer.Argument(help="The snapshot, as `snapshot list` shows it.")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON only.")]


@app.command()
def create(
    name: Annotated[str | None, typer.Argument(help="Its name; a timestamp by default.")] = None,
    data: Data = None,
    database: Database = None,
    pdfs: Pdfs = None,
    json: Json = False,
) -> None:
    """Copy all organisations, with their keys and PDFs, as they are at one moment.

    The copy can be restored on either engine, by this version of headrace or a later one.

    Example: headrace snapshot create before-import --data ./hub
    """
    place = find_place(data, database)
    made = make_snapshot(place, _files(place, pdfs), name, SYSTEM_CLOCK.now())
    _show(made, json)


@app.command("list")
def list_(data: Data = None, database: Database = None, json: Json = False) -> None:
    """Show all snapshots, oldest first.

    Example: headrace snapshot list --data ./hub
    """
    found = list_snapshots(find_place(data, database))
    if json:
        typer.echo(msgspec.json.encode(found).decode())
        return
    for one in found:
        _show(one, json)
    if not found:
        typer.echo("There are no snapshots yet: headrace snapshot create makes one.")


@app.command()
def restore(
    name: Name,
    data: Data = None,
    database: Database = None,
    pdfs: Pdfs = None,
    json: Json = False,
) -> None:
    """Put everything back as it was, at once or not at all.

    That holds for all organisations, and for keys: those made since are gone, those revoked since
    are in force. A hub that runs goes on with what is restored.

    Example: headrace snapshot restore before-import --data ./hub
    """
    place = find_place(data, database)
    _show(restore_snapshot(place, _files(place, pdfs), name), json)


@app.command()
def delete(name: Name, data: Data = None, database: Database = None, json: Json = False) -> None:
    """Remove a snapshot for good.

    Example: headrace snapshot delete before-import --data ./hub
    """
    delete_snapshot(find_place(data, database), name)
    typer.echo(msgspec.json.encode({"deleted": name}).decode() if json else f"{name} is deleted.")


def _files(place: Place, pdfs: str | None) -> PdfFiles:
    return open_pdfs(pdfs, place.folder / PDFS if place.folder else None)


def _show(snapshot: Snapshot, json: bool) -> None:
    if json:
        typer.echo(msgspec.json.encode(snapshot).decode())
        return
    typer.echo(
        f"{snapshot.name}  {snapshot.created_at}  headrace {snapshot.headrace}  "
        f"{snapshot.bytes:,} bytes  {snapshot.pdfs} PDFs"
    )
