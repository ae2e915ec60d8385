"""`headrace explain`: one record from the source's rows to the API's last answer."""

from __future__ import annotations

import json as jsonlib
import sys
import tempfile
from pathlib import Path
from typing import Annotated, Any

import typer

from headrace.cli.interruptible import run_work
from headrace.cli.show.console import (
    JsonOption,
    OrganisationOption,
    ProjectOption,
    console,
    print_json,
)
from headrace.fleet.project import LoadedProject, load_project
from headrace.model.clock import SYSTEM_CLOCK
from headrace.model.errors import Busy
from headrace.model.money import format_money
from headrace.sync.dossier import Dossier, Dossiers, Row
from headrace.sync.planning.name_texts import name_text
from headrace.sync.planning.names import Name
from headrace.sync.session import Organisation

_SHOWN_LINKS = 20


def command(
    record: Annotated[
        str,
        typer.Argument(
            metavar="RECORD", help="invoice/ID, customer/ID, …, or an id, a number or a name alone."
        ),
    ],
    project: ProjectOption = Path(),
    organisation: OrganisationOption = None,
    json: JsonOption = False,
) -> None:
    """Explain one record: where it comes from, what is sent of it, and what the API said.

    Shows the source's rows, the model's row, links, problems, the payload, what the API
    acknowledged and last answered, and why the record is withheld, held back, refused, drifted or
    not linked. Sends nothing, and works during a running sync.

    Example: headrace explain invoice/INV-2026-118
    """
    loaded = load_project(project)
    name = loaded.only(organisation)
    try:
        with loaded.open(name, SYSTEM_CLOCK) as opened:
            run_work(opened.prepare(bound=False))
            dossier = _read(opened, record)
    except Busy:
        dossier = _read_aside(loaded, name, record)
    if json:
        print_json(dossier)
    else:
        _show(dossier)


def _read(opened: Organisation, record: str) -> Dossier:
    dossiers = Dossiers(opened, opened.plan())
    return dossiers.read(dossiers.find(record))


def _read_aside(loaded: LoadedProject, name: str, record: str) -> Dossier:
    """Read the source once more, for a book of its own, while a sync works with the other."""
    print(
        f"{name} is being synced: explained by the source and the journal as they are now",
        file=sys.stderr,
    )
    with (
        tempfile.TemporaryDirectory(dir=loaded.data_folder(name), prefix="aside-") as folder,
        loaded.open_aside(name, SYSTEM_CLOCK, Path(folder)) as opened,
    ):
        opened.refresh()
        return _read(opened, record)


def _show(one: Dossier) -> None:
    row = one.row or {}
    name = Name(number=row.get("custom_id") or "", customer_name=row.get("name") or "")
    _line(f"{name_text(one.entity, one.external_id, name)}", style="bold")
    _line(f"  {one.verdict}")
    for held in one.source:
        _line(f"source, table {held.table} ({held.column})")
        for values in held.rows:
            _line(f"  {_values(values)}")
    if not one.source and one.model:
        _line(f"source: no column holds the id {one.external_id}; {one.model} composes it")
    if one.row:
        _line(f"model {one.model}")
        _line(f"  {_values(one.row)}")
    elif one.model:
        _line(f"model {one.model}: makes no such row")
    _show_links(one)
    for problem in one.problems:
        _line(f"problem  {problem}")
    _show_delivery(one)


def _show_links(one: Dossier) -> None:
    currency = (one.row or {}).get("currency") or ""
    for link in one.links[:_SHOWN_LINKS]:
        money = "" if link.amount is None else f" {format_money(link.amount, currency)}"
        because = link.reason or ""
        why = (
            f": not sent, {'' if because.startswith('its ') else 'it '}{because}" if because else ""
        )
        _line(
            f"link {link.direction} {link.entity.replace('_', ' ')} {link.external_id}{money}{why}"
        )
    if len(one.links) > _SHOWN_LINKS:
        _line(f"… and {len(one.links) - _SHOWN_LINKS:,} more links (--json has all)")


def _show_delivery(one: Dossier) -> None:
    if one.payload is not None:
        _line(f"payload  {_compact(one.payload)}")
    if one.acknowledged is not None:
        same = one.acknowledged == one.payload
        _line("API has  the same" if same else f"API has  {_compact(one.acknowledged)}")
    elif one.known_to_api:
        _line("API has  it; what was sent is not kept (keep_payloads = false)")
    else:
        _line("API has  nothing of it")
    if one.unanswered:
        _line(f"asked    {one.unanswered}, and no answer came: the next apply finds out")
    if one.refused:
        _line(f"refused  {one.refused}")
    if one.drift:
        _line(f"drift    {one.drift.sentence}")
    _line(f"next     {one.next or 'nothing'}")


def _line(text: str, style: str | None = None) -> None:
    console.print(text, markup=False, style=style)


def _values(row: Row) -> str:
    return ", ".join(f"{name} {value}" for name, value in row.items() if value is not None)


def _compact(document: Any) -> str:
    return jsonlib.dumps(document, ensure_ascii=False, separators=(",", ":"))
