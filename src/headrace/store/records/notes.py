"""Notes on customers."""

from __future__ import annotations

from headrace.model.collection import Note, NoteDraft
from headrace.model.errors import NotFound
from headrace.model.resource import NOTE
from headrace.store.connection import Connection
from headrace.store.context import Context
from headrace.store.queries import NOTE as SQL
from headrace.store.records import counters
from headrace.store.records.customer_rows import CustomerRow, get_customer
from headrace.store.records.page import Page, Window, page_of_rows
from headrace.store.records.references import Address


def make_note(
    db: Connection, context: Context, customer: Address, draft: NoteDraft
) -> tuple[CustomerRow, Note]:
    """Create a note. Raises NotFound without the customer."""
    row = get_customer(db, context, customer)
    note = Note(id=context.new_id(), content=draft.content, created_at=context.timestamp)
    db.execute(SQL["insert"], (row.seq, note.id, note.created_at, note.content))
    counters.count_other(db, context.organisation.seq, NOTE.name, row.seq, 1)
    return row, note


def list_notes(
    db: Connection, context: Context, customer: Address, window: Window
) -> tuple[CustomerRow, Page[Note]]:
    """Return a page, newest first. Raises NotFound without the customer."""
    row = get_customer(db, context, customer)
    length = counters.length(db, context.organisation, NOTE.name, counters.other_key(row.seq))
    page = page_of_rows(db, SQL, "page", (row.seq,), window, length)
    notes = [
        Note(id=note_id, created_at=created_at, content=content)
        for note_id, created_at, content in page.items
    ]
    return row, Page(notes, page.total)


def delete_note(db: Connection, context: Context, customer: Address, note: Address) -> CustomerRow:
    """Delete a note. Raises NotFound. Notes have no externalId."""
    row = get_customer(db, context, customer)
    if note.id is None or db.execute(SQL["delete"], (note.id, row.seq)).rowcount == 0:
        raise NotFound(f"There is no note with {note} at {row.label}.")
    counters.count_other(db, context.organisation.seq, NOTE.name, row.seq, -1)
    return row


def remove_notes(db: Connection, customer: int) -> None:
    """Delete the notes of a customer that is being deleted."""
    db.execute(SQL["delete_of_customer"], (customer,))
