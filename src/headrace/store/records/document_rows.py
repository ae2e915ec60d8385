"""Reads documents: one by its ids, or a page of them."""

from __future__ import annotations

from headrace.ledger.document import Document
from headrace.model.entity import Entity
from headrace.model.errors import NotFound
from headrace.store.connection import Connection
from headrace.store.context import Context
from headrace.store.queries import DOCUMENT as SQL
from headrace.store.records import counters
from headrace.store.records.customer_rows import find_customer
from headrace.store.records.page import Order, Page, Window, plan_scan
from headrace.store.records.references import Address


class DocumentRow(Document, frozen=True, gc=False):
    """A document as stored, in the order of the query's columns."""

    seq: int
    dated: str | None
    """The date it was issued or validated."""
    created_at: str
    modified_at: str
    body: str
    pdf: str | None
    """The id of its PDF's file."""
    customer_id: str
    customer_external_id: str | None
    customer_name: str
    customer_accounting_ref: str | None


def find_document(
    db: Connection, context: Context, entity: Entity, address: Address
) -> DocumentRow | None:
    """Find a document within the organisation; documents of other organisations are invisible."""
    query = SQL["by_id" if address.id is not None else "by_external_id"]
    row = db.execute(query, (address.value, entity.name, context.organisation.seq)).fetchone()
    return DocumentRow(*row) if row else None


def get_document(db: Connection, context: Context, entity: Entity, address: Address) -> DocumentRow:
    """Like `find_document`, but raises NotFound."""
    row = find_document(db, context, entity, address)
    if row is None:
        raise NotFound(f"There is no {entity.name.replace('_', ' ')} with {address}.")
    return row


def document_by_seq(db: Connection, seq: int) -> DocumentRow:
    """Return a document that is known to exist."""
    return DocumentRow(*db.execute(SQL["by_seq"], (seq,)).fetchone())


def page_of_documents(
    db: Connection,
    context: Context,
    entity: Entity,
    window: Window,
    customer: Address | None,
    order: Order | None = None,
) -> Page[DocumentRow]:
    """Return a page of all or of one customer's, newest first or in the order given; empty for an
    unknown customer.

    The cost of another order grows with the length of the whole list.
    """
    seq = counters.WHOLE_ORGANISATION
    if customer is not None:
        found = find_customer(db, context, customer)
        if found is None:
            return Page([], 0)
        seq = found.seq
    total = counters.total(db, context.organisation, entity.name, seq)
    scan = plan_scan(window, total)
    if scan is None:
        return Page([], total)
    name = "page_of_customer" if customer is not None else "page"
    owner = seq if customer is not None else context.organisation.seq
    if order is not None:
        direction = "DESC" if order.descending else "ASC"
        query = SQL[f"sorted_{name}"].replace("COLUMN", order.column)
        query = query.replace("DIRECTION", direction)
        part = (window.limit, window.offset)
    else:
        query = SQL[f"{name}_{'newest' if scan.newest_first else 'oldest'}"]
        part = (scan.limit, scan.skip)
    rows = db.execute(query, (entity.name, owner, *part)).fetchall()
    return Page([DocumentRow(*row) for row in rows], total)
