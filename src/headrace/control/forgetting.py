"""Removes a customer from everything that a hub stores: database, PDFs and request journal."""

from __future__ import annotations

from msgspec import Struct

from headrace.model.clock import Clock, format_instant
from headrace.model.errors import BadRequest, ConfigurationError
from headrace.server.observing.request_forgetting import forget_exchanges
from headrace.server.observing.request_journal import JOURNAL
from headrace.store.admin.forgetting import Traces, forget_customer
from headrace.store.admin.frozen_clock import Times
from headrace.store.admin.snapshots import list_snapshots
from headrace.store.context import Context, Organisation
from headrace.store.engine.place import Place, Transact, rewrite, transactions
from headrace.store.pdf_files import PdfFiles
from headrace.store.records.pdfs import doom_pdfs, forget_pdfs


class Removal(Struct, frozen=True):
    """The customer to remove, and the places to remove it from."""

    place: Place
    files: PdfFiles
    organisation: Organisation
    customer: str
    """The external id."""
    dry_run: bool = False


class Report(Struct, frozen=True, kw_only=True):
    """What was removed, or would be, and what remains to be done elsewhere."""

    organisation: str
    customer: str
    dry_run: bool
    customers: int
    documents: int
    requests: int
    left: list[str]


def remove_customer(removal: Removal, clock: Clock) -> Report:
    """Remove the customer, also while a hub runs. Raises ConfigurationError while it has
    children."""
    place, organisation = removal.place, removal.organisation
    times = Times(clock, test_mode=True)
    context = Context(organisation, times.now(organisation))
    with transactions(place) as transact:
        try:
            traces: Traces = transact(forget_customer, context, removal.customer, removal.dry_run)
        except BadRequest as error:
            raise ConfigurationError(str(error)) from None
        if not removal.dry_run:
            _remove_files(transact, removal.files, format_instant(clock.now()))
    requests = 0
    if place.folder is not None:
        requests = forget_exchanges(
            place.folder / JOURNAL, organisation.name, traces.words, removal.dry_run
        )
    whole = removal.dry_run or rewrite(place)
    return Report(
        organisation=organisation.name,
        customer=removal.customer,
        dry_run=removal.dry_run,
        customers=traces.customers,
        documents=traces.documents,
        requests=requests,
        left=_left(place, whole),
    )


def _remove_files(transact: Transact, files: PdfFiles, now: str) -> None:
    """Remove PDFs that no document refers to any more."""
    while doomed := transact(doom_pdfs, now):
        for file in doomed:
            files.remove(file.name)
        transact(forget_pdfs, doomed)


def _left(place: Place, whole: bool) -> list[str]:
    left = []
    if place.url is not None:
        left.append("the database's files: its administrator runs `vacuum full`")
    elif not whole:
        left.append("the database's log: somebody is reading it, run this once more")
    if names := [snapshot.name for snapshot in list_snapshots(place)]:
        left.append(f"snapshots made before: {', '.join(names)} (headrace snapshot delete)")
    left.append("a file of --request-log, the hub's own log, and backups of its data folder")
    left.append("who sends to this hub: what is sent again is stored again")
    return left
