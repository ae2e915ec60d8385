"""Empties an organisation, as if it had just been created."""

from __future__ import annotations

from headrace.store.admin.frozen_clock import release_clock
from headrace.store.connection import Connection
from headrace.store.context import Organisation
from headrace.store.queries import RESET
from headrace.store.records.organisations import SEEDED_POSITIONS, make_position
from headrace.store.records.pdfs import pdfs_of_organisation, release_pdf


def reset_organisation(db: Connection, organisation: Organisation) -> None:
    """Delete all data of the organisation. It keeps its name, currency, time zone and keys; its
    clock returns to real time.

    The next sweep removes the files of its PDFs.
    """
    empty_organisation(db, organisation)
    for position in SEEDED_POSITIONS:
        make_position(db, organisation.seq, position)
    release_clock(db, organisation.seq)


def empty_organisation(db: Connection, organisation: Organisation) -> None:
    """Delete all data of the organisation, its positions included, but not its row and its keys."""
    pdfs = pdfs_of_organisation(db, organisation)
    for statement in RESET.values():
        db.execute(statement, (organisation.seq,))
    for pdf in pdfs:
        release_pdf(db, pdf)
