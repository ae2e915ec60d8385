"""`headrace forget`."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import duckdb
import typer
from msgspec import Struct

from headrace.book.book import Book
from headrace.cli.exit_codes import ExitCode
from headrace.cli.show.console import (
    JsonOption,
    OrganisationOption,
    ProjectOption,
    console,
    print_json,
    several,
)
from headrace.fleet.picture import forget_pictures
from headrace.fleet.project import load_project
from headrace.fleet.rest import rest_file
from headrace.fleet.trouble import log_file
from headrace.model.clock import SYSTEM_CLOCK
from headrace.model.errors import ConfigurationError
from headrace.model.source_settings import SourceSettings
from headrace.sync.journal import Forgotten, Journal

_ELSEWHERE = (
    "the source: while it has the customer, the next sync reads it, and sends it, again",
    "plans and reports that were saved to files, and backups of the data folder or the database",
)


class Report(Struct, frozen=True, kw_only=True):
    """What was found and, unless it is a `dry_run`, removed; and what remains to be done
    elsewhere."""

    organisation: str
    customer: str
    dry_run: bool
    found: Forgotten
    book: bool
    """Whether there was a book. It is deleted as a whole; the next sync rebuilds it."""
    left: list[str]


def command(
    customer: Annotated[str, typer.Option(help="The customer's external id.")],
    project: ProjectOption = Path(),
    organisation: OrganisationOption = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Count what there is, and take nothing out.")
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Don't ask first.")] = False,
    json: JsonOption = False,
) -> None:
    """Take a customer's data out of what is kept here, for good.

    What was sent of it, its rejects and drifts, what Upflow collected from it, and sentences that
    name it leave the journal, whose files are written anew; the book is removed as a whole. Delete
    the customer in the source and let `apply` delete it in Upflow first: only then does the
    journal let go of its id. It says what is left to do; docs/personal-data.md says where else.

    Example: headrace forget --customer C-1042 --organisation acme
    """
    loaded = load_project(project)
    name = loaded.only(organisation)
    folder, place = loaded.data_folder(name), loaded.journal_place(name)
    if not dry_run and not yes:
        _confirm(f"Take the data of customer {customer} out of {name}, for good?")
    book = folder / "cache.duckdb"
    had_book = book.exists()
    with (
        contextlib.nullcontext() if dry_run else _alone(book),
        contextlib.closing(Journal(place, SYSTEM_CLOCK)) as journal,
    ):
        if not dry_run:
            journal.lock()
        found = journal.forget_customer(customer, dry_run)
    if not dry_run:
        log = log_file(loaded, name)
        logs = log.parent.glob(f"{log.name}*")
        for path in (book, book.with_suffix(".duckdb.wal"), rest_file(loaded, name), *logs):
            path.unlink(missing_ok=True)
        forget_pictures(folder)
    report = Report(
        organisation=name,
        customer=customer,
        dry_run=dry_run,
        found=found,
        book=had_book,
        left=_left(found, loaded.settings_of(name).source),
    )
    if json:
        print_json(report)
    else:
        _show(report)


@contextlib.contextmanager
def _alone(path: Path) -> Iterator[None]:
    """Hold the organisation exclusively. Raises Busy."""
    try:
        book = Book(path)
    except duckdb.Error:  # of no use to anybody, and it goes
        yield
        return
    with book:
        yield


def _left(found: Forgotten, source: SourceSettings) -> list[str]:
    taps = [one for one in (source, *source.more.values()) if one.kind == "singer"]
    left = list(_ELSEWHERE)
    for tap in taps:
        if folder := tap.options.get("state"):
            left.append(f"the folder {folder}: delete it, and the tap is read from the beginning")
    if found.acknowledged:
        left.insert(
            0,
            f"Upflow: it has {several(found.acknowledged, 'record')} of the customer; delete the "
            "customer in the source, run `headrace apply`, then this command once more, so that "
            "the ids go",
        )
    if not found.rewritten:
        left.insert(0, "the journal's files: another program reads them, run this once more")
    return left


def _confirm(question: str) -> None:
    if not sys.stdin.isatty():
        raise ConfigurationError("Nothing was taken out: add --yes where nobody can be asked.")
    if not typer.confirm(question, err=True):
        typer.echo("Nothing was taken out.", err=True)
        raise typer.Exit(ExitCode.INTERRUPTED)


def _show(report: Report) -> None:
    found = report.found
    verb = "There is" if report.dry_run else "Taken out"
    parts = [
        several(count, word)
        for count, word in (
            (found.payloads, "payload"),
            (found.rejects, "reject"),
            (found.drifts, "drift"),
            (found.collected, "collected payment"),
            (found.run_records, "run record"),
        )
        if count
    ] + (["the book"] if report.book else [])
    console.print(f"{verb}: {', '.join(parts) or 'nothing'}.", markup=False)
    console.print("Left to do:")
    for line in report.left:
        console.print(f"  - {line}", markup=False)
